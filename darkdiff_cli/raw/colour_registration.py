"""Red and blue brought to where the greens are, for pictures of the sensor's size (our addition)."""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import correlate1d

from darkdiff_cli.cfa import Cfa

LOBES = 4  # of Lanczos' kernel, in pixels
APART = 0.25  # pixels between the middle of a quad and that of its red or its blue photosite, down and across

Plane = NDArray[np.float32]


def registered(pixels: NDArray[np.float32], cfa: Cfa | None) -> NDArray[np.float32]:
    """Shift red and blue of binned pixels to the middle of the pixel, where the mean of the two greens lies.

    Binning (paper App. A2) keeps each quad's red and blue, whose photosites lie half a photosite from its middle, to
    opposite sides: red and blue are half a pixel apart, and every edge has a coloured rim. The shift is by Lanczos'
    kernel of four lobes, which is linear and so nearly all-pass that the noise stays as white and strong as it was:
    the networks take what an interpolation leaves of the noise, in blotches, for the scene.

    Args:
        pixels: (h, w, 3) amplified and white-balanced, 1 = saturation, as `binned` gives them; not changed.
        cfa: the filter they were binned from: Bayer, or squares of one colour in Bayer order. X-Trans and others are
            resampled around the pixel's middle already.
    """
    if cfa is None or cfa.squares is None:
        return pixels
    out = pixels.copy()
    for site in cfa.squares.bayer.sites:
        if site.colour != 1:
            out[..., site.colour] = _middle(pixels[..., site.colour], site.row, site.column)
    return out


def _middle(plane: Plane, row: int, column: int) -> Plane:
    """The plane at the middles of quads, from photosites in their upper or lower row, left or right column."""
    for axis, place in enumerate((row, column)):
        ahead = APART if place == 0 else -APART
        plane = correlate1d(plane, _kernel(ahead), axis=axis, mode="nearest")
    return plane


def _kernel(ahead: float) -> Plane:
    """Weights of the pixels from -LOBES to LOBES that give the value so far ahead; they add up to 1."""
    distance = np.arange(-LOBES, LOBES + 1) - ahead
    weights = np.where(np.abs(distance) < LOBES, np.sinc(distance) * np.sinc(distance / LOBES), 0.0)
    return np.asarray(weights / weights.sum(), dtype=np.float32)
