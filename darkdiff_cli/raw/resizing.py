"""Pictures at another size: halved, with square pixels, or of any size."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from darkdiff_cli.colour import srgb_decode, srgb_encode

LEAST_STRETCH = 0.005  # LibRaw's own tolerance for pixels that are not square
BAND = 256  # rows that are halved together: whole pictures in linear light would take most of a gigabyte


def square_size(shape: tuple[int, ...], aspect: float) -> tuple[int, int]:
    """Rows and columns of a picture of this shape once its pixels are square."""
    if abs(aspect - 1) < LEAST_STRETCH:
        return shape[0], shape[1]
    return round(shape[0] / min(aspect, 1.0)), round(shape[1] * max(aspect, 1.0))


def with_square_pixels(picture: NDArray[np.float32], aspect: float) -> NDArray[np.float32]:
    """Enlarge a picture along the longer side of its pixels, so that nothing in it is squashed (Lanczos).

    Args:
        picture: (h, w, 3) sRGB in [0, 1].
        aspect: width of a pixel in heights.

    Returns:
        (h, w * aspect, 3), or (h / aspect, w, 3) where pixels are higher than wide, as LibRaw does.
    """
    if abs(aspect - 1) < LEAST_STRETCH:
        return picture
    return resized(picture, *square_size(picture.shape[:2], aspect))


def half_size(picture: NDArray[np.float32]) -> NDArray[np.float32]:
    """(h, w, 3) sRGB in [0, 1] -> (h // 2, w // 2, 3): means of 2x2 pixels in linear light."""
    high, wide = (length // 2 for length in picture.shape[:2])
    small = np.empty((high, wide, 3), dtype=np.float32)
    for top in range(0, high, BAND):
        small[top : top + BAND] = halved(srgb_decode(picture[2 * top : 2 * min(top + BAND, high), : 2 * wide]))
    return small


def halved(linear: NDArray[np.float32]) -> NDArray[np.float32]:
    """(2h, 2w, 3) linear light -> (h, w, 3) sRGB of the means of 2x2 pixels."""
    height, width = (length // 2 for length in linear.shape[:2])
    return srgb_encode(linear.reshape(height, 2, width, 2, 3).mean(axis=(1, 3)))


def resized(picture: NDArray[np.float32], high: int, wide: int) -> NDArray[np.float32]:
    """(h, w, 3) in [0, 1] -> (high, wide, 3) in [0, 1] by Lanczos."""
    channels = [Image.fromarray(np.ascontiguousarray(picture[..., colour])) for colour in range(3)]
    wider = [np.asarray(channel.resize((wide, high), Image.Resampling.LANCZOS)) for channel in channels]
    return np.clip(np.stack(wider, axis=-1), 0.0, 1.0)
