"""The steps after the networks. They are not in the paper, and the paper's recipes switch them off."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from darkdiff_models.finishing.block_light import block_light
from darkdiff_models.finishing.chroma_smoothing import smooth_chroma
from darkdiff_models.finishing.colour_anchor import anchor_colours
from darkdiff_models.finishing.fusion import fuse


@dataclass(frozen=True)
class Finishing:
    """Which finishing steps run. They compare picture and LRGB in linear sRGB, so LRGB must be in sRGB primaries.

    Attributes:
        colour_anchor: bring the picture's block means to those of the sensor, then smooth colour differences that are
            smaller than the noise.
        expected_error: RMS error of the networks' pictures, in sRGB with 1 = white. Above 0, the picture is fused with
            the plain rendering of LRGB, which weighs more the lower its noise is.
    """

    colour_anchor: bool = False
    expected_error: float = 0.0


def finish(
    srgb: Tensor,
    lrgb: Tensor,
    block: int,
    settings: Finishing,
    training: bool = False,
    crop: Callable[[Tensor], Tensor] = lambda image: image,
) -> Tensor:
    """Apply the finishing steps to the networks' output.

    Args:
        srgb: (batch, 3, h, w) sRGB of the networks, not clipped.
        lrgb: (batch, 3, h, w) the networks' input, linear light in sRGB primaries.
        block: side in pixels of the blocks whose means are compared; h and w are multiples of it.
        settings: which steps run.
        training: run the colour anchor only. A loss behind the other steps would not teach the networks what these
            steps correct.
        crop: removes the margin around the image before fusion, which measures the noise on the rest.

    Returns:
        (batch, 3, ...) sRGB, cropped, not clipped.
    """
    if settings.colour_anchor:
        light = block_light(lrgb, block)
        srgb = anchor_colours(srgb.float(), light)
        if not training:
            srgb = smooth_chroma(srgb, light)
    srgb = crop(srgb)
    if settings.expected_error > 0 and not training:
        srgb = fuse(srgb, crop(lrgb), settings.expected_error)
    return srgb
