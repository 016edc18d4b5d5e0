"""The files of a pair, read in the process in which LibRaw works: it has no use for torch, and loads none."""

from pathlib import Path

import imageio.v3 as iio
import numpy as np
from numpy.typing import NDArray

from darkdiff_cli.errors import InputError
from darkdiff_cli.inputs import check_plain
from darkdiff_cli.raw import ExposureSettings, PictureSize, RawFrame, corrected, read_raw, render_reference
from darkdiff_cli.raw.resizing import half_size, square_size

PNG_DEPTH = 24  # byte of a PNG's header that says how many bits a sample has

Picture = NDArray[np.float32]


def read_both(
    noisy: Path, clean: Path, corrections: ExposureSettings, adjust_maximum: bool, size: PictureSize
) -> tuple[RawFrame, RawFrame, Picture]:
    """The dark and the clean frame of a pair, and LibRaw's rendering of the clean one.

    Args:
        noisy, clean: raw files.
        corrections: of both frames.
        adjust_maximum: of the rendering, as in `render_reference`.
        size: of the rendering.

    Returns:
        Both frames, and (h, w, 3) sRGB in [0, 1].

    Raises:
        InputError, MemoryLimitError: as `read_raw`.
    """
    dark = corrected(read_raw(noisy), corrections)
    whole = read_raw(clean)  # LibRaw renders the file as it is, or refuses its filter by name
    reference = render_reference(whole, adjust_maximum, size)
    return dark, corrected(whole, corrections), reference


def read_with_truth(
    noisy: Path, truth: Path, corrections: ExposureSettings, size: PictureSize
) -> tuple[RawFrame, Picture]:
    """The dark frame of a pair, and the picture of its truth.

    Args:
        noisy: raw file.
        truth: picture of the sensor's size.
        corrections: of the frame.
        size: at half of it, the means of its 2x2 pixels in linear light.

    Returns:
        The frame, and (h, w, 3) sRGB in [0, 1].

    Raises:
        InputError, MemoryLimitError: as `read_raw`, or the truth is no picture of the raw's size.
    """
    dark, picture = corrected(read_raw(noisy), corrections), read_truth(truth)
    high, wide = square_size(dark.mosaic_dn.shape, dark.pixel_aspect)
    if picture.shape[:2] != (high, wide):
        raise InputError(
            f"{truth}: has {picture.shape[1]}x{picture.shape[0]} pixels, and {noisy.name} {wide}x{high}; "
            "a truth must have the sensor's size."
        )
    return dark, picture if size == "full" else half_size(picture)


def read_truth(path: Path) -> Picture:
    """A picture of the truth, 8 or 16 bit: (h, w, 3) sRGB in [0, 1].

    Raises:
        InputError: the file is no such picture.
    """
    check_plain(path)
    try:
        with path.open("rb") as file:
            head = file.read(PNG_DEPTH + 1)
        picture = np.asarray(iio.imread(path))
    except (OSError, ValueError, SyntaxError) as error:
        raise InputError(f"{path}: cannot be decoded as a picture ({error}); save it again as PNG or TIFF.") from error
    if path.suffix.lower() == ".png" and head[-1] == 16 and picture.dtype == np.uint8:
        raise InputError(f"{path}: is a PNG of 16 bits, of which only 8 can be read; save it as TIFF.")
    if picture.ndim != 3 or picture.shape[2] not in (3, 4) or picture.dtype not in (np.uint8, np.uint16):
        raise InputError(f"{path}: is no colour picture of 8 or 16 bits; save it as sRGB.")
    return picture[..., :3].astype(np.float32) / np.float32(np.iinfo(picture.dtype).max)
