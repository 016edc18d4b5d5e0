"""Gain and read noise, measured on one frame."""

from dataclasses import replace

import numpy as np
import pytest

from darkdiff_cli.cfa import Cfa
from darkdiff_cli.raw import RawFrame
from darkdiff_cli.raw.black_level import BlackLevel
from darkdiff_cli.raw.noise import _line, level_without_noise, measure_noise

XTRANS = Cfa(("GGRGGB", "GGBGGR", "BRGRBG", "GGBGGR", "GGRGGB", "RBGBRG"))


def noisy(gain: float, read: float, cfa: Cfa, brightest: float = 60.0, rows: float = 0.0, side: int = 768) -> RawFrame:
    """A slope of light with shot and read noise, black 100, rounded as a sensor does."""
    rng = np.random.default_rng(5)
    light = np.linspace(0, brightest, side)[None, :] * np.linspace(0.2, 1, side)[:, None]
    light = light * cfa.spread(tuple(0.5 + 0.5 * (site.colour == 1) for site in cfa.sites), light.shape)
    signal = rng.poisson(light / gain) * gain + rng.normal(0, read, light.shape) + rng.normal(0, rows, (side, 1))
    mosaic = np.clip(np.rint(signal + 100), 0, 4095).astype(np.uint16)
    return RawFrame(mosaic, cfa, BlackLevel.uniform(100.0), 4095.0, (1.0, 1.0, 1.0))


@pytest.mark.parametrize("cfa", [Cfa.bayer("RGGB"), XTRANS], ids=["Bayer", "X-Trans"])
@pytest.mark.parametrize(("gain", "read"), [(0.5, 2.0), (2.0, 3.0), (8.0, 4.0)])
def test_gain_and_read_noise_are_found(cfa: Cfa, gain: float, read: float) -> None:
    found = measure_noise(noisy(gain, read, cfa))
    assert found is not None
    assert found.gain == pytest.approx(gain, rel=0.12)
    assert found.read == pytest.approx(np.hypot(read, 12**-0.5), rel=0.08)  # rounding is noise too


def test_row_noise_does_not_count() -> None:
    with_rows, without = (measure_noise(noisy(2.0, 3.0, Cfa.bayer("GBRG"), rows=rows)) for rows in (6.0, 0.0))
    assert with_rows is not None
    assert without is not None
    assert with_rows.read == pytest.approx(without.read, rel=0.12)


@pytest.mark.parametrize("value", [0, 0x0101, 0xAAAA, 0xFFFF])
def test_lost_sectors_do_not_count(value: int) -> None:
    whole = noisy(2.0, 3.0, Cfa.bayer("RGGB"))
    lost = whole.mosaic_dn.copy()
    for start in (100_000, 200_123, 300_321):
        lost.ravel()[start : start + 2048] = value
    found, expected = measure_noise(replace(whole, mosaic_dn=lost)), measure_noise(whole)
    assert found is not None
    assert expected is not None
    assert found == pytest.approx(expected, rel=0.05)


def test_shot_noise_alone_has_no_read_noise() -> None:
    found = measure_noise(noisy(20.0, 0.0, Cfa.bayer("RGGB"), brightest=2000.0))
    assert found is not None
    assert found.gain == pytest.approx(20.0, rel=0.1)
    assert found.read < 10


def test_too_small_or_clipped_is_not_measured() -> None:
    assert measure_noise(noisy(2.0, 3.0, Cfa.bayer("RGGB"), side=24)) is None
    full = noisy(2.0, 3.0, Cfa.bayer("RGGB"))
    clipped = RawFrame(np.full_like(full.mosaic_dn, 4095), full.cfa, full.black_level, 4095.0, (1.0, 1.0, 1.0))
    assert measure_noise(clipped) is None


def test_where_the_line_falls_read_noise_is_fitted_alone() -> None:
    gain, read = _line(np.array([1.0, 2.0, 3.0]), np.array([12.0, 10.0, 8.0]))
    assert gain == 0.0
    assert 8.0 < read**2 < 10.0


def test_where_the_line_starts_below_zero_the_gain_is_fitted_alone() -> None:
    gain, read = _line(np.array([1.0, 2.0]), np.array([1.0, 2.2]))
    assert read == 0.0
    assert 1.0 < gain < 1.1


def test_bins_of_nothing_but_texture_are_left_aside() -> None:
    levels = np.arange(1.0, 13.0)
    textured = np.array([1, 1, 30, 1, 2, 1, 8, 500, 1, 1, 3, 1])
    assert _line(levels, (2.0 * levels + 9.0) * textured) == pytest.approx((2.0, 3.0), rel=0.01)


def test_fine_texture_is_hardly_taken_for_noise() -> None:
    frame = noisy(2.0, 3.0, Cfa.bayer("RGGB"), brightest=2000.0)
    rows, columns = np.mgrid[:768, :768]
    waves = 0.5 + 0.5 * np.sin(0.9 * rows) * np.sin(1.1 * columns + 0.002 * rows * columns)
    waves[300:330] = 1.0  # a wall beside the hedge
    light = (frame.mosaic_dn.astype(np.float32) - 100) * waves
    mosaic = np.clip(np.rint(light + np.random.default_rng(6).normal(0, 3.0, light.shape) + 100), 0, 4095)
    found = measure_noise(replace(frame, mosaic_dn=mosaic.astype(np.uint16)))
    assert found is not None
    assert 1.0 < found.gain < 8.0
    assert found.read < 10.0


def test_a_frame_of_two_brightnesses_has_the_noise_of_both() -> None:
    """Bins between the two hold blocks of each."""
    rng = np.random.default_rng(7)
    light = np.repeat([48.0, 890.0], 120)[None, :] * np.ones((192, 1))
    mosaic = np.rint(rng.poisson(light) + rng.normal(0, 3.0, light.shape) + 100).astype(np.uint16)
    found = measure_noise(RawFrame(mosaic, Cfa.bayer("RGGB"), BlackLevel.uniform(100.0), 4095.0, (1.0, 1.0, 1.0)))
    assert found is not None
    assert found.gain == pytest.approx(1.0, rel=0.15)


def test_a_black_level_that_is_too_low_shows_in_the_noise_and_fine_texture_does_not() -> None:
    right = noisy(2.0, 3.0, Cfa.bayer("RGGB"))
    assert level_without_noise(right) is None
    low = level_without_noise(replace(right, black_level=BlackLevel.uniform(40.0)))
    assert low is not None
    assert 40 < low < 60
    rng = np.random.default_rng(1)
    light = np.linspace(100, 1000, 512)[None, :] * (1 + 0.2 * rng.normal(0, 1, (512, 512)))
    stars = replace(right, mosaic_dn=np.rint(light + 100).astype(np.uint16))
    assert level_without_noise(stars) is None
