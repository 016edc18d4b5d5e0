"""DNG opcodes: the corrections that a DNG asks for, as values (DNG 1.7.1, chapter 7)."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

BEFORE, LINEAR, DEMOSAICED = 51008, 51009, 51022  # tags: OpcodeList1, 2 and 3
NAMES = {
    1: "WarpRectilinear",
    2: "WarpFisheye",
    3: "FixVignetteRadial",
    4: "FixBadPixelsConstant",
    5: "FixBadPixelsList",
    6: "TrimBounds",
    7: "MapTable",
    8: "MapPolynomial",
    9: "GainMap",
    10: "DeltaPerRow",
    11: "DeltaPerColumn",
    12: "ScalePerRow",
    13: "ScalePerColumn",
    14: "WarpRectilinear2",
}
FULL = 65535.0  # what a MapTable has for light of 1


class Area(NamedTuple):
    """The part of a picture that an opcode changes: every `row_pitch`-th row and `column_pitch`-th column of it.

    Attributes:
        top, left, bottom, right: in pixels of the active area.
        plane, planes: first sample of a pixel, and how many; a mosaic has one.
        row_pitch, column_pitch: 2 for one place of a Bayer filter.
    """

    top: int
    left: int
    bottom: int
    right: int
    plane: int
    planes: int
    row_pitch: int
    column_pitch: int


@dataclass(frozen=True)
class GainMap:
    """Gains on a grid over the whole picture, interpolated linearly: lens shading, as phones write it.

    Attributes:
        area: what is multiplied.
        spacing, origin: of the grid, down and across, in heights and widths of the picture.
        gains: (rows, columns, planes); further planes take the last one.
    """

    area: Area
    spacing: tuple[float, float]
    origin: tuple[float, float]
    gains: NDArray[np.float32]


@dataclass(frozen=True)
class LineValues:
    """DeltaPerRow, DeltaPerColumn, ScalePerRow and ScalePerColumn: a number for each row or column of an area.

    Attributes:
        area: what is changed.
        scales: multiplied by the values, else they are added; added ones are shares of the white level.
        along_rows: a value for each row, else for each column.
        values: as many as the area has rows or columns.
    """

    area: Area
    scales: bool
    along_rows: bool
    values: NDArray[np.float32]

    def at(self, lines: NDArray[np.int64]) -> NDArray[np.float32]:
        """The values of rows or columns, counted within the area; the last one goes on."""
        return self.values[np.minimum(lines, len(self.values) - 1)]


@dataclass(frozen=True)
class ValueMap:
    """MapTable or MapPolynomial: a function of the light.

    Attributes:
        area: what is mapped.
        table: values from 0 to 65535 for inputs from 0 to 65535, the last one going on; empty for a polynomial.
        coefficients: of a polynomial of light from 0 to 1, from degree 0 up; empty for a table.
    """

    area: Area
    table: NDArray[np.uint16]
    coefficients: tuple[float, ...]

    def mapped(self, light: NDArray[np.float32]) -> NDArray[np.float32]:
        """Map light from 0 to 1; below 0 the slope at 0 goes on, so that noise keeps zero mean."""
        inside = np.clip(light, 0.0, 1.0)
        if self.coefficients:
            mapped = np.polynomial.polynomial.polyval(inside, self.coefficients)
            slope = self.coefficients[1] if len(self.coefficients) > 1 else 0.0
        else:
            table = self.table / FULL
            mapped = np.interp(inside * FULL, np.arange(len(table)), table)
            slope = (table[1] - table[0]) * FULL if len(table) > 1 else 0.0
        return np.asarray(mapped + slope * np.minimum(light, 0.0), dtype=np.float32)


@dataclass(frozen=True)
class BadPixels:
    """FixBadPixelsConstant and FixBadPixelsList: photosites to interpolate.

    Attributes:
        constant: the stored value that marks them, or None.
        points: (N, 2) rows and columns.
        rectangles: (N, 4) top, left, bottom, right.
    """

    constant: int | None
    points: NDArray[np.int64]
    rectangles: NDArray[np.int64]


@dataclass(frozen=True)
class RadialGain:
    """FixVignetteRadial: a gain of 1 + k0 r^2 + k1 r^4 + ... + k4 r^10.

    Attributes:
        terms: k0 to k4.
        centre: across and down, in widths and heights of the picture; r is 1 in the farthest corner.
    """

    terms: tuple[float, ...]
    centre: tuple[float, float]


@dataclass(frozen=True)
class Warp:
    """WarpRectilinear and WarpFisheye: how a lens bends the picture.

    Attributes:
        planes: kr0 to kr3 and kt0, kt1 for each colour, or for all; a fisheye has no kt.
        is_fisheye: which of the two.
        centre: across and down, in widths and heights of the picture.
    """

    planes: tuple[tuple[float, ...], ...]
    is_fisheye: bool
    centre: tuple[float, float]


@dataclass(frozen=True)
class Other:
    """An opcode that is not understood here.

    Attributes:
        name: by the standard, or its number.
        optional: whether the file allows it to be left out.
    """

    name: str
    optional: bool


Opcode = GainMap | LineValues | ValueMap | BadPixels | RadialGain | Warp | Other
