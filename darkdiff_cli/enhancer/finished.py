"""From what the networks made to the picture of a photo."""

from dataclasses import replace

import numpy as np
import torch

from darkdiff_cli.enhancer.failures import name_of
from darkdiff_cli.enhancer.monochrome import grey, is_monochrome
from darkdiff_cli.enhancer.settings import EnhanceSettings
from darkdiff_cli.enhancer.values import Rendered
from darkdiff_cli.errors import InputError
from darkdiff_cli.gamut import OutsideSrgb
from darkdiff_cli.raw import DataFormat, Exposure, finish
from darkdiff_cli.raw.distortion import straightened
from darkdiff_cli.raw.doubt import doubt_of
from darkdiff_cli.raw.outside_srgb import outside_srgb
from darkdiff_cli.raw.rendering import brightened, srgb_of
from darkdiff_cli.raw.resizing import half_size, no_longer
from darkdiff_models import DarkDiffOutput


def finished(
    exposure: Exposure,
    made: DarkDiffOutput,
    settings: EnhanceSettings,
    data_format: DataFormat,
    model: str,
    device: torch.device,
) -> Rendered:
    """Bring the networks' picture to the white level and the strength of the settings.

    Args:
        exposure: the frame and its amplification ratio.
        made: of it.
        settings: they also say whether colours outside sRGB and the doubt are measured.
        data_format: of the model, see `DarkDiffPipeline`.
        model: what errors call it.
        device: that its networks ran on.

    Raises:
        InputError: the networks gave values that are no numbers.
    """
    frame, ratio, chosen = exposure.frame, exposure.ratio, settings.exposure
    plain = srgb_of(made.srgb.numpy(), frame, data_format)
    if is_monochrome(frame):
        plain = grey(plain, exposure, made.sampling.size == "full")
    picture, gain = finish(plain, frame, ratio, chosen.white_used, chosen.strength)
    if not np.isfinite(picture).all():
        elsewhere = "" if device.type == "cpu" else "--device cpu, or "  # whose arithmetic is fp32
        raise InputError(
            f"{name_of(frame)}: the model {model} gave NaN or infinite values for it; try {elsewhere}another model."
        )
    halved = settings.halved and made.sampling.size == "full" and frame.has_full_size
    picture = half_size(picture) if halved else picture  # last: grain is put back photosite by photosite
    if settings.photo.long_side is not None:
        picture = no_longer(picture, settings.photo.long_side)
    rendered = Rendered(picture, exposure, made.sampling, made.plan, made.notes, gain, halved)
    if settings.photo.wide:
        outside = outside_srgb(plain, frame, ratio, gain)
        straight = OutsideSrgb(*(straightened(part, frame) for part in (outside.below, outside.above)))
        rendered = replace(rendered, outside=straight)
    if settings.doubt:
        shown = brightened(plain, gain)
        doubt = doubt_of(shown, frame, ratio * gain, exposure.noise, chosen.strength, exposure.noise_share)
        rendered = replace(rendered, doubt=straightened(doubt, frame))
    return rendered
