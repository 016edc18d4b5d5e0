"""Estimate the noise of a plane of linear light from the plane itself."""

import numpy as np
from numpy.typing import NDArray

BINS = 24
BLOCK = 8
FLAT = 0.2  # quantile: the blocks of a bin with the smallest differences are free of texture
CLIPPED = 0.25  # share of clipped pixels above which a block tells nothing of the noise
FLAT_SIZE = 1.774  # that quantile of a block's mean absolute second difference, for normal noise of deviation 1


def estimate_noise(plane: NDArray[np.float32], white: NDArray[np.bool_] | None = None) -> tuple[float, float]:
    """Fit variance = gain * level + read variance to a plane.

    Second differences along rows and columns hold the noise and little of the picture. Their mean absolute value is
    taken per block, the blocks are sorted into bins by level, and the flattest blocks of a bin give its noise.

    Args:
        plane: (h, w) linear, black level subtracted, in any unit.
        white: (h, w) pixels that were cut off at white, whose noise is cut off too; None where only those are that
            equal all their neighbours.

    Returns:
        Gain in that unit per electron and read variance in that unit squared, neither negative. A plane smaller than
        10x10 is too small to measure and gives (0, infinity).
    """
    if min(plane.shape) < BLOCK + 2:
        return 0.0, float("inf")
    middle = plane[1:-1, 1:-1]
    across = plane[1:-1, :-2] + plane[1:-1, 2:] - 2 * middle
    along = plane[:-2, 1:-1] + plane[2:, 1:-1] - 2 * middle
    differences = (np.abs(across) + np.abs(along)) / 2
    clipped = differences == 0 if white is None else (differences == 0) | white[1:-1, 1:-1]
    unclipped = _blocks(clipped.astype(np.float32)) <= CLIPPED
    unclipped |= not unclipped.any()
    level, size = _blocks(middle)[unclipped], _blocks(differences)[unclipped]
    bins = np.array_split(np.argsort(level, kind="stable"), max(1, min(BINS, len(level) // 8)))
    levels = np.array([level[part].mean() for part in bins])
    sigma = np.array([np.quantile(size[part], FLAT) for part in bins]) / FLAT_SIZE
    variance = sigma**2
    if variance.max() == 0 or len(bins) < 2:
        return 0.0, float(variance.max())
    return _fit(levels, variance, 1.0 / np.maximum(variance, 1e-3 * variance.max()))


def _fit(level: NDArray[np.float64], variance: NDArray[np.float64], weight: NDArray[np.float64]) -> tuple[float, float]:
    """Weighted least squares of variance = gain * level + read with neither negative; arrays (bins,).

    Where the line's slope or its start is negative, the best allowed fit has it at 0, and the other term fits alone.
    """
    terms = np.stack([level, np.ones_like(level)]).astype(np.float64) * weight
    size = np.sqrt((terms**2).sum(axis=1))
    size[size == 0] = 1.0
    (gain, read), *_ = np.linalg.lstsq((terms / size[:, None]).T, variance * weight, rcond=None)
    gain, read = float(gain / size[0]), float(read / size[1])
    if gain >= 0 and read >= 0:
        return gain, read
    alone = np.maximum((terms * variance * weight).sum(axis=1) / (terms**2).sum(axis=1), 0.0)
    residual = [float(np.sum((variance * weight - one * term) ** 2)) for one, term in zip(alone, terms, strict=True)]
    return (float(alone[0]), 0.0) if residual[0] < residual[1] else (0.0, float(alone[1]))


def _blocks(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """(h, w) -> (blocks,) means of whole blocks."""
    height, width = (n // BLOCK for n in values.shape)
    whole = values[: height * BLOCK, : width * BLOCK].reshape(height, BLOCK, width, BLOCK)
    return np.asarray(whole.mean(axis=(1, 3))).ravel()
