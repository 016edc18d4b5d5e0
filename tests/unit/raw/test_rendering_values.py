"""The last steps to the photo by their values."""

import numpy as np
import pytest

from darkdiff_cli.colour import srgb_decode, srgb_encode
from darkdiff_cli.raw import RawFrame, finish
from darkdiff_cli.raw.black_level import BlackLevel
from darkdiff_cli.raw.rendering import srgb_of
from darkdiff_cli.synthesis import Sensor

EVEN = (1.0, 1.0, 1.0)
RED_FROM_GREEN = np.array([[2.0, -1.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])  # the sensor's red is (r + g) / 2


def frame(balance: tuple[float, float, float] = EVEN, matrix: np.ndarray | None = None) -> RawFrame:
    cfa = Sensor(np.eye(3), EVEN).cfa
    return RawFrame(np.zeros((4, 4)), cfa, BlackLevel.uniform(0.0), 1.0, balance, matrix)


def adjusted_white(made: np.ndarray, of: RawFrame, ratio: float) -> np.ndarray:
    return finish(made, of, ratio, "auto").srgb_01


def picture(*linear: float, side: int = 200) -> np.ndarray:
    """One colour of linear light, as sRGB."""
    return srgb_encode(np.broadcast_to(np.array(linear, np.float32), (side, side, 3)))


def with_lamps(count: int, level: float, ground: float = 0.5) -> np.ndarray:
    made = picture(ground, ground, ground)
    made.reshape(-1, 3)[:count] = srgb_encode(np.float32(level))
    return made


@pytest.mark.parametrize(
    ("colour", "balance", "matrix", "white"),
    [
        ((0.9, 0.9, 0.9), EVEN, None, 0.9),
        ((0.9, 0.1, 0.1), (2.0, 1.0, 1.5), None, None),  # red counted 0.45
        ((0.9, 0.9, 0.1), (2.0, 1.0, 1.5), None, 0.9),  # green counted 0.9
        ((0.9, 0.1, 0.1), EVEN, RED_FROM_GREEN, None),  # red counted 0.5
        ((0.9, 0.7, 0.1), EVEN, RED_FROM_GREEN, 0.8),
        ((0.9, 0.7, 0.1), (1.25, 1.0, 1.0), RED_FROM_GREEN, None),  # green counted 0.7, red 0.64
    ],
)
def test_what_the_sensor_counted_says_what_is_white(colour, balance, matrix, white: float | None) -> None:
    before = picture(*colour)
    after = adjusted_white(before, frame(balance, matrix), 1.0)
    if white is None:
        assert np.array_equal(after, before)
    else:
        expected = np.minimum(np.array(colour) / white, 1.0)
        assert srgb_decode(after)[0, 0] == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize(("level", "share"), [(0.75, 0.0), (0.76, 0.2), (0.79, 0.8), (0.8, 1.0), (0.9, 1.0)])
def test_of_an_amplified_picture_the_step_fades_in(level: float, share: float) -> None:
    after = adjusted_white(picture(level, level, level), frame(), 100.0)
    assert srgb_decode(after)[0, 0] == pytest.approx(level * (1 + share * (1 / level - 1)), abs=1e-3)


@pytest.mark.parametrize(("lamps", "counts"), [(3, False), (5, True)])
def test_one_pixel_in_ten_thousand_must_be_bright(lamps: int, counts: bool) -> None:
    """Of 40,000."""
    after = srgb_decode(adjusted_white(with_lamps(lamps, 0.9), frame(), 100.0))
    assert after[-1, -1] == pytest.approx(0.5 / 0.9 if counts else 0.5, abs=1e-3)


def test_a_spark_counts_for_four_hundredths_more_than_the_other_bright_pixels() -> None:
    made = with_lamps(400, 0.85)
    made[100, 100] = srgb_encode(np.float32(0.99))
    after = srgb_decode(adjusted_white(made, frame(), 100.0))
    assert after[-1, -1] == pytest.approx(0.5 / (0.85 * 1.04), abs=1e-3)


@pytest.mark.parametrize("matrix", [None, RED_FROM_GREEN])
def test_bayer_planes_become_srgb_by_the_mean_green_and_the_cameras_matrix(matrix: np.ndarray | None) -> None:
    planes = np.broadcast_to(np.array([0.4, 0.1, 0.3, 0.5], np.float32), (2, 2, 4))
    made = srgb_of(srgb_encode(planes), frame(matrix=matrix), "raw-raw")
    shown = finish(made, frame(matrix=matrix), 1.0, "file").srgb_01
    expected = (0.4, 0.2, 0.5) if matrix is None else (0.6, 0.2, 0.5)
    assert srgb_decode(shown)[1, 1] == pytest.approx(expected, abs=1e-4)
