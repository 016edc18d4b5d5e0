"""The noise of a raw, measured on the raw itself: DN per electron, and what the readout adds."""

from collections.abc import Callable
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
LOST = (0.5, 8.0)
"""Of a block's level, and times its noise: lines that differ by more, one of them of one value, are lost."""
MIN_BINS, SURE = 8, 4.0  # bins and standard errors, from which a line tells the level at which noise would vanish
MOST_BENT = 1.5  # how much higher its lighter half may tell it than its darker one
Values = NDArray[np.float64]


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
    flat = _flattest(frame)
    return None if flat is None else MeasuredNoise(*_line(*flat))


def level_without_noise(frame: RawFrame) -> float | None:
    """The lowest level at which noise would vanish, from the same line as `measure_noise`.

    There are no photons below black, and a readout without noise is none, so black is above this level.

    Args:
        frame: as of `measure_noise`; no demosaiced one, whose noise may have been reduced by its brightness.

    Returns:
        DN above the frame's black level; None where the line does not tell it from it.
    """
    flat = _flattest(frame)
    if flat is None or len(flat[0]) < MIN_BINS:
        return None
    half = len(flat[0]) // 2
    parts = [[values[part] for values in flat] for part in (slice(None), slice(half), slice(half, None))]
    (level, is_sure), (dark, is_dark_sure), (light, _) = (_vanishing(*part) for part in parts)
    # Of fine texture, whose variance grows faster than its light, the lighter half of the line points far higher.
    return level if is_sure and is_dark_sure and light <= MOST_BENT * dark else None


def _vanishing(levels: Values, variances: Values) -> tuple[float, bool]:
    """The lowest level at which a line through some bins vanishes, and whether that is surely above 0."""
    gain, square, error = _signed_line(levels, variances)
    return (-(square + error) / gain, square < -SURE * error) if gain > 0 else (0.0, False)


def _flattest(frame: RawFrame) -> tuple[Values, Values] | None:
    """Levels and variances of the flattest blocks of each bin; None where too little is there."""
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
    return levels, variances


def _line(levels: Values, variances: Values) -> tuple[float, float]:
    """Gain and read noise, neither negative, from variances at some levels that texture only ever makes larger."""
    from scipy.optimize import nnls

    gain, square = _fitted(levels, variances, lambda rows, seen: nnls(rows, seen)[0])[0]
    return float(gain), float(np.sqrt(square))


def _signed_line(levels: Values, variances: Values) -> tuple[float, float, float]:
    """Gain, variance at level 0, which may be negative, and the standard error of the latter."""
    (gain, square), rows, seen = _fitted(
        levels, variances, lambda rows, seen: np.asarray(np.linalg.lstsq(rows, seen)[0], np.float64)
    )
    spread = np.sum((rows @ np.array([gain, square]) - seen) ** 2) / (len(seen) - 2)
    return float(gain), float(square), float(np.sqrt(spread * np.linalg.pinv(rows.T @ rows)[1, 1]))


def _fitted(
    levels: Values, variances: Values, solve: Callable[[Values, Values], Values]
) -> tuple[Values, Values, Values]:
    """The line's two numbers, and the weighted rows and variances that they were solved from."""
    fitted, trust = variances, np.ones_like(variances)
    least = 1e-4 * variances.max()
    for _ in range(ROUNDS):
        weight = trust / np.maximum(np.minimum(fitted, variances), least)  # each is known to a share of itself
        rows, seen = np.stack([levels * weight, weight], axis=1), variances * weight
        line = solve(rows, seen)
        fitted = line[0] * levels + line[1]
        trust = np.where(variances > TEXTURED * fitted, trust / 2, np.minimum(2 * trust, 1.0))
    return line, rows, seen


def _blocks(plane: NDArray[np.float32]) -> tuple[Values, Values]:
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
    # Of a lost line of one value no variance tells, and the level of its block is not that of the light.
    lines = middle.reshape(shape).astype(np.float64)
    far = np.ptp(lines.mean(axis=2), axis=2).ravel() > LOST[0] * np.abs(level) + LOST[1] * np.sqrt(variance)
    whole = ~far | (np.ptp(lines, axis=2) > 0).all(axis=2).ravel()
    return level[whole], variance[whole]
