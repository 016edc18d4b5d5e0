"""The noise of a picture, measured on the picture itself."""

import numpy as np
from numpy.typing import NDArray

BINS = 24
BLOCK = 8
CALM = 0.2  # quantile of the blocks of a bin
CLIPPED = 0.25  # share of pixels equal to all their neighbours from which a block counts as clipped
SIZE_OF_CALM = 1.774  # that quantile of the mean size of second differences, for normal noise of deviation 1


def estimate_noise(plane: NDArray[np.float32]) -> tuple[float, float]:
    """Fit variance = gain * level + read variance to a plane.

    Second differences along rows and columns hold the noise and little of the picture. Their mean size is taken in
    blocks, the blocks are sorted into bins by their level, and the calm blocks of each bin, which have no texture,
    tell the noise.

    Args:
        plane: (h, w) linear, black taken off, in any unit.

    Returns:
        Gain in that unit per electron and read variance in its square, neither negative; a plane of less than 10x10
        tells nothing, and its noise counts as infinite.
    """
    if min(plane.shape) < BLOCK + 2:
        return 0.0, float("inf")
    middle = plane[1:-1, 1:-1]
    across = plane[1:-1, :-2] + plane[1:-1, 2:] - 2 * middle
    along = plane[:-2, 1:-1] + plane[2:, 1:-1] - 2 * middle
    differences = (np.abs(across) + np.abs(along)) / 2
    shows = _blocks((differences == 0).astype(np.float32)) <= CLIPPED  # a clipped block has no noise to see
    shows |= not shows.any()
    level, size = _blocks(middle)[shows], _blocks(differences)[shows]
    bins = np.array_split(np.argsort(level, kind="stable"), max(1, min(BINS, len(level) // 8)))
    levels = np.array([level[part].mean() for part in bins])
    sigma = np.array([np.quantile(size[part], CALM) for part in bins]) / SIZE_OF_CALM
    spread = sigma**2
    if spread.max() == 0 or len(bins) < 2:
        return 0.0, float(spread.max())
    gain, read = np.polyfit(levels, spread, 1, w=1.0 / np.maximum(spread, 1e-3 * spread.max()))
    return max(float(gain), 0.0), max(float(read), 0.0)


def _blocks(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Means of whole blocks, in a row."""
    height, width = (n // BLOCK for n in values.shape)
    cut = values[: height * BLOCK, : width * BLOCK].reshape(height, BLOCK, width, BLOCK)
    return np.asarray(cut.mean(axis=(1, 3))).ravel()
