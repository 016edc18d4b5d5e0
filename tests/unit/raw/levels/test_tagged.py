"""The black level of a file's tags, at each photosite of the sensor."""

import numpy as np
import pytest

from darkdiff_cli.cfa import Cfa
from darkdiff_cli.raw.dng_tags import (
    ACTIVE_AREA,
    BLACK_DELTA_H,
    BLACK_DELTA_V,
    BLACK_LEVEL,
    BLACK_REPEAT,
    COMPRESSION,
    LOSSY_JPEG,
    DngTags,
)
from darkdiff_cli.raw.levels import Readout
from darkdiff_cli.raw.levels.tagged import is_tagged, tagged_black

SHORT, RATIONAL, SIGNED_RATIONAL = 3, 5, 10


def readout(tags: dict[int, tuple[int, tuple[int, ...]]] | None, top=0, left=0, cfa="RGGB", scale=1.0) -> Readout:
    samples = (3,) if cfa is None else ()
    dng = None if tags is None else DngTags(tags)
    decoder = (1.0, 2.0, 3.0, 4.0) if cfa else (1.0, 2.0, 3.0)
    filters = None if cfa is None else Cfa.bayer(cfa)
    full = np.zeros((8, 6, *samples))
    return Readout(full, top, left, 8 - top, 6 - left, filters, decoder, 4095.0, dng, scale)


def levels(sensor: Readout) -> np.ndarray:
    """The level of every photosite of the visible frame."""
    black = tagged_black(sensor).seen_from(sensor.top, sensor.left, sensor.height, sensor.width)
    return -black.subtracted_from(np.zeros(sensor.visible_dn.shape))


def test_pattern_and_deltas_begin_at_the_active_area() -> None:
    """ActiveArea from (1, 2), frame from (2, 3): one row and one column further on."""
    pattern = np.array([[10, 20, 30], [40, 50, 60]])
    rows, columns = np.arange(7) * 100, np.arange(4) * 1000
    tags = {
        BLACK_REPEAT: (SHORT, (2, 3)),
        BLACK_LEVEL: (SHORT, tuple(pattern.ravel())),
        BLACK_DELTA_V: (SIGNED_RATIONAL, tuple(n for row in rows for n in (row, 1))),
        BLACK_DELTA_H: (SIGNED_RATIONAL, tuple(n for column in columns for n in (2 * column, 2))),
        ACTIVE_AREA: (SHORT, (1, 2, 8, 6)),
    }
    expected = [
        [pattern[(row + 1) % 2, (column + 1) % 3] + rows[row + 1] + columns[column + 1] for column in range(3)]
        for row in range(6)
    ]
    assert levels(readout(tags, 2, 3)).tolist() == expected


def test_outside_the_active_area_the_mean_of_the_deltas_stands_for_them() -> None:
    tags = {BLACK_LEVEL: (SHORT, (0,)), BLACK_DELTA_V: (SHORT, (4, 8, 6, 6)), ACTIVE_AREA: (SHORT, (3, 0, 7, 6))}
    assert tagged_black(readout(tags)).rows == (6.0, 6.0, 6.0, 4.0, 8.0, 6.0, 6.0, 6.0)
    assert levels(readout(tags, top=2))[:3, 0].tolist() == [6.0, 4.0, 8.0]


def test_rationals_are_in_the_unit_of_float_samples() -> None:
    tags = {BLACK_LEVEL: (RATIONAL, (1, 32)), BLACK_DELTA_V: (SIGNED_RATIONAL, (1, 64, -1, 64) * 4)}
    assert levels(readout(tags, scale=64.0))[:2, 0].tolist() == [3.0, 1.0]


def test_three_samples_have_a_level_each() -> None:
    tags = {BLACK_LEVEL: (SHORT, (10, 20, 30))}
    assert levels(readout(tags, cfa=None))[3, 4].tolist() == [10.0, 20.0, 30.0]
    assert levels(readout({BLACK_LEVEL: (SHORT, (7,))}, cfa=None))[3, 4].tolist() == [7.0] * 3
    assert levels(readout(None, cfa=None))[3, 4].tolist() == [1.0, 2.0, 3.0]


@pytest.mark.parametrize(
    "tags",
    [
        None,
        {},
        {BLACK_LEVEL: (SHORT, (512, 512))},  # two values for one place
        {BLACK_LEVEL: (RATIONAL, (512, 0))},
        {BLACK_LEVEL: (SHORT, (51,)), COMPRESSION: (SHORT, (LOSSY_JPEG,))},  # of 255; LibRaw's pixels are of 65535
    ],
)
def test_without_usable_tags_libraws_levels_are_those_of_the_visible_frame(tags) -> None:
    expected = [[1.0, 2.0] * 2, [3.0, 4.0] * 2]
    assert levels(readout(tags, 1, 1))[:2, :4].tolist() == expected


def test_a_file_without_a_level_says_so() -> None:
    assert is_tagged(readout(None))
    assert is_tagged(readout({BLACK_LEVEL: (SHORT, (0,))}))
    silent = Readout(np.zeros((4, 4)), 0, 0, 4, 4, Cfa.bayer("RGGB"), (0.0,) * 4, 4095.0, DngTags({}))
    assert not is_tagged(silent)
