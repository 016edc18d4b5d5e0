"""Every term of the exposure by its value, alone on a sensor that has no other noise."""

import math
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from darkdiff_cli.synthesis import SensorNoise, expose
from darkdiff_cli.synthesis.unprocess import QUAD_BAYER

BLACK, WHITE = 512.0, 16383.0
SILENT = SensorNoise(gain=1.0, shape=0.1, read_scale=0.0, row_scale=0.0)


def shot(
    noise: SensorNoise, size: tuple[int, int], light: float = 0.0, ratio: float = 100.0, seed: int = 0
) -> NDArray[np.float64]:
    """DN above black of a flat scene with so many DN of light before it is darkened."""
    clean = np.full(size, BLACK + light)
    return expose(clean, ratio, noise, BLACK, WHITE, np.random.default_rng(seed)).astype(np.float64) - BLACK


@pytest.mark.parametrize("light", [0.0, -100.0])
def test_a_silent_sensor_without_light_is_black(light: float) -> None:
    assert not shot(SILENT, (8, 8), light).any()


def test_the_black_levels_error_sits_at_its_site_and_is_rounded() -> None:
    mosaic = shot(replace(SILENT, colour_bias=(1.4, 2.6, -3.4, -4.6)), (4, 6))
    assert mosaic.tolist() == [[1.0, 3.0] * 3, [-3.0, -5.0] * 3] * 2


def test_the_black_levels_error_goes_by_colour_where_the_filter_is_not_bayer() -> None:
    clean, noise = np.full((4, 4), BLACK), replace(SILENT, colour_bias=(1.0, 2.0, 3.0, 4.0))
    mosaic = expose(clean, 100.0, noise, BLACK, WHITE, np.random.default_rng(0), QUAD_BAYER.seen_from(0, 2)) - BLACK
    assert mosaic.tolist() == [[2.0, 2.0, 1.0, 1.0]] * 2 + [[4.0, 4.0, 2.0, 2.0]] * 2


def test_levels_stop_at_zero_and_at_white() -> None:
    mosaic = shot(replace(SILENT, colour_bias=(-600.0, 20_000.0, 0.0, 0.0)), (2, 2))
    assert mosaic.tolist() == [[-BLACK, WHITE - BLACK], [0.0, 0.0]]


@pytest.mark.parametrize("shape", [-0.2, 0.0, 0.1427, 0.5])
def test_read_noise_has_its_scale_and_the_variance_of_its_shape(shape: float) -> None:
    """Variance of the Tukey lambda distribution: Joiner and Rosenblatt 1971; of the logistic one: pi^2 / 3."""
    mosaic = shot(replace(SILENT, shape=shape, read_scale=20.0), (1000, 1000))
    gamma = math.gamma(1 + shape) ** 2 / math.gamma(2 + 2 * shape)
    variance = math.pi**2 / 3 if shape == 0 else 2 / shape**2 * (1 / (1 + 2 * shape) - gamma)
    assert mosaic.var() == pytest.approx(20.0**2 * variance, rel=0.01)
    assert mosaic.mean() == pytest.approx(0.0, abs=0.15)


def test_row_noise_is_one_number_a_row() -> None:
    mosaic = shot(replace(SILENT, row_scale=6.0), (20_000, 2))
    assert (mosaic == mosaic[:, :1]).all()
    assert mosaic.std() == pytest.approx(6.0, rel=0.01)


def test_bands_are_slow_and_have_their_deviation() -> None:
    rows = np.stack([shot(replace(SILENT, banding=50.0), (20_000, 2), seed=seed)[:, 0] for seed in range(12)])
    assert rows.std() == pytest.approx(50.0, rel=0.02)
    assert np.abs(np.diff(rows)).max() < 60.0  # a band is 8 rows or wider


def test_shot_noise_counts_electrons() -> None:
    mosaic = shot(replace(SILENT, gain=4.0), (500, 500), light=8000.0, ratio=10.0)
    assert not (mosaic % 4.0).any()
    assert mosaic.mean() == pytest.approx(800.0, rel=0.001)
    assert mosaic.var() == pytest.approx(4.0 * 800.0, rel=0.02)


def test_hot_pixels_are_their_share_and_shine_by_the_exposure() -> None:
    """From 2 to 50 % of white in the well-exposed frame, as much less in the dark one as its light."""
    span, shine = (WHITE - BLACK) / 100.0, []
    for seed in range(60):
        mosaic = shot(replace(SILENT, hot_pixels=0.25), (100, 100), seed=seed)
        [cold, hot] = np.unique(mosaic)
        assert cold == 0
        assert np.mean(mosaic == hot) == pytest.approx(0.25, abs=0.02)
        shine.append(hot / span)
    assert 0.015 < min(shine) < 0.06
    assert 0.45 < max(shine) < 0.505
    assert np.mean(shine) == pytest.approx(0.26, abs=0.04)


def test_dead_pixels_are_their_share_and_count_nothing() -> None:
    mosaic = shot(replace(SILENT, dead_pixels=0.25), (200, 200), light=8000.0, ratio=1.0)
    assert np.mean(mosaic == 0) == pytest.approx(0.25, abs=0.01)
    assert mosaic[mosaic != 0].min() > 7500


def test_without_a_share_no_pixel_is_hot_or_dead() -> None:
    assert not shot(SILENT, (400, 400)).any()
    assert shot(SILENT, (400, 400), light=8000.0, ratio=1.0).min() > 7500
