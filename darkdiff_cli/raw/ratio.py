"""Estimate the amplification ratio from the raw alone: from what is lit."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from darkdiff_cli.colour import LUMINANCE_WEIGHTS
from darkdiff_cli.raw.develop import develop
from darkdiff_cli.raw.frame import RawFrame
from darkdiff_cli.raw.ratio_fit import COEFFICIENTS

MIN_RATIO, MAX_RATIO = 1.0, 300.0
DARK = 2.0  # times the most: a photo that is darker by so much gets a word
KEY = 0.15  # luminance that an evenly lit wall is brought to
BLOCKS = 48  # blocks along the longer side
FLOOR_DN = 1.0  # a block must be brighter than an error of the black level can make it ...
COARSEST_DN = 1 / 4095  # (a DN counts as that of 12 bits at most: the white level of a float raw may be 1)
FLOOR_SIGMA = 4.0  # ... and than noise can
FLOOR_STOPS = 5.0  # and no darker than this below the bright parts, or it is surroundings and not the picture
LEAST_SHARE = 0.002  # with fewer lit blocks the frame is black: a hot pixel is no scene
QUANTILES = (0.02, 0.1, 0.25, 0.75, 0.9, 0.95, 0.98)  # of the lit blocks, measured from their median
LOW, HIGH = 1, 4  # among them: those whose products with others count
STOPS_BELOW, STOPS_ABOVE = 5.0, 3.0  # a lamp counts as three stops above the median, however bright it is
MOST_DOWN, MOST_UP = 2.0, 2.5  # bounds of the correction, in stops


@dataclass(frozen=True)
class LitPart:
    """The lit part of a frame: one number that follows the light, and others that do not but for noise.

    Attributes:
        level: log2 of the luminance of the lit blocks, mean of the inner 80 %; 0 is saturation.
        shape: (F,) what the correction is computed from, see `lit_part`; zeros for an evenly lit wall.
    """

    level: float
    shape: NDArray[np.float64]

    @property
    def key_stops(self) -> float:
        """Stops that bring the mean to the key of an evenly lit wall."""
        return float(np.log2(KEY)) - self.level

    def ratio(self, coefficients: Sequence[float] = COEFFICIENTS) -> float:
        """The amplification ratio in [1, 300] with these coefficients."""
        return min(max(self.wanted(coefficients), MIN_RATIO), MAX_RATIO)

    def wanted(self, coefficients: Sequence[float] = COEFFICIENTS) -> float:
        """The amplification ratio that the light asks for, without bounds."""
        correction = float(self.shape @ np.array(coefficients))
        return float(2.0 ** (self.key_stops + min(max(correction, -MOST_DOWN), MOST_UP)))


def estimate_ratio(frame: RawFrame) -> float:
    """Choose the amplification ratio from the raw itself (Sec. 4.1 takes it from a reference exposure).

    The mean logarithm of the lit blocks is brought to the key, and corrected by what the histogram of the lit part
    looks like: `COEFFICIENTS`, fitted to photographs that were darkened by known factors (docs/make_auto_ratio.py).

    Args:
        frame: exposure in DN.

    Returns:
        A ratio in [1, 300], with two significant digits; 300 where nothing is lit.
    """
    return estimated(frame)[0]


def estimated(frame: RawFrame) -> tuple[float, str | None]:
    """The ratio of `estimate_ratio`, and a sentence where the picture stays dark with it."""
    lit = lit_part(frame)
    if lit is None:
        return MAX_RATIO, f"nothing in it stands above the noise, so it was amplified x{MAX_RATIO:g}, the most"
    ratio, wanted = float(f"{lit.ratio():.2g}"), lit.wanted()
    if wanted <= DARK * MAX_RATIO:
        return ratio, None
    return ratio, (
        f"it is darker than x{ratio:.4g} makes up for (its light asks for x{wanted:.2g}), so the photo is dark: it got "
        "hardly any light, or its levels are wrong; --ratio or --ev amplify more"
    )


def lit_part(frame: RawFrame) -> LitPart | None:
    """Measure what is lit.

    The picture is averaged over blocks, so that noise (zero mean, since negative values are kept) averages out. A
    block is lit where it stands above what noise and an error of the black level can do, and not more than
    FLOOR_STOPS below the brightest tenth: the surroundings of a moon, of a fisheye's circle, a black border are not.

    Args:
        frame: exposure in DN.

    Returns:
        The lit part, None for a black frame. Its shape is made of the distances of QUANTILES from the median in stops,
        the unlit share, and how many of the FLOOR_STOPS noise takes away.
    """
    blocks, sigma = block_means(develop(frame, 1.0, "srgb").pixels @ LUMINANCE_WEIGHTS)
    dn = min(1.0 / (frame.white_level - frame.black_level.highest), COARSEST_DN)
    return lit_blocks(blocks, max(FLOOR_DN * dn, FLOOR_SIGMA * sigma))


def lit_blocks(blocks: NDArray[np.float64], floor: float) -> LitPart | None:
    """Measure the blocks that are lit, as `lit_part`.

    Args:
        blocks: (rows, columns) mean luminance, 1 = saturation.
        floor: that noise and an error of the black level may reach.
    """
    above = blocks[blocks > floor]
    if above.size < max(1.0, LEAST_SHARE * blocks.size):
        return None
    bright = float(np.quantile(above, 0.9))
    lit = np.sort(np.log2(above[above >= bright * 2.0**-FLOOR_STOPS]))
    trim = lit.size // 10
    distances = np.quantile(lit, QUANTILES) - np.median(lit)
    distances = np.clip(distances, -STOPS_BELOW, STOPS_ABOVE)
    unlit = 1 - lit.size / blocks.size
    lost = min(max(float(np.log2(floor / bright)) + FLOOR_STOPS, 0.0), FLOOR_STOPS)
    return LitPart(
        level=float(lit[trim : lit.size - trim].mean()),
        shape=_shape(distances, unlit, lost),
    )


def _shape(distances: NDArray[np.float64], unlit: float, lost: float) -> NDArray[np.float64]:
    """Distances also bent, so that small contrasts can count otherwise than large ones, and a few products."""
    low, high = distances[LOW], distances[HIGH]
    bent = (distances, np.tanh(distances), np.tanh(3 * distances) / 3)
    rest = (unlit, unlit**2, lost, lost * low, lost * high, low * high, unlit * low, unlit * high)
    return np.concatenate([*bent, rest])


def block_means(luminance: NDArray[np.float32]) -> tuple[NDArray[np.float64], float]:
    """Means over square blocks, and the noise that is left in them.

    Args:
        luminance: (h, w) linear light.

    Returns:
        (rows, columns) means; their standard deviation in the dark, from the difference of the two halves of a
        checkerboard in each block.
    """
    size = max(1, int(np.ceil(max(luminance.shape) / BLOCKS)))
    rows, columns = (max(1, n // size) for n in luminance.shape)
    tiles = luminance[: rows * size, : columns * size]
    tiles = tiles.reshape(rows, tiles.shape[0] // rows, columns, tiles.shape[1] // columns)
    means = tiles.mean(axis=(1, 3), dtype=np.float64)
    signs = np.indices(tiles.shape[1::2]).sum(axis=0) % 2 * 2.0 - 1.0
    halves = np.einsum("rycx,yx->rc", tiles, (signs - signs.mean()).astype(np.float32)) / signs.size
    dark = means <= np.median(means)
    return means, float(1.4826 * np.median(np.abs(halves[dark])))
