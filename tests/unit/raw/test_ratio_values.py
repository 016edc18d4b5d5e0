"""The chosen ratio of frames whose blocks are known: the key 0.15 over the logarithmic mean of the inner 80 %."""

import numpy as np
import pytest

from darkdiff_cli.raw import RawFrame, estimate_ratio
from darkdiff_cli.synthesis import Sensor

BLACK, WHITE = 512.0, 16383.0
SIDE = 24  # blocks along each side
TENTH = SIDE * SIDE // 10


def ratio_of(lrgb: np.ndarray, black: float = BLACK, white: float = WHITE) -> float:
    """Ratio of a frame that develops into (h, w) grey or (h, w, 3) LRGB in sRGB primaries."""
    cfa = Sensor(np.eye(3), (1.0, 1.0, 1.0)).cfa
    planes = lrgb if lrgb.ndim == 3 else np.repeat(lrgb[..., None], 3, axis=2)
    mosaic = np.empty((2 * planes.shape[0], 2 * planes.shape[1]))
    for site, colour in enumerate((0, 1, 1, 2)):
        mosaic[site // 2 :: 2, site % 2 :: 2] = planes[..., colour]
    return estimate_ratio(RawFrame(black + mosaic * (white - black), cfa, (black,) * 4, white, (1.0, 1.0, 1.0)))


def blocks(level: float) -> np.ndarray:
    return np.full(SIDE * SIDE, level)


def test_a_flat_frame_is_brought_to_the_key() -> None:
    assert ratio_of(blocks(0.05).reshape(SIDE, SIDE)) == 3.0


@pytest.mark.parametrize(("level", "ratio"), [(0.6, 1.0), (1e-4, 300.0)])
def test_the_ratio_stays_within_its_limits(level: float, ratio: float) -> None:
    assert ratio_of(blocks(level).reshape(SIDE, SIDE)) == ratio


def test_two_digits_are_told() -> None:
    assert ratio_of(blocks(0.0123).reshape(SIDE, SIDE)) == 12.0  # 0.15 / 0.0123 = 12.2


@pytest.mark.parametrize(("lamps", "corners"), [(TENTH, 0), (0, TENTH), (TENTH, TENTH)])
def test_a_tenth_of_lamps_and_a_tenth_of_black_corners_do_not_count(lamps: int, corners: int) -> None:
    levels = blocks(0.015)
    levels[:lamps] = 1.0
    levels[SIDE * SIDE - corners :] = 1e-3
    assert ratio_of(levels.reshape(SIDE, SIDE)) == 10.0


@pytest.mark.parametrize(("more", "ratio"), [(1.0, 4.3), (1e-3, 17.0)])
def test_what_is_more_than_a_tenth_counts_by_its_logarithm(more: float, ratio: float) -> None:
    """150 of 576 blocks; the 57 outermost ones at each end drop out, so 93 of 462 are left of them."""
    levels = blocks(0.015)
    levels[:150] = more
    level = np.exp((93 * np.log(more) + 369 * np.log(0.015)) / 462)
    assert ratio == float(f"{0.15 / level:.2g}")
    assert ratio_of(levels.reshape(SIDE, SIDE)) == ratio


@pytest.mark.parametrize(("black", "white"), [(BLACK, WHITE), (60.0, 1023.0)])
def test_blocks_below_black_count_as_a_quarter_of_a_dn(black: float, white: float) -> None:
    levels = blocks(0.5)
    levels[::2] = -0.01
    expected = 0.15 / np.sqrt(0.5 * 0.25 / (white - black))
    assert 5 < expected < 60
    assert ratio_of(levels.reshape(SIDE, SIDE), black, white) == float(f"{expected:.2g}")


def test_blocks_are_means_in_which_noise_vanishes() -> None:
    rows, columns = np.mgrid[0 : 4 * SIDE, 0 : 4 * SIDE]
    noise = np.where((rows + columns) % 2 == 0, 0.12, -0.12)
    assert ratio_of(0.05 + noise) == 3.0


def test_brightness_is_luminance() -> None:
    colour = np.broadcast_to(np.array([0.1, 0.02, 0.04]), (SIDE, SIDE, 3))
    luminance = 0.2126 * 0.1 + 0.7152 * 0.02 + 0.0722 * 0.04
    assert ratio_of(colour) == float(f"{0.15 / luminance:.2g}") == 3.9
