"""Pictures at another size: halved, no longer than so many pixels, with square pixels, or of any size."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import maximum_filter, minimum_filter

from darkdiff_cli.colour import srgb_decode, srgb_encode

LEAST_STRETCH = 0.005  # LibRaw's own tolerance for pixels that are not square
BAND = 256  # rows that are made smaller together: whole pictures in linear light would take most of a gigabyte
LANCZOS_REACH = 3  # pixels of the smaller picture on each side of one


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


def no_longer(picture: NDArray[np.float32], long_side: int) -> NDArray[np.float32]:
    """Make a picture smaller, in linear light, where its longer side has too many pixels (Lanczos).

    In light the rings of Lanczos are black around every lamp, so no pixel leaves the range of those that it is made of
    and of their neighbours.

    Args:
        picture: (h, w, 3) sRGB in [0, 1].
        long_side: pixels that the longer side may have, 1 or more.

    Returns:
        The picture itself where it is no longer; else a smaller one of the same shape, within half a pixel.
    """
    height, width = picture.shape[:2]
    scale = max(height, width) / long_side
    if scale <= 1:
        return picture
    high, wide = (max(1, round(length / scale)) for length in (height, width))
    small, step = np.empty((high, wide, 3), dtype=np.float32), max(1, round(BAND / scale))
    for top in range(0, high, step):
        bottom = min(top + step, high)
        first, last = max(top - 1, 0), min(bottom + 1, high)  # the neighbours' rows too
        light = _reduced(picture, (first, last), (high, wide))
        small[top:bottom] = srgb_encode(light[top - first : bottom - first])
    return small


def _reduced(picture: NDArray[np.float32], rows: tuple[int, int], size: tuple[int, int]) -> NDArray[np.float32]:
    """Rows, from one to before another, of a picture at a smaller size, in linear light: (rows, wide, 3)."""
    (height, width), (first, last), (high, wide) = picture.shape[:2], rows, size
    down, across = height / high, width / wide
    top = max(0, int((first - LANCZOS_REACH) * down) - 1)
    linear = srgb_decode(picture[top : int((last + LANCZOS_REACH) * down) + 2])
    part = (0.0, first * down - top, width, last * down - top)
    channels = [Image.fromarray(np.ascontiguousarray(linear[..., colour])) for colour in range(3)]
    target, lanczos = (wide, last - first), Image.Resampling.LANCZOS
    light = [np.asarray(channel.resize(target, lanczos, box=part)) for channel in channels]
    places = (np.arange(first, last) * down).astype(int) - top, (np.arange(wide) * across).astype(int)  # of each pixel
    seen = linear[: int(last * down) - top]
    darkest, brightest = (
        around(reduced.reduceat(reduced.reduceat(seen, places[0], axis=0), places[1], axis=1), (3, 3, 1))
        for reduced, around in ((np.minimum, minimum_filter), (np.maximum, maximum_filter))
    )
    return np.asarray(np.clip(np.stack(light, axis=-1), darkest, brightest))


def resized(picture: NDArray[np.float32], high: int, wide: int) -> NDArray[np.float32]:
    """(h, w, 3) in [0, 1] -> (high, wide, 3) in [0, 1] by Lanczos."""
    channels = [Image.fromarray(np.ascontiguousarray(picture[..., colour])) for colour in range(3)]
    wider = [np.asarray(channel.resize((wide, high), Image.Resampling.LANCZOS)) for channel in channels]
    return np.clip(np.stack(wider, axis=-1), 0.0, 1.0)
