"""What finishes a picture after the networks. None of it is the paper's, and its recipes switch all of it off."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from darkdiff_models.finishing.block_light import block_light
from darkdiff_models.finishing.chroma_smoothing import smooth_chroma
from darkdiff_models.finishing.colour_anchor import anchor_colours
from darkdiff_models.finishing.fusion import fuse


@dataclass(frozen=True)
class Finishing:
    """Which steps finish a picture. All of them compare linear sRGB, so they need LRGB in sRGB primaries.

    Attributes:
        colour_anchor: scale and shift the picture so that its block means are the light that the sensor counted, then
            even out colours that differ by less than the noise can tell.
        expected_error: of the networks' pictures, root mean square in sRGB with 1 = white. Above 0, the sensor's own
            rendering counts where its noise is smaller than that.
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
    """Finish what the networks made of an image.

    Args:
        srgb: (batch, 3, h, w) sRGB of the networks, not clipped.
        lrgb: (batch, 3, h, w) the networks' input, linear light in sRGB primaries.
        block: side in pixels of the blocks whose light is compared; h and w are its multiples.
        settings: which steps.
        training: only the steps that a loss passes through. What is taken from a picture after them, the networks
            would not learn to give.
        crop: takes the margin off that the networks were given around the image; noise is measured on what is left.

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
