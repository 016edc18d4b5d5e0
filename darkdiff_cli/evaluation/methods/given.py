"""Pictures that others made: a file brought to the form in which it is scored, and a name for the table."""

import re
from pathlib import Path
from typing import Any

import imageio.v3 as iio
import numpy as np
from numpy.typing import NDArray

from darkdiff_cli.errors import InputError
from darkdiff_cli.evaluation.methods.method import Picture
from darkdiff_cli.raw.tiff import open_tiff

NAMED = re.compile(r"(?P<name>[\w.+-]+)=(?P<rest>.+)", re.DOTALL)


def named(word: str) -> tuple[str | None, str]:
    """The parts of NAME=REST; no name where it begins otherwise, as a path or a command does."""
    match = NAMED.fullmatch(word)
    return (match["name"], match["rest"]) if match else (None, word)


def read_picture(path: Path, what: str) -> Picture:
    """(h, w, 3) sRGB in [0, 1] of a picture of whole numbers or floats, opaque or not.

    Args:
        path: of the file.
        what: begins a sentence about it, up to its verb.

    Raises:
        InputError: it is no picture in colour.
    """
    if _is_dng(path):
        raise InputError(f"{what} a raw file (DNG) and no picture; write a developed TIFF instead.")
    try:
        pixels: NDArray[Any] = np.asarray(iio.imread(path))
    except Exception as error:  # readers of many formats raise errors of many kinds
        raise InputError(f"{what} a file that cannot be read as a picture; write a TIFF instead.") from error
    if pixels.ndim != 3 or pixels.shape[2] not in (3, 4) or pixels.dtype.kind not in "uf":
        form = "x".join(map(str, pixels.shape))
        raise InputError(f"{what} no picture in colour ({form} values of {pixels.dtype}).")
    top = np.iinfo(pixels.dtype).max if pixels.dtype.kind == "u" else 1.0
    picture = pixels[..., :3].astype(np.float32) / np.float32(top)
    if not np.isfinite(picture).all():
        raise InputError(f"{what} a picture with values that are no numbers.")
    return np.clip(picture, 0, 1)


def _is_dng(path: Path) -> bool:
    """Whether a file is a DNG, whose first image may be a small preview in colour."""
    try:
        with open_tiff(path) as file:
            return "DNGVersion" in file.pages.first.tags
    except Exception:  # of many kinds: it is no TIFF
        return False
