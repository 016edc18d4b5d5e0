"""How the raw picture of a DNG is compressed: without loss, or as rounded square roots in JPEG XL."""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from darkdiff_cli.formats import CODECS, is_usable
from darkdiff_cli.photo.tiff import Extra

NONE, JPEG, JPEG_XL = 1, 7, 52546  # Compression; 7 is lossless for more than 8 bits
TOP = 65535
TILE, STEP = 256, 16  # pixels: a tile's side, which TIFF wants in steps, and LibRaw no larger than the picture
JXL_TILE = 512
ROOTS = 1024
"""Codes of a square root. A file is then 26 to 28 % of the lossless one; 2048 make it 36 %."""
EFFORT = 5  # of JPEG XL: 7 takes half as long again for 2 % fewer bytes, 3 makes a file 5 to 8 % larger
EXACT = 0.0  # JXLDistance

Place = tuple[int, int]  # a tile's top and left, in pixels


class Packed(NamedTuple):
    """A raw picture as it lies in the file.

    Attributes:
        segments: its tiles or strips.
        layout: of them, as tifffile's keywords.
        compression: the number in the tag Compression.
        tags: what a reader needs beside that.
    """

    segments: Iterator[bytes]
    layout: dict[str, Any]
    compression: int
    tags: list[Extra]


def lossless(pixels: NDArray[np.uint16]) -> Packed:
    """Tiles of lossless JPEG (ITU-T T.81, annex H, predictor 1) where imagecodecs is installed, else one plain strip.

    Args:
        pixels: (h, w, 3) linear light, 0 to 65535.
    """
    side = min(TILE, *(length // STEP * STEP for length in pixels.shape[:2]))
    if side == 0 or not is_usable(CODECS):
        return Packed(iter([pixels.astype("<u2").tobytes()]), {"rowsperstrip": pixels.shape[0]}, NONE, [])

    def encode(place: Place) -> bytes:
        import imagecodecs

        return bytes(imagecodecs.jpeg8_encode(_tile(pixels, place, side), lossless=True, predictor=1, bitspersample=16))

    return Packed(map(encode, _places(pixels, side)), {"tile": (side, side)}, JPEG, [])


def lossy(pixels: NDArray[np.uint16]) -> Packed:
    """Tiles of JPEG XL whose values are square roots, and the LinearizationTable that squares them (DNG 1.7.1.0).

    The noise of light grows with its square root, so that a step of the root is the same part of the noise everywhere.
    That rounding is all that is lost, half a step at most: JPEG XL keeps the codes. Its own lossy mode, as imagecodecs
    has it, goes through XYB, which is made for eyes and sRGB; on a camera's colours, files as large as these were wrong
    by 10/255 in places.

    The codes lie in samples of 16 bits, since Adobe's reader stretches those of fewer bits to 16.

    Args:
        pixels: (h, w, 3) linear light, 0 to 65535.
    """

    def encode(place: Place) -> bytes:
        import imagecodecs

        codes = roots(_tile(pixels, place, JXL_TILE))
        return bytes(imagecodecs.jpegxl_encode(codes, lossless=True, effort=EFFORT, numthreads=1))

    tags: list[Extra] = [
        (50712, "H", ROOTS, tuple(squares().tolist()), True),  # LinearizationTable
        (52553, "f", 1, EXACT, True),  # JXLDistance
        (52554, "I", 1, EFFORT, True),  # JXLEffort
    ]
    return Packed(_by_threads(encode, _places(pixels, JXL_TILE)), {"tile": (JXL_TILE, JXL_TILE)}, JPEG_XL, tags)


def roots(pixels: NDArray[np.uint16]) -> NDArray[np.uint16]:
    """The codes of linear light: from 0 to 65535 to 0 to 1023, of the same shape."""
    return np.rint(np.sqrt(pixels / np.float32(TOP)) * (ROOTS - 1)).astype(np.uint16)


def squares() -> NDArray[np.uint16]:
    """The light of each code: (1024,) from 0 to 65535."""
    return np.rint((np.arange(ROOTS) / (ROOTS - 1)) ** 2 * TOP).astype(np.uint16)


def _places(pixels: NDArray[np.uint16], side: int) -> list[Place]:
    """The corners of the tiles, row by row."""
    high, wide = pixels.shape[:2]
    return [(top, left) for top in range(0, high, side) for left in range(0, wide, side)]


def _tile(pixels: NDArray[np.uint16], place: Place, side: int) -> NDArray[np.uint16]:
    """(side, side, 3) one tile; the last of a row or column repeats its edge."""
    top, left = place
    part = pixels[top : top + side, left : left + side]
    return np.pad(part, ((0, side - part.shape[0]), (0, side - part.shape[1]), (0, 0)), "edge")


def _by_threads(encode: Callable[[Place], bytes], places: list[Place]) -> Iterator[bytes]:
    """The encoded tiles in their order; 24 megapixels take half a minute of one core."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        yield from pool.map(encode, places)
