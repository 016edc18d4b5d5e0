import numpy as np
import pytest

from darkdiff_cli.synthesis import SensorNoise, expose, load_calibrations, sample_noise
from darkdiff_cli.synthesis.noise import tukey_lambda

BLACK, WHITE = 512.0, 16383.0


def test_five_cameras_are_calibrated() -> None:
    names = {calibration.name for calibration in load_calibrations()}
    assert names == {"CanonEOS5D4", "CanonEOS700D", "CanonEOS70D", "NikonD850", "SonyA7S2"}


def test_mean_is_the_scaled_signal_and_variance_is_shot_noise() -> None:
    noise = SensorNoise(gain=2.0, shape=0.1, read_scale=1e-3, row_scale=0.0)
    clean = np.full((600, 600), BLACK + 6000.0)
    dark = expose(clean, 100.0, noise, BLACK, WHITE, np.random.default_rng(0)) - BLACK
    assert dark.mean() == pytest.approx(60.0, rel=0.01)
    assert dark.var() == pytest.approx(60.0 * 2.0, rel=0.03)  # K * signal


def test_dark_frame_keeps_zero_mean() -> None:
    noise = SensorNoise(gain=1.0, shape=0.1, read_scale=2.0, row_scale=0.5)
    dark = expose(np.full((500, 500), BLACK), 300.0, noise, BLACK, WHITE, np.random.default_rng(0))
    assert dark.mean() == pytest.approx(BLACK, abs=0.1)
    assert dark.min() < BLACK - 3


def test_tukey_lambda_has_its_published_variance() -> None:
    sample = tukey_lambda(0.1427, (1000, 1000), np.random.default_rng(0))
    assert sample.mean() == pytest.approx(0.0, abs=0.01)
    assert sample.var() == pytest.approx(
        2.11, abs=0.05
    )  # the near-normal member of the family: Joiner & Rosenblatt 1971


def test_row_noise_is_shared_by_a_row() -> None:
    noise = SensorNoise(gain=1.0, shape=0.1, read_scale=0.1, row_scale=5.0)
    dark = expose(np.full((400, 400), BLACK), 300.0, noise, BLACK, WHITE, np.random.default_rng(0)).astype(float)
    assert dark.mean(axis=1).std() == pytest.approx(5.0, rel=0.15)
    assert dark.mean(axis=0).std() < 0.5


def test_saturation_holds() -> None:
    noise = SensorNoise(gain=1.0, shape=0.1, read_scale=50.0, row_scale=0.0)
    assert expose(np.full((50, 50), WHITE), 1.0, noise, BLACK, WHITE, np.random.default_rng(0)).max() == WHITE


def test_settings_stay_within_the_gain_range() -> None:
    rng = np.random.default_rng(0)
    for calibration in load_calibrations():
        gains = [sample_noise(calibration, rng, (0.5, 2.0)).gain for _ in range(50)]
        assert 0.5 <= min(gains) < max(gains) <= 2.0
