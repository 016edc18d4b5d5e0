"""The black level of every photosite, as a value."""

import numpy as np
import pytest

from darkdiff_cli.raw.black_level import BlackLevel

PATTERN = BlackLevel(
    (1.0, 2.0, 3.0, 4.0, 5.0, 6.0), (2, 3), rows=(10.0, 20.0, 30.0, 40.0), columns=(0.0, 100.0, 200.0, 300.0)
)


def levels_of(black: BlackLevel, shape: tuple[int, ...]) -> list:
    return (-black.subtracted_from(np.zeros(shape, np.uint16))).tolist()


def test_pattern_rows_and_columns_add_up() -> None:
    expected = [
        [PATTERN.values[row % 2 * 3 + column % 3] + 10 * (row + 1) + 100 * column for column in range(4)]
        for row in range(4)
    ]
    assert levels_of(PATTERN, (4, 4)) == expected
    assert PATTERN.mean == pytest.approx(3.5 + 25 + 150)
    assert PATTERN.highest == 6 + 40 + 300


@pytest.mark.parametrize(("top", "left"), [(0, 0), (1, 2), (2, 1), (1, 0)])
def test_a_window_begins_where_it_begins(top: int, left: int) -> None:
    whole = np.array(levels_of(PATTERN, (4, 4)))
    part = PATTERN.seen_from(top, left, 2, 2)
    assert levels_of(part, (2, 2)) == whole[top : top + 2, left : left + 2].tolist()


def test_noise_below_black_stays_negative() -> None:
    light = BlackLevel.uniform(512.0).subtracted_from(np.array([[500, 520]], np.uint16))
    assert light.dtype == np.float32
    assert light.tolist() == [[-12.0, 8.0]]


def test_three_samples_have_a_level_each() -> None:
    black = BlackLevel((1.0, 2.0, 3.0), rows=(10.0, 20.0))
    assert levels_of(black, (2, 1, 3)) == [[[11.0, 12.0, 13.0]], [[21.0, 22.0, 23.0]]]


def test_a_pattern_of_one_value_is_that_value() -> None:
    assert BlackLevel((512.0,) * 4, (2, 2)) == BlackLevel.uniform(512.0)


@pytest.mark.parametrize(("values", "repeat"), [((1.0, 2.0), (1, 1)), ((1.0,), (0, 1)), ((1.0,) * 5, (2, 2))])
def test_impossible_patterns_are_refused(values, repeat) -> None:
    with pytest.raises(ValueError, match="a black pattern"):
        BlackLevel(values, repeat)
