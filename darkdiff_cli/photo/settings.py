"""How a photo is written."""

from dataclasses import dataclass
from typing import Literal

PhotoFormat = Literal["jpeg", "tiff"]


@dataclass(frozen=True)
class PhotoSettings:
    """How a photo is written.

    Attributes:
        photo_format: "jpeg" (quality 95, 4:4:4) or "tiff" (deflate).
        bit_depth: 8, or 16 for TIFF.
        overwrite: replace an existing file.
        gps: write the position where the raw has one.
    """

    photo_format: PhotoFormat = "jpeg"
    bit_depth: int = 8
    overwrite: bool = False
    gps: bool = True
