"""The two data types of the raw front end: the sensor's mosaic and the developed LRGB image."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from darkdiff_cli.capture import CaptureMetadata
from darkdiff_cli.cfa import Cfa

RAW_SUFFIXES = frozenset(
    f".{suffix}"
    for suffix in (
        "3fr", "ari", "arw", "cr2", "cr3", "crw", "dcr", "dng", "erf", "fff", "iiq", "k25", "kdc", "mef", "mos", "mrw",
        "nef", "nrw", "orf", "pef", "raf", "raw", "rw2", "rwl", "sr2", "srf", "srw", "x3f",
    )
)  # fmt: skip
"""Suffixes of raw files, in lower case."""

LrgbSpace = Literal["camera", "srgb"]
DataFormat = Literal["lrgb-srgb", "raw-srgb", "raw-raw"]
"""Input and output of a network (Table 5): LRGB or the four Bayer planes in, sRGB or Bayer planes out."""


@dataclass(frozen=True)
class RawFrame:
    """One exposure in digital numbers (DN), ready to be developed.

    Attributes:
        mosaic_dn: (H, W) visible pixels in DN, black level included, any real dtype.
        cfa: colour filter array.
        black_level: black level in DN at each site of the filter, in reading order.
        white_level: DN at which the sensor saturates.
        white_balance: multipliers of red, green, blue, the smallest one 1.
        srgb_from_camera: (3, 3) matrix from white-balanced camera values to linear sRGB, or None where neither the file
            nor LibRaw knows the camera.
        orientation: EXIF orientation, 1..8.
        metadata: capture settings from the file's EXIF.
        path: the file that it was read from, None for a synthetic frame.

    Raises:
        ValueError: the mosaic is smaller than the filter's pattern, or the levels do not fit.
    """

    mosaic_dn: NDArray[np.generic]
    cfa: Cfa
    black_level: tuple[float, ...]
    white_level: float
    white_balance: tuple[float, float, float]
    srgb_from_camera: NDArray[np.float64] | None = None
    orientation: int = 1
    metadata: CaptureMetadata = field(default_factory=CaptureMetadata)
    path: Path | None = None

    def __post_init__(self) -> None:
        rows, columns = self.cfa.period
        if self.mosaic_dn.ndim != 2 or self.mosaic_dn.shape[0] < rows or self.mosaic_dn.shape[1] < columns:
            raise ValueError(f"mosaic_dn must be at least {rows}x{columns} pixels, got shape {self.mosaic_dn.shape}")
        if len(self.black_level) != len(self.cfa.sites):
            raise ValueError(f"expected {len(self.cfa.sites)} black levels, one per site, got {len(self.black_level)}")
        if self.white_level <= max(self.black_level):
            raise ValueError(f"white level {self.white_level} is not above black level {max(self.black_level)}")

    def crop(self, top: int, left: int, height: int, width: int) -> "RawFrame":
        """Crop in whole patterns of the colour filter, so that the pattern stays the same.

        Args:
            top, left, height, width: in patterns; for Bayer these are LRGB pixels.

        Raises:
            ValueError: the crop reaches beyond the frame.
        """
        (down, across), (high, wide) = self.cfa.period, self.mosaic_dn.shape
        rows, columns = high // down, wide // across
        if min(top, left) < 0 or top + height > rows or left + width > columns:
            raise ValueError(f"a crop of {height}x{width} at ({top}, {left}) is not inside {rows}x{columns} patterns")
        part = self.mosaic_dn[down * top : down * (top + height), across * left : across * (left + width)]
        return replace(self, mosaic_dn=part)


@dataclass(frozen=True)
class LRGB:
    """The paper's linear RGB image (Sec. 4.1): half the sensor's size, amplified, white-balanced.

    Attributes:
        pixels: (H/2, W/2, 3) float32, 1.0 = sensor saturation after the gain. Values below black stay negative, so
            that the noise keeps zero mean. In the "srgb" space values may also exceed 1 (colours outside sRGB).
        ratio: amplification ratio that was applied.
        space: "camera" primaries, or linear "srgb".
    """

    pixels: NDArray[np.float32]
    ratio: float
    space: LrgbSpace
