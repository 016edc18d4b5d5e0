"""Gains, offsets and maps of values of an opcode, applied to the photosites or samples that it is for."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from darkdiff_cli.raw.frame import RawFrame
from darkdiff_cli.raw.opcodes.gain_maps import grid_gain, multiply, radial_gain
from darkdiff_cli.raw.opcodes.kinds import Area, GainMap, LineValues, Opcode, RadialGain, ValueMap


def apply(above: RawFrame, opcode: Opcode, demosaiced: bool) -> None:
    """Apply an opcode to a frame above black, in place."""
    light, white = above.light_dn(), np.float32(above.white_level)
    if isinstance(opcode, RadialGain):
        gain = radial_gain(opcode, light.shape)
        multiply(light, gain.reshape(*gain.shape, *(1,) * (light.ndim - 2)), white)
    elif isinstance(opcode, GainMap | LineValues | ValueMap):
        for part in _parts(above, opcode.area, demosaiced):
            if isinstance(opcode, GainMap):
                multiply(part.light, grid_gain(opcode, part.plane, part.rows, part.columns, light.shape), white)
            elif isinstance(opcode, ValueMap):
                part.light[...] = opcode.mapped(part.light / white) * white
            elif opcode.scales:
                multiply(part.light, _line_values(opcode, part), white)
            else:
                np.add(part.light, _line_values(opcode, part) * white, out=part.light)


class _Part(NamedTuple):
    """The pixels of an area that an opcode treats alike.

    Attributes:
        plane: counted from the first of the area's.
        light: (h, w) DN above black, as a view.
        rows, columns: (h,) and (w,) where they are in the frame.
    """

    plane: int
    light: NDArray[np.float32]
    rows: NDArray[np.int64]
    columns: NDArray[np.int64]


def _parts(above: RawFrame, area: Area, demosaiced: bool) -> Iterator[_Part]:
    """The parts of an area: its samples of a linear raw, or a mosaic's photosites.

    A mosaic has the one plane 0. To what is meant for the demosaiced picture, plane 0 to 2 are the photosites of a
    colour; a pitch has no meaning there.
    """
    light, cfa = above.light_dn(), above.cfa
    if cfa is None:
        planes = range(area.plane, min(area.plane + area.planes, light.shape[2]))
        steps = [(plane, light[..., plane], (0, 0), (area.row_pitch, area.column_pitch)) for plane in planes]
    elif demosaiced and not cfa.is_monochrome:
        steps = [(site.colour, light, (site.row - area.top, site.column - area.left), cfa.period) for site in cfa.sites]
        steps = [step for step in steps if area.plane <= step[0] < area.plane + area.planes]
    else:
        steps = [(0, light, (0, 0), (area.row_pitch, area.column_pitch))] if area.plane == 0 else []
    for plane, values, (down, across), (row_pitch, column_pitch) in steps:
        rows = np.arange(area.top + down % row_pitch, min(area.bottom, values.shape[0]), row_pitch)
        columns = np.arange(area.left + across % column_pitch, min(area.right, values.shape[1]), column_pitch)
        if rows.size and columns.size:
            part = values[rows[0] : rows[-1] + 1 : row_pitch, columns[0] : columns[-1] + 1 : column_pitch]
            yield _Part(plane - area.plane, part, rows, columns)


def _line_values(opcode: LineValues, part: _Part) -> NDArray[np.float32]:
    """(h, 1) or (w,) the values of a part's rows or columns."""
    area = opcode.area
    if opcode.along_rows:
        return opcode.at((part.rows - area.top) // area.row_pitch)[:, None]
    return opcode.at((part.columns - area.left) // area.column_pitch)
