"""The two data types of the raw front end: the sensor's mosaic and the developed LRGB image."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from darkdiff_cli.capture import CaptureMetadata
from darkdiff_cli.cfa import Cfa
from darkdiff_cli.raw.black_level import BlackLevel
from darkdiff_cli.raw.distortion import Distortion
from darkdiff_cli.raw.dng_tags import DngTags

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
BalanceSource = Literal["as shot", "daylight", "none", "estimated", "given"]
"""Where a white balance comes from: the camera's tag, D65 by its colour matrix, nowhere, the picture, the user."""


NO_BLACK = BlackLevel.uniform(0.0)


@dataclass(frozen=True)
class RawFrame:
    """One exposure in digital numbers (DN), ready to be developed.

    Attributes:
        mosaic_dn: (H, W) visible pixels in DN, black level included, any real dtype; (H, W, 3) of a raw that is
            demosaiced already (linear DNG, sRAW).
        cfa: colour filter array; None of a raw that is demosaiced already.
        black_level: black level in DN of every photosite.
        white_level: DN at which the sensor saturates.
        white_balance: multipliers of red, green, blue, the smallest one 1.
        balance_source: where these come from; "none" where the file has none and nobody knows the camera.
        daylight: multipliers for D65 by the camera's colour matrix, or None where nobody knows it.
        srgb_from_camera: (3, 3) matrix from white-balanced camera values to linear sRGB, or None where neither the file
            nor LibRaw knows the camera.
        orientation: EXIF orientation, 1..8.
        camera_crop: (top, left, height, width) in pixels of the frame: what the camera itself would show; None for all.
        pixel_aspect: width of a pixel in heights.
        distortion: of the lens, which is straightened in the finished picture; None where nothing is known of it.
        metadata: capture settings from the file's EXIF.
        dng: the file's tags, for the corrections that it asks for; None where it is no DNG.
        sources: in words, where "black", "white" and "matrix" come from, as far as the reader says it.
        notes: sentences for the user, without a full stop: what the file asks for and was not done, or is not believed.
        path: the file that it was read from, None for a synthetic frame.

    Raises:
        ValueError: the mosaic is smaller than the filter's pattern, or the white level is not above the black level.
    """

    mosaic_dn: NDArray[np.generic]
    cfa: Cfa | None
    black_level: BlackLevel
    white_level: float
    white_balance: tuple[float, float, float]
    srgb_from_camera: NDArray[np.float64] | None = None
    orientation: int = 1
    camera_crop: tuple[int, int, int, int] | None = None
    pixel_aspect: float = 1.0
    distortion: Distortion | None = None
    metadata: CaptureMetadata = field(default_factory=CaptureMetadata)
    dng: DngTags | None = None
    balance_source: BalanceSource = "as shot"
    daylight: tuple[float, float, float] | None = None
    sources: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    path: Path | None = None

    def __post_init__(self) -> None:
        rows, columns = self.period
        trailing = (3,) if self.cfa is None else ()
        high, wide, *rest = self.mosaic_dn.shape
        if tuple(rest) != trailing or high < rows or wide < columns:
            raise ValueError(f"mosaic_dn must be at least {rows}x{columns} pixels, got shape {self.mosaic_dn.shape}")
        if self.white_level <= self.black_level.highest:
            raise ValueError(f"white level {self.white_level} is not above black level {self.black_level.highest}")

    @property
    def matrix(self) -> NDArray[np.float64]:
        """(3, 3) `srgb_from_camera`; where nobody knows it, the camera is taken to see sRGB."""
        return np.eye(3) if self.srgb_from_camera is None else self.srgb_from_camera

    @property
    def period(self) -> tuple[int, int]:
        """Rows and columns after which the colour filter repeats; 1, 1 of a raw that is demosaiced already."""
        return (1, 1) if self.cfa is None else self.cfa.period

    @property
    def sites_per_pixel(self) -> int:
        """Photosites along the side of an LRGB pixel: 2 of most colour filters, 1 of a raw that needs no binning."""
        return 1 if self.cfa is None else self.cfa.sites_per_pixel

    @property
    def has_full_size(self) -> bool:
        """Whether the sensor has more pixels than LRGB, whose detail can be made of the mosaic."""
        return self.sites_per_pixel > 1

    @property
    def lrgb_shape(self) -> tuple[int, int]:
        """Rows and columns of the LRGB image."""
        (high, wide), (top, left) = self.mosaic_dn.shape[:2], self.first_pixel
        return (high - top) // self.sites_per_pixel, (wide - left) // self.sites_per_pixel

    @property
    def first_pixel(self) -> tuple[int, int]:
        """Row and column of the first LRGB pixel: where the first whole square of one colour begins."""
        squares = None if self.cfa is None else self.cfa.squares
        return (0, 0) if squares is None else (squares.top, squares.left)

    def above_black(self) -> "RawFrame":
        """The frame in float32 with the black level subtracted, so that its black level is 0; noise stays negative."""
        if self.black_level == NO_BLACK and self.mosaic_dn.dtype == np.float32:
            return self
        white = self.white_level - self.black_level.mean
        return replace(self, mosaic_dn=self.light_dn(), black_level=NO_BLACK, white_level=white)

    def light_dn(self) -> NDArray[np.float32]:
        """The pixels in DN above black, float32; the frame's own array where it is that already."""
        if self.black_level == NO_BLACK:
            return self.mosaic_dn.astype(np.float32, copy=False)
        return self.black_level.subtracted_from(self.mosaic_dn)

    def window(self, top: int, left: int, height: int, width: int) -> "RawFrame":
        """Crop in pixels; colour filter and black level begin at the window's first pixel."""
        part = self.mosaic_dn[top : top + height, left : left + width]
        cfa = None if self.cfa is None else self.cfa.seen_from(top, left)
        black = self.black_level.seen_from(top, left, height, width)
        bent = None if self.distortion is None else self.distortion.seen_from(top, left)
        return replace(self, mosaic_dn=part, cfa=cfa, black_level=black, camera_crop=None, distortion=bent)

    def crop(self, top: int, left: int, height: int, width: int) -> "RawFrame":
        """Crop in LRGB pixels; a Bayer pattern stays the same, a larger one turns.

        Raises:
            ValueError: the crop reaches beyond the frame.
        """
        rows, columns = self.lrgb_shape
        if min(top, left) < 0 or top + height > rows or left + width > columns:
            raise ValueError(f"a crop of {height}x{width} at ({top}, {left}) is not inside {rows}x{columns} pixels")
        side, (down, across) = self.sites_per_pixel, self.first_pixel
        return self.window(down + side * top, across + side * left, side * height, side * width)

    def middle(self, largest: int) -> "RawFrame":
        """The middle of the frame, at most so many photosites a side, in whole patterns of the filter."""
        starts, lengths = [], []
        for length, period in zip(self.mosaic_dn.shape[:2], self.period, strict=True):
            lengths.append(min(length, largest) // period * period)
            starts.append((length - lengths[-1]) // 2 // period * period)
        return self.window(*starts, *lengths)


@dataclass(frozen=True)
class LRGB:
    """The paper's linear RGB image (Sec. 4.1): half the sensor's size, amplified, white-balanced.

    A raw that has every colour at every pixel keeps its size; squares of one colour count as one photosite.

    Attributes:
        pixels: (h, w, 3) float32, (H/2, W/2, 3) of a Bayer sensor, 1.0 = sensor saturation after the gain. Values below
            black stay negative, so that the noise keeps zero mean. In the "srgb" space values may also exceed 1
            (colours outside sRGB).
        ratio: amplification ratio that was applied.
        space: "camera" primaries, or linear "srgb".
    """

    pixels: NDArray[np.float32]
    ratio: float
    space: LrgbSpace
