"""Offsets of rows, or of bands of rows, from the steps between them: what rows.py and bands.py have in common."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

MEDIAN = 0.455  # of the square of a normal variable of variance 1

Steps = Iterable[tuple[int, NDArray[np.floating], NDArray[np.floating]]]
"""(lag, (n - lag,) steps from each row to the one `lag` further down in DN, what each weighs in 1 / DN squared)."""


def least_squares(count: int, prior: float, steps: Steps) -> NDArray[np.float64]:
    """The (count,) most likely offsets in DN of variance `prior`, their differences seen in steps.

    Args:
        count: how many.
        prior: their variance, DN squared.
        steps: of each lag, the lags 1 to their number.
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


def bulk(squares: NDArray[np.floating]) -> float:
    """The variance of normal values around 0 whose squares have the same median: outliers do not count."""
    return float(np.median(squares)) / MEDIAN
