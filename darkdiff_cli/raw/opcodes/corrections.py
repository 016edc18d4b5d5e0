"""What the opcodes of a DNG ask for: listed bad pixels, lens shading, vignetting, maps of values."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from darkdiff_cli.raw.distortion import Distortion
from darkdiff_cli.raw.dng_tags import LINEARIZATION_TABLE, DngTags
from darkdiff_cli.raw.frame import RawFrame
from darkdiff_cli.raw.neighbours import SMALLEST, interpolated
from darkdiff_cli.raw.opcodes.applied import apply
from darkdiff_cli.raw.opcodes.kinds import (
    BEFORE,
    DEMOSAICED,
    LINEAR,
    BadPixels,
    GainMap,
    Opcode,
    Other,
    ValueMap,
    Warp,
)
from darkdiff_cli.raw.opcodes.limits import is_plausible, name_of, shows_light
from darkdiff_cli.raw.opcodes.lists import OpcodeError, parse_opcodes
from darkdiff_cli.raw.settings import ExposureSettings

DAMAGED = "the corrections that the DNG asks for (opcodes) are damaged and left out"


def without_listed_defects(frame: RawFrame, _settings: ExposureSettings) -> RawFrame:
    """Interpolate the photosites that a DNG lists as bad, or marks by a value; dtype and black level stay.

    Args:
        frame: in DN as the file has it: the marking value is a stored one.
        _settings: what all corrections get; this one has no option, since the camera knows its own bad pixels.
    """
    if frame.dng is None or frame.cfa is None or min(frame.mosaic_dn.shape) < SMALLEST:
        return frame
    lost = np.zeros(frame.mosaic_dn.shape, bool)
    for tag in (BEFORE, LINEAR):
        top, left = frame.dng.active_corner if tag == BEFORE else (0, 0)
        for opcode in _opcodes(frame.dng, tag):
            if isinstance(opcode, BadPixels):
                _mark(lost, opcode, frame, top, left)
    if not lost.any() or lost.all():
        return frame
    light = frame.light_dn()
    values = interpolated(light, lost, frame.cfa)[lost] + (frame.mosaic_dn[lost].astype(np.float32) - light[lost])
    mosaic = frame.mosaic_dn.copy()
    mosaic[lost] = np.rint(values) if np.issubdtype(mosaic.dtype, np.integer) else values
    return replace(frame, mosaic_dn=mosaic)


def with_opcodes(frame: RawFrame, _settings: ExposureSettings) -> RawFrame:
    """Do what OpcodeList2 and 3 of a DNG ask for, giving float32; what is not done is said in the frame's notes.

    OpcodeList2 is made for linear light after the black level, OpcodeList3 for the demosaiced picture; gains of the
    latter are applied to the photosites of their colour, and a distortion of the lens is kept for the finished picture.
    A saturated photosite stays saturated.

    Args:
        frame: with all corrections of what the readout adds.
        _settings: what all corrections get; this one has no option, since without it the picture is wrong.
    """
    if frame.dng is None:
        return frame
    done = frame.dng.is_recoded and frame.cfa is None  # the maps of values are part of decoding lossy JPEG
    above, notes, distortion = None, [], frame.distortion
    for tag in (BEFORE, LINEAR, DEMOSAICED):
        try:
            opcodes = parse_opcodes(frame.dng.content(tag))
            _check_grids(opcodes, frame.mosaic_dn.shape)
        except OpcodeError:
            notes.append(DAMAGED)
            continue
        for opcode in opcodes:
            if isinstance(opcode, Other):
                notes += _note(opcode)
            elif isinstance(opcode, Warp) and tag == DEMOSAICED and distortion is None:
                distortion = _distortion(opcode, frame.mosaic_dn.shape)
                notes += [DAMAGED] if distortion is None else []
            elif isinstance(opcode, Warp):
                notes.append(
                    "a distortion of the lens that the DNG describes twice, or of the mosaic, is left as it is"
                )
            elif tag == BEFORE and not isinstance(opcode, BadPixels):
                notes.append("the DNG asks for a correction of stored values (OpcodeList1) that is not done")
            elif isinstance(opcode, BadPixels) or (done and isinstance(opcode, ValueMap)):
                continue
            elif not is_plausible(opcode, frame.mosaic_dn.shape):
                notes.append(
                    f"the {name_of(opcode)} that the DNG asks for suits no lens and no sensor, so it is left out"
                )
            else:
                above = above or replace(frame.above_black(), mosaic_dn=frame.light_dn().copy())
                with np.errstate(over="ignore", invalid="ignore"):
                    apply(above, opcode, tag == DEMOSAICED)
    if above is not None and not shows_light(above, frame):  # too many of them
        above, notes = None, [DAMAGED]
    changed = frame if above is None else above
    changed = changed if distortion is frame.distortion else replace(changed, distortion=distortion)
    return replace(changed, notes=(*changed.notes, *dict.fromkeys(notes))) if notes else changed


def _opcodes(dng: DngTags, tag: int) -> list[Opcode]:
    try:
        return parse_opcodes(dng.content(tag))
    except OpcodeError:
        return []  # `with_opcodes` says so


def _check_grids(opcodes: list[Opcode], shape: tuple[int, ...]) -> None:
    """Refuse a gain map that is finer than the picture: it would take memory without end, and no lens needs it.

    Raises:
        OpcodeError: a grid has more rows or columns than the picture.
    """
    for opcode in opcodes:
        if isinstance(opcode, GainMap) and (opcode.gains.shape[0] > shape[0] or opcode.gains.shape[1] > shape[1]):
            raise OpcodeError("GainMap of more points than the picture has")


def _note(opcode: Other) -> list[str]:
    if opcode.name == "WarpRectilinear2":
        return [f"the distortion of the lens is left as it is (the DNG asks for {opcode.name})"]
    return [] if opcode.optional else [f"the DNG asks for {opcode.name}, which is not done"]


def _distortion(opcode: Warp, shape: tuple[int, ...]) -> Distortion | None:
    """The distortion of a frame of a shape; None where the opcode makes no sense."""
    last_row, last_column = shape[0] - 1, shape[1] - 1
    across, down = opcode.centre[0] * last_column, opcode.centre[1] * last_row
    radius = float(np.hypot(max(across, last_column - across), max(down, last_row - down)))
    found = Distortion(opcode.planes[len(opcode.planes) // 2], opcode.is_fisheye, (down, across), radius)
    return found if found.is_plausible(shape) else None


def _mark(lost: NDArray[np.bool_], opcode: BadPixels, frame: RawFrame, top: int, left: int) -> None:
    """Mark bad photosites in place; lists count from the sensor's corner, `top` and `left` of which are not visible."""
    if opcode.constant is not None and frame.dng is not None:
        table = frame.dng.integers(LINEARIZATION_TABLE)
        stored = table[min(opcode.constant, len(table) - 1)] if table else opcode.constant
        lost |= frame.mosaic_dn == stored
    rows, columns = (opcode.points - (top, left)).T
    inside = (rows >= 0) & (columns >= 0) & (rows < lost.shape[0]) & (columns < lost.shape[1])
    lost[rows[inside], columns[inside]] = True
    for first, start, last, end in (opcode.rectangles - (top, left, top, left)).clip(0):
        lost[first:last, start:end] = True
