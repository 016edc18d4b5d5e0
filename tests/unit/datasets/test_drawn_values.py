"""What drawings are made of, counted over many of them."""

import numpy as np
import pytest

from darkdiff_cli.datasets.drawn import drawn


@pytest.fixture(scope="module")
def drawings() -> list[np.ndarray]:
    """In 8-bit levels."""
    return [np.rint(drawn(32, np.random.default_rng(seed)) * 255).astype(int) for seed in range(600)]


def colours(drawing: np.ndarray) -> int:
    return len(np.unique(drawing.reshape(-1, 3), axis=0))


def steepest(drawing: np.ndarray) -> int:
    """The largest difference of neighbouring pixels."""
    return int(max(np.abs(np.diff(drawing, axis=axis)).max() for axis in (0, 1)))


def test_three_in_ten_have_no_shapes_half_of_them_one_colour_and_half_a_gradient(drawings: list[np.ndarray]) -> None:
    one = np.mean([colours(drawing) == 1 for drawing in drawings])
    gradient = np.mean([colours(drawing) > 1 and steepest(drawing) <= 12 for drawing in drawings])
    assert one == pytest.approx(0.15, abs=0.04)
    assert gradient == pytest.approx(0.15, abs=0.04)


def test_half_have_edges_hard_to_the_pixel_and_few_have_few_shapes(drawings: list[np.ndarray]) -> None:
    """Two to six colours in all: a few shapes, on one colour, none of their pixels mixed. Of soft ones there are none,
    and with two shapes at most there would be one in seven."""
    few = np.mean([1 < colours(drawing) <= 6 for drawing in drawings])
    assert 0.02 < few < 0.055


def test_colours_reach_from_grey_to_pure(drawings: list[np.ndarray]) -> None:
    spreads = np.array([np.ptp(drawing[0, 0]) for drawing in drawings])
    assert np.mean(spreads < 10) > 0.1
    assert np.mean(spreads > 200) > 0.02
