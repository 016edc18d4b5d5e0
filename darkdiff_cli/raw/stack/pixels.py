"""Between the pixels of LRGB and the photosites of a frame."""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter

from darkdiff_cli.cfa import COLOURS
from darkdiff_cli.raw.frame import RawFrame

Floats = NDArray[np.float32]


def means(picture: Floats, window: int) -> Floats:
    """The means over a square window around each pixel, colour by colour."""
    return np.asarray(uniform_filter(picture, (window, window, 1)), np.float32)


def photosites_of_pixel(frame: RawFrame) -> Floats:
    """(3,) how many photosites of each colour a pixel of LRGB holds on average."""
    if frame.cfa is None or frame.cfa.is_monochrome:
        return np.ones(3, np.float32)
    colours = [site.colour for site in frame.cfa.sites]
    share = np.array([colours.count(colour) for colour in range(len(COLOURS))]) / len(colours)
    return np.asarray(share * frame.sites_per_pixel**2, np.float32)


def at_photosites(pixels: Floats, frame: RawFrame) -> Floats:
    """Values of LRGB's pixels at every photosite of a frame; the outermost go on to its borders.

    Args:
        pixels: (h, w), or (h, w, 3) with one value for each colour.
        frame: of which they are.

    Returns:
        (H, W), a photosite has its own colour's; or (H, W, 1) of (h, w), (H, W, 3) of (h, w, 3) for a demosaiced frame.
    """
    side, (top, left), shape = frame.sites_per_pixel, frame.first_pixel, frame.mosaic_dn.shape
    rows = np.clip((np.arange(shape[0]) - top) // side, 0, pixels.shape[0] - 1)
    columns = np.clip((np.arange(shape[1]) - left) // side, 0, pixels.shape[1] - 1)
    if pixels.ndim == 2:
        spread = pixels[np.ix_(rows, columns)]
        return spread if frame.cfa is not None else spread[..., None]
    if frame.cfa is None:
        return pixels[np.ix_(rows, columns)]
    spread = np.empty(shape, np.float32)
    down, across = frame.cfa.period
    for site in frame.cfa.sites:
        places = np.ix_(rows[site.row :: down], columns[site.column :: across])
        frame.cfa.plane(spread, site)[:] = pixels[..., site.colour][places]
    return spread
