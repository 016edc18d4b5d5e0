"""Corrections that no lens and no sensor needs are left out, those that one may need are done."""

import struct

import numpy as np
import pytest

from darkdiff_cli.raw.dng_tags import DngTags
from darkdiff_cli.raw.lossy import has_whole_maps
from darkdiff_cli.raw.opcodes.corrections import with_opcodes
from tests.unit.raw.opcodes.test_corrections import (
    BLACK,
    HEIGHT,
    PLAIN,
    WHITE,
    area,
    flat,
    frame,
    gain_map,
    line_values,
    opcode,
    opcodes,
)


def curve(*coefficients: float) -> bytes:
    return opcode(8, area() + struct.pack(f">I{len(coefficients)}d", len(coefficients) - 1, *coefficients))


def table(*values: int) -> bytes:
    return opcode(7, area() + struct.pack(f">I{len(values)}H", len(values), *values))


def vignetting(*terms: float) -> bytes:
    return opcode(3, struct.pack(">7d", *terms, *(0.0,) * (5 - len(terms)), 0.5, 0.5))


IMPLAUSIBLE = {
    "rows of no light": ("ScalePerRow", line_values(12, area(), [0.0])),
    "columns of hardly any": ("ScalePerColumn", line_values(13, area(), [1.0, 1e-30])),
    "rows a white level off": ("DeltaPerRow", line_values(10, area(), [0.0, -1.0])),
    "columns a white level off": ("DeltaPerColumn", line_values(11, area(), [1.0])),
    "gains of hardly any": ("GainMap", gain_map(area(), np.array([[[1.0], [1e-3]]]))),
    "gains of a million": ("GainMap", gain_map(area(), np.full((1, 1, 1), 1e6))),
    "a curve of zeros": ("MapPolynomial", curve(0, 0)),
    "a curve below zero": ("MapPolynomial", curve(0, -5)),
    "a curve of one value": ("MapPolynomial", curve(0.5, 0)),
    "a curve that falls": ("MapPolynomial", curve(1, -1)),
    "a curve that comes back": ("MapPolynomial", curve(0, 4, -3.9)),
    "a curve without end": ("MapPolynomial", curve(0, 1e308, 1e308)),
    "a table of zeros": ("MapTable", table(0, 0, 0, 0)),
    "a table that falls": ("MapTable", table(*range(65535, -1, -1))),
    "corners of a million": ("FixVignetteRadial", vignetting(1e6)),
    "corners below zero": ("FixVignetteRadial", vignetting(-1, -1, -1)),
}


@pytest.mark.parametrize("which", ["second", "third"])
@pytest.mark.parametrize(("name", "damaged"), IMPLAUSIBLE.values(), ids=IMPLAUSIBLE.keys())
def test_a_correction_that_no_lens_or_sensor_needs_is_left_out_and_the_others_done(
    which: str, name: str, damaged: bytes
) -> None:
    light = flat()
    light[5, 5], light[6, 6] = WHITE - BLACK, -10
    twice = line_values(12, area(planes=3), [2.0])
    made = with_opcodes(frame(light, **{which: opcodes(damaged, twice)}), PLAIN)
    assert made.notes == (f"the {name} that the DNG asks for suits no lens and no sensor, so it is left out",)
    np.testing.assert_array_equal(made.light_dn(), 2 * light)


@pytest.mark.parametrize(
    "strong",
    [
        line_values(12, area(), [0.01, 100.0]),
        gain_map(area(), np.array([[[0.01], [100.0]]])),
        curve(0, 0.001),
        curve(-0.02, 1, 5),
        table(*(value**2 // 65535 for value in range(65536))),
        vignetting(0.5, 1, 2, 3, 4),
        vignetting(-0.9),
    ],
)
def test_strong_corrections_are_done_all_the_same(strong: bytes) -> None:
    made = with_opcodes(frame(flat(1000), second=opcodes(strong)), PLAIN)
    assert made.notes == ()
    assert (made.light_dn()[0, 0], made.light_dn()[0, 1], made.light_dn()[1, 0]) != (1000, 1000, 1000)


@pytest.mark.parametrize(
    "many",
    [
        opcodes(*[gain_map(area(), np.full((1, 1, 1), 100.0))] * 5),
        opcodes(*[line_values(12, area(), [0.01])] * 5),
        opcodes(opcode(8, area(planes=1) + struct.pack(">I5d", 4, 0, 0, 0, 0, 1))),
    ],
)
def test_corrections_that_leave_no_light_together_are_damage(many: bytes) -> None:
    made = with_opcodes(frame(flat(), third=many), PLAIN)  # plane 0: red alone loses its light
    assert made.notes == ("the corrections that the DNG asks for (opcodes) are damaged and left out",)
    np.testing.assert_array_equal(made.light_dn(), flat())


def test_a_part_of_the_picture_may_be_made_dark_and_a_dark_picture_stay_so() -> None:
    half = opcodes(line_values(12, area(bottom=HEIGHT // 2), [0.5]))
    made = with_opcodes(frame(flat(), second=half), PLAIN)
    assert (made.notes, made.light_dn()[0, 0], made.light_dn()[-1, -1]) == ((), 50, 100)
    assert with_opcodes(frame(flat(-10), second=opcodes(line_values(12, area(), [2.0]))), PLAIN).notes == ()


def test_lines_of_an_empty_area_need_no_values() -> None:
    assert with_opcodes(frame(flat(), second=opcodes(line_values(12, area(bottom=0), []))), PLAIN).notes == ()


@pytest.mark.parametrize("table", [(0, 0), (65535, 0)])
def test_a_lossy_dng_whose_maps_make_no_light_is_refused(table: tuple[int, ...]) -> None:
    map_ = opcodes(opcode(7, area(bottom=64, right=96, planes=3) + struct.pack(">I2H", 2, *table)))
    shape = {257: (3, (64,)), 256: (3, (96,))}
    assert not has_whole_maps(DngTags({**shape, 51009: (7, map_)}))
    assert has_whole_maps(DngTags({**shape, 51009: (7, opcodes(opcode(8, area() + struct.pack(">I2d", 1, 0, 0.001))))}))
