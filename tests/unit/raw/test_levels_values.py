"""Black levels measured on a masked border whose mean is known."""

import numpy as np
import pytest

from darkdiff_cli.raw.levels import masked_black
from darkdiff_cli.synthesis import Sensor

CFA = Sensor(np.eye(3), (1.0, 1.0, 1.0)).cfa
WHITE = 10_000.0  # a hundredth of it is 100 DN
TOP, LEFT = 22, 34
LIGHT = 5000


def border(height: int, width: int, level: int = 500, step: int = 1) -> np.ndarray:
    """A sensor in the dark: of four pixels of a site along a row one is `step` DN above the level."""
    places = np.arange(width) // 2 % 4
    return np.broadcast_to(level + step * (places == 1), (height, width)).copy()


def measured(full: np.ndarray, tag: float = 502.0, top: int = TOP, left: int = LEFT) -> list[float]:
    return list(masked_black(full, top, left, CFA, (tag,) * 4, WHITE))


def test_the_fraction_of_a_dn_is_found_and_the_two_pixels_beside_the_picture_are_left_out() -> None:
    full = border(120, 128)
    full[TOP - 2 :, LEFT - 2 :] = LIGHT
    full[TOP - 2 : TOP, :] = LIGHT  # light that leaks into the last rows and columns of the mask
    full[:, LEFT - 2 : LEFT] = np.where(np.arange(120) < TOP - 2, full[:, 0], LIGHT)[:, None]
    full[TOP - 2 : TOP, : LEFT - 2] = border(2, LEFT - 2)
    assert measured(full) == pytest.approx([500.25] * 4, abs=1e-9)


def test_both_parts_of_the_border_count_by_their_pixels() -> None:
    full = border(120, 128)
    full[TOP - 2 :, : LEFT - 2] += 2
    above, beside = 10 * 64, 50 * 16  # pixels of a site in 20 rows of 128 and in 100 rows of 32
    assert measured(full) == pytest.approx([500.25 + 2 * beside / (above + beside)] * 4, abs=1e-9)


@pytest.mark.parametrize(("width", "level"), [(200, 500.25), (192, 502.0)])
def test_fewer_than_500_pixels_of_a_site_tell_nothing(width: int, level: float) -> None:
    """Ten rows above the picture hold five of each site: 500 pixels, or 480."""
    assert measured(border(100, width), top=12, left=0) == [level] * 4


@pytest.mark.parametrize(("tag", "level"), [(599.0, 500.25), (602.0, 602.0), (402.0, 500.25), (399.0, 399.0)])
def test_a_border_further_from_the_tag_than_a_hundredth_of_white_is_not_black(tag: float, level: float) -> None:
    assert measured(border(120, 128), tag) == [level] * 4


@pytest.mark.parametrize(("step", "level"), [(228, 557.0), (236, 510.0)])
def test_a_border_that_varies_by_more_than_a_hundredth_of_white_is_not_black(step: int, level: float) -> None:
    """A quarter of the pixels `step` higher: a deviation of 0.433 steps."""
    assert measured(border(120, 128, step=step), 510.0) == [level] * 4


def test_a_border_of_one_value_was_not_measured() -> None:
    assert measured(np.full((120, 128), 500)) == [502.0] * 4


def test_hot_pixels_drop_out() -> None:
    full = border(120, 128)
    hot = np.random.default_rng(0).random(full.shape) < 0.004
    full[hot] = 4000
    assert measured(full) == pytest.approx([500.25] * 4, abs=0.01)
