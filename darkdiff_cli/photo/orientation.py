"""Turn a picture upright by its EXIF orientation."""

import numpy as np
from numpy.typing import NDArray


def upright(picture: NDArray[np.float32], orientation: int) -> NDArray[np.float32]:
    """Apply an EXIF orientation.

    Args:
        picture: (h, w, 3), or (h, w), in sensor orientation.
        orientation: EXIF value 1..8 (EXIF 2.3, tag 0x0112).

    Returns:
        The upright picture; for the values 5..8 it has w rows and h columns.

    Raises:
        ValueError: orientation is not within 1..8.
    """
    if not 1 <= orientation <= 8:
        raise ValueError(f"EXIF orientation must be 1..8, got {orientation}")
    if orientation in (5, 6, 7, 8):  # swap rows and columns
        picture = picture.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        picture = picture[::-1]
    if orientation in (2, 3, 6, 7):
        picture = picture[:, ::-1]
    return np.ascontiguousarray(picture)
