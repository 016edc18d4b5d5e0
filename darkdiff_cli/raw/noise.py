"""The noise of a raw, measured on the raw itself: DN per electron, and what the readout adds."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from darkdiff_cli.raw.frame import RawFrame

BLOCK_ROWS, BLOCK_COLUMNS = 8, 16  # photosites of one colour
MOST_BLOCKS = 4096  # of each site, from bands spread over the frame: a measure, not a count
BINS = 24
FLAT = 0.2  # quantile: the blocks of a bin with the smallest differences are free of texture
FLAT_SHARE = 0.853  # of the variance that this quantile has for normal noise
CLIPPED = 0.98  # of the white level, above which a block shows no noise
MIN_BLOCKS = 16


class MeasuredNoise(NamedTuple):
    """Noise of one exposure: variance = gain * level + read**2.

    Attributes:
        gain: DN per electron.
        read: standard deviation in DN where there is no light.
    """

    gain: float
    read: float


NO_NOISE = MeasuredNoise(0.0, 0.0)
"""What a frame is taken to have that is too small to be measured, or all clipped."""


def measure_noise(frame: RawFrame) -> MeasuredNoise | None:
    """Measure gain and read noise by photon transfer on one frame (Janesick, Photon Transfer, SPIE 2007).

    Second differences along the rows hold the noise, little of the picture, and no row noise. Blocks of each colour are
    sorted into bins by their level; the flattest of a bin give its variance, and a line through the bins gives both.

    Args:
        frame: exposure in DN, of any filter. A demosaiced raw gives the noise that is left in it.

    Returns:
        Gain and read noise, neither negative; None where the frame is too small or all clipped.
    """
    light, white = frame.light_dn(), frame.white_level - frame.black_level.mean
    planes = [light[..., 1]] if frame.cfa is None else [frame.cfa.plane(light, site) for site in frame.cfa.sites]
    blocks = [_blocks(plane) for plane in planes]
    level, variance = (np.concatenate(values) for values in zip(*blocks, strict=True))
    usable = (level < CLIPPED * white) & (variance > 0)
    if usable.sum() < MIN_BLOCKS:
        return None
    level, variance = level[usable], variance[usable]
    bins = np.array_split(np.argsort(level, kind="stable"), max(2, min(BINS, len(level) // 64)))
    levels = np.array([level[part].mean() for part in bins])
    variances = np.array([np.quantile(variance[part], FLAT) for part in bins]) / FLAT_SHARE
    return MeasuredNoise(*_line(levels, variances))


def _line(levels: NDArray[np.float64], variances: NDArray[np.float64]) -> tuple[float, float]:
    """Gain and read noise, neither negative, from variances at some levels, each known to a share of itself."""
    from scipy.optimize import nnls

    weight = 1 / np.maximum(variances, 1e-3 * variances.max())
    (gain, square), _ = nnls(np.stack([levels * weight, weight], axis=1), variances * weight)
    return float(gain), float(np.sqrt(square))


def _blocks(plane: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(h, w) light of one site -> (blocks,) levels and variances, from bands of rows spread over the plane."""
    bands, across = plane.shape[0] // BLOCK_ROWS, (plane.shape[1] - 2) // BLOCK_COLUMNS
    if bands < 1 or across < 1:
        return np.zeros(0), np.zeros(0)
    step = -(-bands * across // MOST_BLOCKS)
    whole = plane[: bands * BLOCK_ROWS, : across * BLOCK_COLUMNS + 2].reshape(bands, BLOCK_ROWS, -1)[::step]
    middle = whole[..., 1:-1]
    squares = (whole[..., :-2] + whole[..., 2:] - 2 * middle) ** 2 / 6
    shape = (len(whole), BLOCK_ROWS, across, BLOCK_COLUMNS)
    level, variance = (v.reshape(shape).mean(axis=(1, 3), dtype=np.float64).ravel() for v in (middle, squares))
    return level, variance
