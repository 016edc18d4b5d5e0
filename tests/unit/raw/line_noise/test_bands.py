"""Slow row noise comes off where the scene leaves it certain, and nothing else does."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter1d, uniform_filter1d

from darkdiff_cli.cfa import Cfa
from darkdiff_cli.raw.line_noise.bands import band_noise

HEIGHT, WIDTH = 640, 1024
PIXEL, ROW = 2.0, 1.0  # deviations in DN


def mosaic_of(light: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """(H, W) light in DN with noise and offsets of rows; and the offsets."""
    offsets = rng.normal(0, ROW, HEIGHT)
    return light + rng.normal(0, PIXEL, light.shape) + offsets[:, None], offsets


def coloured(light: np.ndarray) -> np.ndarray:
    """The mosaic of a scene of one colour: half as much red as green, and a third as much blue."""
    mosaic = light.copy()
    mosaic[0::2, 0::2] *= 0.5
    mosaic[1::2, 1::2] *= 0.33
    return mosaic


def left(light: np.ndarray) -> float:
    """What is left of the slow offsets, as a share; of four frames."""
    squares = []
    for seed in range(4):
        mosaic, offsets = mosaic_of(light, np.random.default_rng(seed))
        found = band_noise(mosaic, Cfa.bayer("RGGB"), ROW**2, PIXEL**2)
        squares.append([np.var(slow(offsets - found)), np.var(slow(offsets))])
    wrong, all_of_it = np.mean(squares, axis=0)
    return float(np.sqrt(wrong / all_of_it))


def slow(rows: np.ndarray) -> np.ndarray:
    return uniform_filter1d(rows - rows.mean(), 64)[32:-32]


@pytest.mark.parametrize("level", [0.0, 1.0, 3.0])
def test_slow_offsets_of_an_even_frame_are_found(level: float) -> None:
    assert left(coloured(np.full((HEIGHT, WIDTH), level))) < 0.6


def test_colour_tells_a_change_in_brightness_from_an_offset() -> None:
    """Light that rises and falls in the whole width at once, as towards a horizon, has the scene's colour."""
    fall = 4 + gaussian_filter1d(np.random.default_rng(9).normal(0, 8, HEIGHT), 12).clip(-4)[:, None]
    light = fall * np.ones((1, WIDTH))
    assert left(coloured(light)) < 0.8
    assert left(light) == pytest.approx(1, abs=0.05)  # grey in DN, nothing tells them apart: the offsets stay


def test_a_colour_that_changes_with_height_is_hardly_taken_for_offsets() -> None:
    light = coloured(np.full((HEIGHT, WIDTH), 60.0))
    light[0::2, 0::2] += np.linspace(0, 60, HEIGHT // 2)[:, None]  # from blue to red, as the sky at dusk
    rng = np.random.default_rng(3)
    mosaic = light + rng.normal(0, PIXEL, light.shape)
    assert np.ptp(band_noise(mosaic, Cfa.bayer("RGGB"), ROW**2, PIXEL**2)) < 0.5


def test_a_horizon_is_no_offset() -> None:
    light = np.full((HEIGHT, WIDTH), 60.0)
    light[300:] = 6.0
    rng = np.random.default_rng(4)
    mosaic, offsets = mosaic_of(light, rng)  # grey in DN: only its size tells it from an offset
    wrong = slow(offsets - band_noise(mosaic, Cfa.bayer("RGGB"), ROW**2, PIXEL**2))
    assert np.abs(wrong).max() < 1.5 * np.abs(slow(offsets)).max()


def test_the_colours_may_stand_in_any_order() -> None:
    mosaic, _ = mosaic_of(coloured(np.full((HEIGHT, WIDTH), 20.0)), np.random.default_rng(5))
    found = band_noise(mosaic, Cfa.bayer("RGGB"), ROW**2, PIXEL**2)
    turned = band_noise(mosaic[:, ::-1], Cfa.bayer("GRBG"), ROW**2, PIXEL**2)
    np.testing.assert_allclose(turned, found, atol=1e-6)


@pytest.mark.parametrize("shape", [(100, 768), (640, 250)])
def test_a_small_frame_tells_nothing(shape: tuple[int, int]) -> None:
    mosaic = np.random.default_rng(6).normal(0, 3, shape)
    assert not band_noise(mosaic, Cfa.bayer("RGGB"), ROW**2, PIXEL**2).any()
