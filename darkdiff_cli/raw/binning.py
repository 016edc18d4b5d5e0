"""From photosites to LRGB pixels: any colour filter onto the grid of the network's picture."""

from functools import lru_cache
from itertools import product
from math import lcm
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from darkdiff_cli.cfa import COLOURS, Cfa
from darkdiff_cli.raw.frame import RawFrame
from darkdiff_cli.raw.squares import as_bayer

SIGMA = 0.6  # of the Gaussian kernel, in photosites
RADIUS = 4  # photosites on either side of a pixel's middle
LEAST = 1e-4  # of the largest weight: photosites with less do not count


def binned(frame: RawFrame) -> NDArray[np.float32]:
    """Bin a frame to the three colours of LRGB (paper Sec. 4.1, App. A2); linear, so that noise keeps zero mean.

    Bayer: each 2x2 quad becomes red, the mean of the two greens, blue. Quad Bayer and larger squares of one colour:
    `as_bayer` first. Monochrome and raws that are demosaiced already keep their size: every pixel holds all that LRGB
    asks for. Any other filter, such as X-Trans: `resampled` to half size. Rows and columns that fill no whole pixel are
    dropped.

    Args:
        frame: above black, amplified or not.

    Returns:
        (h, w, 3), the size that `frame.lrgb_shape` gives.
    """
    if frame.cfa is None:
        return frame.mosaic_dn.astype(np.float32, copy=False)
    if frame.cfa.is_monochrome:
        return np.repeat(frame.mosaic_dn.astype(np.float32, copy=False)[..., None], 3, axis=-1)
    if frame.cfa.squares is None:
        return resampled(frame.mosaic_dn.astype(np.float32, copy=False), frame.cfa)
    red, first_green, second_green, blue = bayer_planes(frame)
    return np.stack([red, (first_green + second_green) * np.float32(0.5), blue], axis=-1)


def bayer_planes(frame: RawFrame) -> list[NDArray[np.float32]]:
    """The red, two green and blue planes of a Bayer frame, each (h, w); squares of one colour are averaged first.

    Raises:
        ValueError: the frame has another colour filter, or none.
    """
    if frame.cfa is None or frame.cfa.squares is None:
        kind = "a raw that is demosaiced already" if frame.cfa is None else f"the colour filter {frame.cfa.name}"
        raise ValueError(f"{kind} has no four Bayer planes, which this model takes; use a model of LRGB")
    frame = as_bayer(frame)
    assert frame.cfa is not None
    whole = frame.cfa.whole(frame.mosaic_dn.astype(np.float32, copy=False))
    return [frame.cfa.plane(whole, site) for site in sorted(frame.cfa.sites, key=lambda site: site.colour)]


def resampled(mosaic: NDArray[np.float32], cfa: Cfa) -> NDArray[np.float32]:
    """Resample a mosaic of any pattern to half size, each colour from its own photosites alone.

    Each pixel is the mean of the photosites around its middle, weighed by a Gaussian and divided by the sum of the
    weights (normalised convolution: Knutsson and Westin, CVPR 1993). That is linear, and noise of zero mean keeps it.
    The kernel is so narrow that pixels share few photosites: wider ones, and planes fitted to the photosites instead of
    means, are nearer to the light of a clean frame, but the networks left more noise in dark ones.

    Args:
        mosaic: (H, W) above black; values below it are negative.
        cfa: its filter.

    Returns:
        (H // 2, W // 2, 3).
    """
    down, across = (lcm(length, 2) for length in cfa.period)  # after as many photosites, pixels and pattern repeat
    rows, columns = _indices(mosaic.shape[0], cfa.period[0], down), _indices(mosaic.shape[1], cfa.period[1], across)
    planes = {
        (row, column): mosaic[np.ix_(rows[row::down], columns[column::across])]
        for row in range(down)
        for column in range(across)
    }
    out = np.empty((mosaic.shape[0] // 2, mosaic.shape[1] // 2, 3), dtype=np.float32)
    for row, column, colour in product(range(0, down, 2), range(0, across, 2), range(3)):
        part = out[row // 2 :: down // 2, column // 2 :: across // 2, colour]
        total = np.zeros(part.shape, dtype=np.float32)
        for site in kernel(cfa, colour, row, column):
            (above, y), (before, x) = divmod(row + site.down, down), divmod(column + site.across, across)
            plane = planes[y, x][above + _before(down) :, before + _before(across) :]
            total += site.weight * plane[: part.shape[0], : part.shape[1]]
        part[:] = total
    return out


def can_be_resampled(cfa: Cfa) -> bool:
    """Whether every pixel of a filter has photosites of all three colours near it."""
    pixels = product(range(0, lcm(cfa.period[0], 2), 2), range(0, lcm(cfa.period[1], 2), 2), range(len(COLOURS)))
    return all(_sees(cfa, colour, row, column).any() for row, column, colour in pixels)


def _before(period: int) -> int:
    """How many whole periods beyond its edge a kernel needs of a mosaic."""
    return -(-RADIUS // period)


def _indices(length: int, pattern: int, period: int) -> NDArray[np.intp]:
    """The rows of a mosaic from before its edge to after it; outside, those of the same colours nearest to it."""
    margin = _before(period) * period
    places = np.arange(-margin, -(-length // period) * period + margin)
    places = np.where(places < 0, places % pattern, places)
    last = length - pattern
    return np.where(places >= length, last + (places - last) % pattern, places)


class Weight(NamedTuple):
    """One photosite's part in a pixel: rows down and columns across from the pixel's first one, and its weight."""

    down: int
    across: int
    weight: np.float32


@lru_cache(maxsize=4096)
def kernel(cfa: Cfa, colour: int, row: int, column: int) -> tuple[Weight, ...]:
    """The photosites that make one colour of a pixel, and their weights, which add up to 1.

    Args:
        cfa: the filter.
        colour: 0 red, 1 green, 2 blue.
        row, column: the pixel's first photosite in the pattern.
    """
    offsets = np.arange(-RADIUS + 1, RADIUS + 1)
    distance = offsets - 0.5  # from the middle of the pixel's 2x2 photosites
    down, across = np.nonzero(_sees(cfa, colour, row, column))
    near = np.exp(-(distance[down] ** 2 + distance[across] ** 2) / (2 * SIGMA**2))
    kept = near > LEAST * near.max()
    weights = near[kept] / near[kept].sum()
    return tuple(
        Weight(int(offsets[y]), int(offsets[x]), np.float32(weight))
        for y, x, weight in zip(down[kept], across[kept], weights, strict=True)
    )


def _sees(cfa: Cfa, colour: int, row: int, column: int) -> NDArray[np.bool_]:
    """(2 RADIUS, 2 RADIUS) which photosites around a pixel's middle are of a colour."""
    offsets = np.arange(-RADIUS + 1, RADIUS + 1)
    pattern = np.array([[COLOURS.index(letter) for letter in line] for line in cfa.pattern])
    seen = pattern[np.ix_((row + offsets) % cfa.period[0], (column + offsets) % cfa.period[1])]
    return np.asarray(seen == colour)
