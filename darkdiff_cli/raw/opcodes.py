"""DNG opcodes: the corrections that a DNG asks for, as values (DNG 1.7.1, chapter 7)."""

import struct
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

BEFORE, LINEAR, DEMOSAICED = 51008, 51009, 51022  # tags: OpcodeList1, 2 and 3
OPTIONAL = 1  # flag: a reader that does not know the opcode may leave it out
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
MOST = 1000  # opcodes of a list; a larger count is damage
CENTRES = (-1, 2)  # where a lens may have its centre, in widths and heights of the picture


class OpcodeError(ValueError):
    """An opcode list is damaged."""


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


def parse_opcodes(content: bytes) -> list[Opcode]:
    """Parse an opcode list, which is big-endian whatever the file is.

    Args:
        content: of the tag; empty for a file without it.

    Raises:
        OpcodeError: the list is damaged.
    """
    if not content:
        return []
    try:
        (count,) = struct.unpack_from(">I", content)
        if count > MOST:
            raise OpcodeError(f"a list of {count} opcodes")
        found, place = [], 4
        for _ in range(count):
            code, _version, flags, size = struct.unpack_from(">4I", content, place)
            place += 16
            if place + size > len(content):
                raise OpcodeError(f"{NAMES.get(code, code)} reaches beyond its list")
            found.append(_parsed(code, flags, _Reader(content[place : place + size])))
            place += size
    except (struct.error, ValueError, OverflowError) as error:
        raise OpcodeError(str(error)) from error
    return found


def _parsed(code: int, flags: int, data: "_Reader") -> Opcode:
    """One opcode from its parameters."""
    if code == 9:
        area, shape = data.area(), data.integers(2)
        spacing, origin = data.doubles(2), data.doubles(2)
        (planes,) = data.integers(1)
        if min(*shape, planes) < 1:
            raise OpcodeError("GainMap of no points")
        gains = data.floats(shape[0] * shape[1] * planes).reshape(*shape, planes)
        if not (gains > 0).all():
            raise OpcodeError("GainMap has gains that are not above 0")
        return GainMap(area, (spacing[0], spacing[1]), (origin[0], origin[1]), gains)
    if code in (10, 11, 12, 13):
        area, (count,) = data.area(), data.integers(1)
        if count < 1 and area.bottom > area.top and area.right > area.left:
            raise OpcodeError(f"{NAMES[code]} of no values")
        return LineValues(area, code in (12, 13), code in (10, 12), data.floats(count))
    if code == 8:
        area, (degree,) = data.area(), data.integers(1)
        return ValueMap(area, np.zeros(0, np.uint16), data.doubles(degree + 1))
    if code == 7:
        area, (count,) = data.area(), data.integers(1)
        if count < 1:
            raise OpcodeError("MapTable of no values")
        return ValueMap(area, data.shorts(count), ())
    if code == 4:
        constant, _phase = data.integers(2)
        return BadPixels(constant, np.zeros((0, 2), np.int64), np.zeros((0, 4), np.int64))
    if code == 5:
        _phase, points, rectangles = data.integers(3)
        places = np.array(data.integers(2 * points), np.int64).reshape(-1, 2)
        return BadPixels(None, places, np.array(data.integers(4 * rectangles), np.int64).reshape(-1, 4))
    if code == 3:
        return RadialGain(data.doubles(5), data.centre())
    if code in (1, 2):
        (planes,) = data.integers(1)
        if planes not in (1, 3):
            raise OpcodeError(f"{NAMES[code]} of {planes} planes")
        is_fisheye = code == 2
        bends = tuple(data.doubles(4 if is_fisheye else 6) for _ in range(planes))
        return Warp(bends, is_fisheye, data.centre())
    return Other(NAMES.get(code, f"opcode {code}"), bool(flags & OPTIONAL))


class _Reader:
    """Reads big-endian numbers one after the other."""

    def __init__(self, content: bytes) -> None:
        self._content, self._place = content, 0

    def integers(self, count: int) -> tuple[int, ...]:
        return tuple(int(value) for value in self._array(">u4", count))

    def doubles(self, count: int) -> tuple[float, ...]:
        return tuple(float(value) for value in self._finite(self._array(">f8", count).astype(np.float64)))

    def floats(self, count: int) -> NDArray[np.float32]:
        return self._finite(self._array(">f4", count).astype(np.float32)).astype(np.float32)

    @staticmethod
    def _finite(values: NDArray[np.floating]) -> NDArray[np.floating]:
        if not np.isfinite(values).all():
            raise OpcodeError("a parameter is no number")
        return values

    def shorts(self, count: int) -> NDArray[np.uint16]:
        return self._array(">u2", count).astype(np.uint16)

    def area(self) -> Area:
        area = Area(*self.integers(8))
        if min(area.row_pitch, area.column_pitch) < 1:
            raise OpcodeError("an area with a pitch of 0")
        return area

    def centre(self) -> tuple[float, float]:
        across, down = self.doubles(2)
        if not all(CENTRES[0] <= place <= CENTRES[1] for place in (across, down)):
            raise OpcodeError("a lens with its centre far outside of the picture")
        return across, down

    def _array(self, kind: str, count: int) -> NDArray[np.generic]:
        values = np.frombuffer(self._content, kind, count, self._place)  # ValueError where the content ends too early
        self._place += values.nbytes
        return values
