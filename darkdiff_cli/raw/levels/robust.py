"""Levels of pixels that should be alike: fractions of a DN, whatever hot pixels and bad columns do."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from darkdiff_cli.raw.black_level import BlackLevel

SIGMA = 1.4826  # standard deviation for one median absolute deviation of normal noise
CORE = 4.0  # standard deviations within which a pixel counts
ODD_LINE = 5.0  # standard deviations of the lines' means from which a row or column is bad
QUANTUM = 0.5  # DN: the least deviation that whole numbers show
BLOCK = 16  # side of a block, in pixels of one site
BLOCKS = 2048  # that are looked at, of one site


class SiteLevel(NamedTuple):
    """One site of the colour filter in one area.

    Attributes:
        level: mean without bad lines and pixels.
        noise: standard deviation between neighbours.
        spread: standard deviation over the area.
        pixels: how many counted.
    """

    level: float
    noise: float
    spread: float
    pixels: int


def site_level(plane: NDArray[np.float32]) -> SiteLevel:
    """Measure a plane of one site that should be of one level.

    The median finds the pixels that count. Rows and columns whose means are apart from the others are left out, then
    pixels; what remains is averaged, because a median of whole numbers is a whole number.

    Args:
        plane: (h, w) pixels in DN.

    Returns:
        Level, noise and spread in DN; all 0 where nothing is left.
    """
    if min(plane.shape) < 1:
        return SiteLevel(0.0, 0.0, 0.0, 0)
    middle = float(np.median(plane))
    reach = CORE * max(SIGMA * float(np.median(np.abs(plane - middle))), QUANTUM)
    counted = np.abs(plane - middle) <= reach
    for axis in (0, 1):  # columns first: they are what sensors have bad ones of
        counted &= np.expand_dims(_good_lines(plane, counted, axis), axis)
    if not counted.any():
        return SiteLevel(0.0, 0.0, 0.0, 0)
    kept = plane[counted].astype(np.float64)
    return SiteLevel(float(kept.mean()), _neighbour_noise(plane, counted), float(kept.std()), kept.size)


def block_levels(mosaic_dn: NDArray[np.generic], black: BlackLevel, period: tuple[int, int]) -> NDArray[np.float32]:
    """Levels of blocks of each site all over a picture, in DN above black: (n,), empty for a picture below one block.

    Args:
        mosaic_dn: (H, W) in DN.
        black: its black level.
        period: of the colour filter.
    """
    down, across = (BLOCK * length for length in period)
    rows, columns = mosaic_dn.shape[0] // down, mosaic_dn.shape[1] // across
    step = max(int(np.sqrt(rows * columns / BLOCKS)), 1)
    levels = []
    for row in range(0, rows, step):
        window = (row * down, 0, down, columns * across)
        band = black.seen_from(*window).subtracted_from(mosaic_dn[row * down : (row + 1) * down, : columns * across])
        blocks = band.reshape(BLOCK, period[0], columns, BLOCK, period[1])[:, :, ::step]
        levels.append(np.median(blocks, axis=3).mean(axis=0).ravel())
    return np.concatenate(levels) if levels else np.empty(0, np.float32)


def _good_lines(plane: NDArray[np.float32], counted: NDArray[np.bool_], axis: int) -> NDArray[np.bool_]:
    pixels = counted.sum(axis=axis)
    means = np.where(counted, plane, 0).sum(axis=axis, dtype=np.float64) / np.maximum(pixels, 1)
    full = pixels > plane.shape[axis] / 2
    if not full.any():
        return full
    apart = np.abs(means - np.median(means[full]))
    scale = max(SIGMA * float(np.median(apart[full])), QUANTUM / np.sqrt(plane.shape[axis]))
    return np.asarray(full & (apart <= ODD_LINE * scale))


def _neighbour_noise(plane: NDArray[np.float32], counted: NDArray[np.bool_]) -> float:
    along = (plane[:, 1:] - plane[:, :-1])[counted[:, 1:] & counted[:, :-1]]
    across = (plane[1:] - plane[:-1])[counted[1:] & counted[:-1]]
    steps = np.concatenate([along, across])
    return float(np.sqrt(np.mean(steps.astype(np.float64) ** 2) / 2)) if steps.size else 0.0
