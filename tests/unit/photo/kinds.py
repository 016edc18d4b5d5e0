"""Every format and bit depth, as parameters of a test; and how the pixels are read back."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rawpy
import tifffile
from PIL import Image

from darkdiff_cli.formats import KINDS, Format


def kind(name: Format, depth: int, file: str) -> Any:
    """A parameter of format, bit depth and file name; skipped where the package that it needs is missing."""
    package = KINDS[name].packages.get(depth)
    missing = package is not None and find_spec(package) is None
    reason = f"{package} is not installed (extra `formats`)"
    return pytest.param(name, depth, file, marks=pytest.mark.skipif(missing, reason=reason), id=f"{name}-{depth}")


ALL = [kind(name, depth, "a" + facts.suffixes[0]) for name, facts in KINDS.items() for depth in facts.bit_depths]
EXIF = [case for case in ALL if case.values[0] != "exr"]
"""Those that hold EXIF as such."""


def stored(path: Path, name: str, depth: int) -> np.ndarray:
    """(h, w, 3) the values of a file: whole numbers, or floats of linear light; a DNG's are whole numbers of it."""
    if name in ("jpeg", "webp") or (name, depth) == ("png", 8):
        with Image.open(path) as image:
            return np.asarray(image)
    if name == "tiff":
        return tifffile.imread(path)
    if name == "exr":
        import OpenEXR

        with OpenEXR.File(str(path)) as file:
            return np.array(file.channels()["RGB"].pixels)
    if name == "dng":
        with rawpy.imread(str(path)) as raw:
            return raw.raw_image[..., :3].copy()
    import imagecodecs

    decode = {"png": imagecodecs.png_decode, "avif": imagecodecs.avif_decode, "jxl": imagecodecs.jpegxl_decode}[name]
    return decode(path.read_bytes())
