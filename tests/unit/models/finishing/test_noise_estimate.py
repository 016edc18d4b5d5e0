"""The noise is read from the picture, its texture is not taken for noise."""

import numpy as np
import pytest

from darkdiff_models.finishing.noise_estimate import _fit, estimate_noise


def noisy(gain: float, sigma: float, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    clean = np.linspace(2, 400, 256)[None, :].repeat(256, 0)
    return (rng.poisson(clean / gain) * gain + rng.normal(0, sigma, clean.shape)).astype(np.float32)


@pytest.mark.parametrize(("gain", "sigma"), [(0.5, 2.0), (2.0, 5.0), (6.0, 1.0)])
def test_noise_is_read_from_the_plane(gain: float, sigma: float) -> None:
    found, variance = estimate_noise(noisy(gain, sigma))
    assert found == pytest.approx(gain, rel=0.15)
    assert variance == pytest.approx(sigma**2, abs=max(0.35 * sigma**2, 3 * gain))


def test_texture_is_not_taken_for_noise() -> None:
    rng = np.random.default_rng(0)
    plane = np.linspace(50, 150, 256)[None, :] + rng.normal(0, 1.0, (256, 256))
    plane[:128] += 20 * rng.uniform(-1, 1, (128, 256))  # half of the picture is foliage
    gain, variance = estimate_noise(plane.astype(np.float32))
    assert gain * 100 + variance == pytest.approx(1.0, rel=0.25)


@pytest.mark.parametrize("side", ["highlights", "shadows"])
def test_clipped_areas_do_not_hide_the_noise(side: str) -> None:
    plane = noisy(2.0, 5.0)
    plane[:, slice(161, None) if side == "highlights" else slice(41)] = plane.max() if side == "highlights" else 0.0
    gain, variance = estimate_noise(plane)
    assert gain == pytest.approx(2.0, rel=0.15)
    assert variance == pytest.approx(25.0, abs=15.0)


def test_a_plane_without_noise_has_none() -> None:
    assert estimate_noise(np.full((64, 64), 3.0, np.float32)) == (0.0, 0.0)


@pytest.mark.parametrize("seed", range(6))
def test_a_flat_plane_has_read_noise_alone_or_as_much_in_both_terms(seed: int) -> None:
    """Where the slope of the line would be negative, its start must not stay where that slope put it."""
    rng = np.random.default_rng(seed)
    gain, variance = estimate_noise((10 + rng.normal(0, 0.5, (256, 256))).astype(np.float32))
    assert 10 * gain + variance == pytest.approx(0.25, rel=0.06)


def test_a_term_that_would_be_negative_is_left_out_and_the_other_one_fits_alone() -> None:
    """Weights are 1 / variance; the sums are those of least squares with one term."""
    level, variance = np.array([1.0, 2.0, 3.0]), np.array([4.0, 3.0, 2.0])
    assert _fit(level, variance, np.ones(3)) == (0.0, pytest.approx(3.0))
    assert _fit(level, variance, np.array([1.0, 0.0, 2.0])) == (0.0, pytest.approx((4 + 4 * 2) / 5))
    assert _fit(level, level**2, np.ones(3)) == (pytest.approx(36 / 14), 0.0)
    assert _fit(level, 2 * level + 1, np.ones(3)) == pytest.approx((2.0, 1.0))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("level", [0.0, 1e-9, 7.0])
def test_levels_that_are_all_the_same_give_a_line_without_a_warning(level: float) -> None:
    variance = np.full(4, 3.0)
    gain, read = _fit(np.full(4, level), variance, np.ones(4))
    assert gain * level + read == pytest.approx(3.0)
    assert min(gain, read) >= 0
