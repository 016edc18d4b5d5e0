"""Offsets of rows, or of bands of rows, from the steps between them; used by lines.py and bands.py."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

CHI_SQUARED_MEDIAN = 0.455  # median of the square of a standard normal variable

Steps = Iterable[tuple[int, NDArray[np.floating], NDArray[np.floating]]]
"""(lag, (n - lag,) steps in DN from each row to the one `lag` below, (n - lag,) weights in 1 / DN squared)."""


def whole_periods(length: int, period: int) -> int:
    """A length in photosites, or the next above it that holds whole periods of a colour filter."""
    return -(-length // period) * period


def least_squares(count: int, prior: float, steps: Steps) -> NDArray[np.float64]:
    """The most likely offsets, (count,) in DN, given measured steps between them.

    Args:
        count: number of offsets.
        prior: variance of an offset, DN squared.
        steps: one entry for each lag, the lags being 1, 2, 3 and so on.
    """
    from scipy.linalg import solveh_banded

    steps = list(steps)
    matrix, target = np.zeros((len(steps) + 1, count)), np.zeros(count)
    matrix[0] = 1 / prior
    for lag, step, weight in steps:
        matrix[0, :-lag] += weight
        matrix[0, lag:] += weight
        matrix[lag, : count - lag] = -weight
        target[lag:] += weight * step
        target[:-lag] -= weight * step
    return np.asarray(solveh_banded(matrix, target, lower=True))


def robust_variance(squares: NDArray[np.floating]) -> float:
    """Variance of normal values around 0 from the median of their squares, which outliers do not change."""
    return float(np.median(squares)) / CHI_SQUARED_MEDIAN
