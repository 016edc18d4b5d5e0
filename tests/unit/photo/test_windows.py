import numpy as np
import pytest

from darkdiff_cli.photo import upright
from darkdiff_cli.photo.windows import Window, most_detail, upright_window


def test_most_detail_is_inside_and_flat_pictures_have_none() -> None:
    picture = np.full((60, 90, 3), 0.5, np.float32)
    picture[40:50, 10:20] = (np.indices((10, 10)).sum(axis=0) // 2 % 2)[..., None]
    x, y = most_detail(picture, 0.25, 0.25)
    assert (x * 90, y * 60) == pytest.approx((15, 45), abs=7)
    assert most_detail(picture[:1], 0.5, 1.0) == (0.5, 0.5)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_window_shows_the_same_once_upright(orientation: int) -> None:
    picture = np.arange(8 * 11 * 3, dtype=np.float32).reshape(8, 11, 3)
    window = Window(1, 6, 4, 3)
    turned = upright_window(window, (8, 11), orientation)
    assert np.array_equal(turned.of(upright(picture, orientation)), upright(window.of(picture), orientation))
