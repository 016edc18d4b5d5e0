"""The chosen ratio of frames whose blocks are known, and what is measured of the lit part."""

import numpy as np
import pytest

from darkdiff_cli.raw import RawFrame, estimate_ratio
from darkdiff_cli.raw.black_level import BlackLevel
from darkdiff_cli.raw.ratio import BLOCKS, QUANTILES, LitPart, block_means, lit_blocks, lit_part
from darkdiff_cli.synthesis import Sensor

BLACK, WHITE = 512.0, 16383.0
SIDE = BLOCKS  # blocks along each side
TENTH = SIDE * SIDE // 10
FLOOR = 1e-4


def frame_of(lrgb: np.ndarray, black: float = BLACK, white: float = WHITE) -> RawFrame:
    """A frame that develops into (h, w) grey or (h, w, 3) LRGB in sRGB primaries."""
    cfa = Sensor(np.eye(3), (1.0, 1.0, 1.0)).cfa
    planes = lrgb if lrgb.ndim == 3 else np.repeat(lrgb[..., None], 3, axis=2)
    mosaic = np.empty((2 * planes.shape[0], 2 * planes.shape[1]))
    for site, colour in enumerate((0, 1, 1, 2)):
        mosaic[site // 2 :: 2, site % 2 :: 2] = planes[..., colour]
    dn = black + mosaic * (white - black)
    return RawFrame(dn, cfa, BlackLevel.uniform(black), white, (1.0, 1.0, 1.0))


def ratio_of(lrgb: np.ndarray) -> float:
    return estimate_ratio(frame_of(lrgb))


def flat(level: float, count: int = SIDE * SIDE) -> np.ndarray:
    return np.full(count, level)


def square(levels: np.ndarray) -> np.ndarray:
    return levels.reshape(SIDE, SIDE)


def lit_of(levels: np.ndarray, floor: float = FLOOR) -> LitPart:
    lit = lit_blocks(square(levels), floor)
    assert lit is not None
    return lit


@pytest.mark.parametrize(("level", "ratio"), [(0.05, 3.0), (0.0123, 12.0), (0.6, 1.0), (1e-4, 300.0)])
def test_an_even_wall_is_brought_to_the_key(level: float, ratio: float) -> None:
    """0.15 / 0.0123 = 12.2, told in two digits; the ratio stays within 1 and 300."""
    assert ratio_of(square(flat(level))) == ratio


def test_brightness_is_luminance() -> None:
    colour = np.broadcast_to(np.array([0.1, 0.02, 0.04]), (SIDE, SIDE, 3))
    luminance = 0.2126 * 0.1 + 0.7152 * 0.02 + 0.0722 * 0.04
    assert ratio_of(colour) == float(f"{0.15 / luminance:.2g}") == 3.9


def test_a_black_frame_gets_the_most() -> None:
    assert ratio_of(square(flat(0.0))) == 300.0
    hot = flat(0.0)
    hot[:4] = 0.5  # 4 of 2304 blocks are less than 0.2 %
    assert ratio_of(square(hot)) == 300.0
    hot[4] = 0.5
    assert ratio_of(square(hot)) < 2.0


@pytest.mark.parametrize("black_share", [0.3, 0.6, 0.97])
@pytest.mark.parametrize("surroundings", [0.0, -2e-5, 5e-5])
def test_black_surroundings_are_not_measured(black_share: float, surroundings: float) -> None:
    """Noise on both sides of black, and an error of the black level of most of a DN."""
    levels = flat(0.02)
    levels[: int(black_share * levels.size)] = surroundings
    lit = lit_part(frame_of(square(levels)))
    assert lit is not None
    assert lit.level == pytest.approx(np.log2(0.02), abs=1e-3)
    assert lit.shape[:21] == pytest.approx(np.zeros(21), abs=1e-3)
    assert lit.shape[21] == pytest.approx(black_share, abs=1e-3)


def test_what_is_more_than_five_stops_below_the_bright_tenth_is_surroundings() -> None:
    levels = flat(0.32)
    levels[:1000] = 0.32 / 2**5.1
    assert lit_of(levels).level == pytest.approx(np.log2(0.32))
    levels[:1000] = 0.32 / 2**4.9
    assert lit_of(levels).level < np.log2(0.32) - 1


@pytest.mark.parametrize(("lamps", "corners"), [(TENTH, 0), (0, TENTH), (TENTH, TENTH)])
def test_the_level_leaves_out_a_tenth_at_each_end(lamps: int, corners: int) -> None:
    levels = flat(0.015)
    levels[:lamps] = 0.05
    levels[SIDE * SIDE - corners :] = 0.005
    assert lit_of(levels).level == pytest.approx(np.log2(0.015))


def test_the_level_is_a_mean_of_logarithms() -> None:
    """600 of 2304 blocks; the 230 outermost ones at each end drop out, so 370 of 1844 are left of them."""
    levels = flat(0.015)
    levels[:600] = 0.12
    assert lit_of(levels).level == pytest.approx(np.log2(0.015) + 3 * 370 / 1844)


def test_the_shape_holds_distances_from_the_median_in_stops() -> None:
    stops = np.linspace(-2, 2, SIDE * SIDE)
    lit = lit_of(0.05 * 2.0**stops)
    distances = 4 * np.array(QUANTILES) - 2
    assert lit.shape[:7] == pytest.approx(distances, abs=1e-6)
    assert lit.shape[7:14] == pytest.approx(np.tanh(distances), abs=1e-6)
    assert lit.shape[14:21] == pytest.approx(np.tanh(3 * distances) / 3, abs=1e-6)


def test_a_lamp_counts_as_three_stops() -> None:
    levels = flat(0.001)
    levels[:100] = 1.0
    assert lit_of(levels).shape[6] == 3.0
    levels[:100] = 0.5
    assert lit_of(levels).shape[6] == 3.0


@pytest.mark.parametrize(("floor", "lost"), [(0.32 / 2**6, 0.0), (0.32 / 2**3, 2.0), (0.32 / 2, 4.0)])
def test_what_noise_takes_of_the_shadows_is_told(floor: float, lost: float) -> None:
    assert lit_of(flat(0.32), floor).shape[23] == pytest.approx(lost)


def test_the_shape_does_not_follow_the_light() -> None:
    rng = np.random.default_rng(0)
    levels = 0.01 * 2.0 ** rng.normal(0, 1.5, SIDE * SIDE)
    bright, dark = lit_of(levels), lit_of(levels / 8, FLOOR / 8)
    assert dark.shape == pytest.approx(bright.shape)
    assert dark.level == pytest.approx(bright.level - 3)


def test_blocks_are_means_in_which_noise_vanishes() -> None:
    noise = np.random.default_rng(0).normal(0, 0.03, (12 * SIDE, 12 * SIDE))
    means, sigma = block_means((0.05 + noise).astype(np.float32))
    assert means.shape == (SIDE, SIDE)
    assert sigma == pytest.approx(0.03 / 12, rel=0.06)
    assert np.std(means) == pytest.approx(0.03 / 12, rel=0.06)
    assert estimate_ratio(frame_of(0.05 + noise)) == pytest.approx(3.0, rel=0.1)


def test_noise_below_black_is_kept() -> None:
    """Ten times more noise than light: absolute values would be seven times too bright."""
    noise = np.random.default_rng(0).normal(0, 0.01, (20 * SIDE, 20 * SIDE))
    lit = lit_part(frame_of(0.003 + noise))
    assert lit is not None
    assert lit.level == pytest.approx(np.log2(0.003), abs=0.05)


def test_a_float_raw_may_have_any_white_level() -> None:
    """A DN of a raw whose white level is 1 is not the whole range."""
    assert estimate_ratio(frame_of(square(flat(0.01)), black=0.0, white=1.0)) == 15.0
