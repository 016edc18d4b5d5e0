"""Pictures of the sensor's size, of half and of a quarter of it, brought to one size."""

import numpy as np
from numpy.typing import NDArray

from darkdiff_cli.raw.resizing import half_size, resized

ANOTHER_SIZE = 1.5  # a picture that is so many times higher or lower has the other of the two sizes

Picture = NDArray[np.float32]


def is_smaller(picture: Picture, reference: Picture) -> bool:
    """Whether a picture has half the size of the reference, or less."""
    return picture.shape[0] * ANOTHER_SIZE < reference.shape[0]


def at_the_size_of(reference: Picture, picture: Picture) -> Picture:
    """Bring a picture to the reference's size, but for a few rows or columns at the end.

    Args:
        reference: (H, W, 3).
        picture: (h, w, 3) sRGB in [0, 1].

    Returns:
        (2h, 2w, 3) or (4h, 4w, 3) by Lanczos where it has half or a quarter of the reference's size, as LRGB of quad
        Bayer has, (h / 2, w / 2, 3) or (h / 4, w / 4, 3) by `half_size` where it has so much more, else the picture
        itself.

    Raises:
        ValueError: its size is none of these.
    """
    high, wide = picture.shape[:2]
    fitted = picture
    if is_smaller(picture, reference):
        times = 4 if 2 * high * ANOTHER_SIZE < reference.shape[0] else 2
        fitted = resized(picture, times * high, times * wide)
    elif is_smaller(reference, picture):
        fitted = half_size(picture)
        fitted = half_size(fitted) if is_smaller(reference, fitted) else fitted
    sides = zip(fitted.shape[:2], reference.shape[:2], strict=True)
    if any(max(one, other) >= min(one, other) * ANOTHER_SIZE for one, other in sides):
        raise ValueError(f"output of {picture.shape[:2]} pixels against a reference of {reference.shape[:2]}")
    return fitted
