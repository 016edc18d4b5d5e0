"""Raws of sensors without a colour filter, for networks that know only filters."""

from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from darkdiff_cli.cfa import Cfa
from darkdiff_cli.colour import srgb_decode, srgb_encode
from darkdiff_cli.raw import Exposure, RawFrame, develop
from darkdiff_models.finishing.fusion import fuse

FILTER = Cfa.bayer("RGGB")
ERROR = 0.01  # of the networks' picture in light, in sRGB: of photographs at x4, seen through that filter


def is_monochrome(frame: RawFrame) -> bool:
    """Whether the sensor has no filter."""
    return frame.cfa is not None and frame.cfa.is_monochrome


def behind_a_filter(frame: RawFrame) -> RawFrame:
    """A monochrome frame as one of a Bayer sensor that sees a grey scene; any other as it is.

    The networks know noise that differs from colour to colour, and take the same noise in all three for texture.
    """
    return replace(frame, cfa=FILTER) if is_monochrome(frame) else frame


def grey(picture: NDArray[np.float32], exposure: Exposure, full: bool) -> NDArray[np.float32]:
    """The picture of a monochrome sensor: the mean of its channels in linear light, three times.

    Args:
        picture: (h, w, 3) sRGB.
        exposure: of the sensor.
        full: the networks saw the frame behind a filter. In light the sensor's own values are better then, for each is
            all that there is to know of its place, and the two are fused.
    """
    mean = srgb_encode(srgb_decode(picture).mean(axis=-1, keepdims=True))
    if full:
        plain = develop(exposure.frame, exposure.ratio).pixels[..., :1]
        channel, light = (torch.from_numpy(part.transpose(2, 0, 1).copy())[None] for part in (mean, plain))
        mean = fuse(channel, light, ERROR)[0].permute(1, 2, 0).numpy()
    return np.repeat(mean, 3, axis=-1)
