"""What is drawn of a camera's calibration: log(sigma) ~ Normal(slope * log K + bias, spread), offsets, hot pixels."""

import math
from dataclasses import replace

import numpy as np
import pytest

from darkdiff_cli.synthesis import Calibration, SensorNoise, random_sensor, sample_noise
from darkdiff_cli.synthesis.unprocess import CAMERA_MATRICES

PLAIN = Calibration(
    name="plain",
    gain_range=(0.1, 10.0),
    shapes=(0.25,),
    read=(0.5, 1.0, 0.0),
    row=(0.75, -1.0, 0.0),
    colour_bias=((10.0, 10.0, 10.0, 14.0),),
)


def settings(calibration: Calibration, count: int, **more: object) -> list[SensorNoise]:
    rng = np.random.default_rng(0)
    return [sample_noise(calibration, rng, **more) for _ in range(count)]


def test_scales_follow_their_lines() -> None:
    [noise] = settings(PLAIN, 1, gain_range=(4.0, 4.0))
    assert noise.gain == pytest.approx(4.0)
    assert noise.shape == 0.25
    assert noise.read_scale == pytest.approx(math.exp(0.5 * math.log(4.0) + 1.0))
    assert noise.row_scale == pytest.approx(math.exp(0.75 * math.log(4.0) - 1.0))
    assert (noise.banding, noise.dead_pixels) == (0.0, 0.0)


def test_scales_spread_around_their_lines() -> None:
    drawn = settings(replace(PLAIN, read=(0.5, 1.0, 0.3), row=(0.75, -1.0, 0.6)), 3000, gain_range=(1.0, 1.0))
    for scales, mean, spread in (
        ([noise.read_scale for noise in drawn], 1.0, 0.3),
        ([noise.row_scale for noise in drawn], -1.0, 0.6),
    ):
        assert np.mean(np.log(scales)) == pytest.approx(mean, abs=0.03)
        assert np.std(np.log(scales)) == pytest.approx(spread, rel=0.05)


def test_gains_are_uniform_in_the_logarithm() -> None:
    gains = np.log([noise.gain for noise in settings(PLAIN, 3000, gain_range=(0.1, 10.0))])
    assert gains.mean() == pytest.approx(0.0, abs=0.1)
    assert gains.std() == pytest.approx(math.log(100.0) / math.sqrt(12.0), rel=0.03)


def test_measured_offsets_lose_their_mean_are_limited_to_one_dn_and_taken_in_part() -> None:
    """Offsets of 10, 10, 10, 14 DN are -1, -1, -1, 3 about their mean, and -1, -1, -1, 1 within the limit."""
    biases = np.array([noise.colour_bias for noise in settings(PLAIN, 500, black_error=0.0)])
    shares = biases[:, 3]
    assert np.allclose(biases, shares[:, None] * [-1.0, -1.0, -1.0, 1.0])
    assert 0.0 <= shares.min() < 0.01
    assert 0.99 < shares.max() <= 1.0


def test_the_black_levels_error_is_common_to_all_sites() -> None:
    level = replace(PLAIN, colour_bias=((3.0, 3.0, 3.0, 3.0),))
    assert not any(any(noise.colour_bias) for noise in settings(level, 20, black_error=0.0))
    biases = np.array([noise.colour_bias for noise in settings(level, 3000, black_error=2.0)])
    assert np.ptp(biases, axis=1).max() == 0.0
    assert biases[:, 0].std() == pytest.approx(2.0, rel=0.05)


def test_half_of_the_settings_have_hot_pixels() -> None:
    shares = [noise.hot_pixels for noise in settings(PLAIN, 2000)]
    assert set(shares) == {0.0, 2e-5, 1e-4}
    assert shares.count(0.0) / len(shares) == pytest.approx(0.5, abs=0.05)


def test_sensors_are_mixtures_under_light_from_candle_to_shade() -> None:
    rng = np.random.default_rng(0)
    sensors = [random_sensor(rng) for _ in range(500)]
    red, green, blue = (np.array(gains) for gains in zip(*(s.white_balance for s in sensors), strict=True))
    assert (green == 1.0).all()
    for gains, (low, high) in ((red, (1.2, 2.8)), (blue, (1.2, 2.9))):
        assert (low, high) == (pytest.approx(gains.min(), rel=0.01), pytest.approx(gains.max(), rel=0.01))
        assert np.log(gains).mean() == pytest.approx(math.log(low * high) / 2, abs=0.04)
    published = np.array(list(CAMERA_MATRICES.values())).reshape(-1, 3, 3) / 10_000.0
    matrices = np.array([sensor.camera_from_xyz for sensor in sensors])
    assert (matrices >= published.min(axis=0) - 1e-9).all()
    assert (matrices <= published.max(axis=0) + 1e-9).all()
    own = [any(np.allclose(matrix, one) for one in published) for matrix in matrices]
    assert np.mean(own) == pytest.approx(1 / len(published), abs=0.05)  # both draws the same camera
