"""Opcode lists as a DNG has them, to values (DNG 1.7.1, chapter 7)."""

import struct

import numpy as np
from numpy.typing import NDArray

from darkdiff_cli.raw.opcodes.kinds import (
    NAMES,
    Area,
    BadPixels,
    GainMap,
    LineValues,
    Opcode,
    Other,
    RadialGain,
    ValueMap,
    Warp,
)

OPTIONAL = 1  # flag: a reader that does not know the opcode may leave it out
MOST = 1000  # opcodes of a list; a larger count is damage
CENTRES = (-1, 2)  # where a lens may have its centre, in widths and heights of the picture


class OpcodeError(ValueError):
    """An opcode list is damaged."""


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
