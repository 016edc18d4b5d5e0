"""`--doubt`: the error that is to be expected, by its values."""

import numpy as np
import pytest

from darkdiff_cli.cfa import Cfa
from darkdiff_cli.colour import srgb_encode
from darkdiff_cli.raw import RawFrame
from darkdiff_cli.raw.black_level import BlackLevel
from darkdiff_cli.raw.doubt import ALWAYS, DETAIL, HIDDEN, doubt, doubt_of
from darkdiff_cli.raw.noise import MeasuredNoise

WHITE, RATIO = 1000.0, 10.0


def frame(height: int = 80, width: int = 120, noise: float = 0.0) -> RawFrame:
    mosaic = np.random.default_rng(0).normal(20.0, noise, (height, width)).astype(np.float32)
    return RawFrame(mosaic, Cfa.bayer("RGGB"), BlackLevel.uniform(0.0), WHITE, (1.0, 1.0, 1.0))


def striped(height: int = 40, width: int = 60, contrast: float = 0.1) -> np.ndarray:
    """Grey of sRGB 0.5, its right half with stripes."""
    picture = np.full((height, width, 3), 0.5, np.float32)
    picture[:, width // 2 :: 2] += contrast
    picture[:, width // 2 + 1 :: 2] -= contrast
    return picture


def test_what_is_smooth_is_hardly_doubted_and_detail_under_noise_most() -> None:
    loud, quiet = (doubt(striped(), frame(), RATIO, MeasuredNoise(0.0, read)) for read in (10.0, 0.1))
    assert loud[:, :20] == pytest.approx(ALWAYS, abs=1e-5)
    assert (loud[10:30, 40:50] > quiet[10:30, 40:50] + 0.02).all()
    assert quiet[10:30, 40:50] == pytest.approx(ALWAYS + DETAIL * 0.1, abs=0.012)


def test_noise_is_the_luminance_of_a_quad_under_the_srgb_curve() -> None:
    picture = srgb_encode(np.full((40, 40, 3), 0.25, np.float32))
    detail = np.tile([0.02, -0.02], 20)[None, :, None].astype(np.float32)
    gain, read = 0.5, 4.0
    found = doubt(picture + detail, frame(), RATIO, MeasuredNoise(gain, read))[20, 20]
    variance = gain * 0.25 * RATIO / WHITE + (read * RATIO / WHITE) ** 2
    luminance = np.sqrt(variance * (0.2126**2 + 0.7152**2 / 2 + 0.0722**2))
    hidden = luminance * 1.055 / 2.4 * 0.25 ** (1 / 2.4 - 1)
    assert found == pytest.approx(ALWAYS + HIDDEN * np.sqrt(hidden * 0.02) + DETAIL * 0.02, rel=0.03)


def test_a_photo_of_full_size_is_judged_at_half_and_grain_is_not_doubted() -> None:
    noisy, half = frame(noise=5.0), striped()
    full = half.repeat(2, axis=0).repeat(2, axis=1)
    at_half, at_full = (doubt_of(picture, noisy, RATIO, 1.0) for picture in (half, full))
    assert at_half.shape == at_full.shape == (40, 60)
    np.testing.assert_allclose(at_full, at_half, rtol=1e-4)
    np.testing.assert_allclose(doubt_of(half, noisy, RATIO, 0.5), at_half / 2, rtol=1e-6)
