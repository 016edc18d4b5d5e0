"""The noise of a raw, measured on the raw itself: DN per electron, and what the readout adds."""

from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from darkdiff_cli.raw.frame import RawFrame

BLOCK = 8  # photosites of one colour
MOST_BLOCKS = 8192  # of each site, from bands spread over the frame: a measure, not a count
BINS = 24
FLAT = 0.05  # quantile: the blocks of a bin with the smallest differences are free of texture
FLAT_SHARE = 0.554  # of the variance that this quantile has for normal noise
TEXTURED = 1.3  # times the fitted variance: a bin above it has no block that is free of texture
ROUNDS = 12
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

    Second differences along rows and columns hold the noise, no row or column noise, and little of the picture: no
    edge that runs along either. Blocks of each colour are sorted into bins by their level; the flattest of a bin give
    its variance. The line through the bins gives both, bins of nothing but texture left aside.

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
    flat = [part[variance[part] <= np.quantile(variance[part], FLAT)] for part in bins]
    levels = np.array([level[part].mean() for part in flat])  # a bin may reach from the dark into the light
    variances = np.array([variance[part].max() for part in flat]) / FLAT_SHARE
    return MeasuredNoise(*_line(levels, variances))


def _line(levels: NDArray[np.float64], variances: NDArray[np.float64]) -> tuple[float, float]:
    """Gain and read noise, neither negative, from variances at some levels that texture only ever makes larger."""
    from scipy.optimize import nnls

    fitted, trust = variances, np.ones_like(variances)
    least = 1e-4 * variances.max()
    for _ in range(ROUNDS):
        weight = trust / np.maximum(np.minimum(fitted, variances), least)  # each is known to a share of itself
        (gain, square), _ = nnls(np.stack([levels * weight, weight], axis=1), variances * weight)
        fitted = gain * levels + square
        trust = np.where(variances > TEXTURED * fitted, trust / 2, np.minimum(2 * trust, 1.0))
    return float(gain), float(np.sqrt(square))


def _blocks(plane: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(h, w) light of one site -> (blocks,) levels and variances, from bands of rows spread over the plane."""
    down, across = ((length - 2) // BLOCK for length in plane.shape)
    if down < 1 or across < 1:
        return np.zeros(0), np.zeros(0)
    step = -(-down * across // MOST_BLOCKS)
    bands = sliding_window_view(plane[:, : across * BLOCK + 2], BLOCK + 2, axis=0)[: down * BLOCK : BLOCK * step]
    middle = bands[:, 1:-1, 1:-1]
    along = bands[:, :-2] + bands[:, 2:] - 2 * bands[:, 1:-1]
    squares = (along[..., :-2] + along[..., 2:] - 2 * along[..., 1:-1]) ** 2 / 36
    shape = (len(bands), across, BLOCK, BLOCK)
    level, variance = (v.reshape(shape).mean(axis=(2, 3), dtype=np.float64).ravel() for v in (middle, squares))
    return level, variance
