"""Row noise comes off, the scene stays."""

from pathlib import Path

import numpy as np
import pytest

from darkdiff_cli.cfa import Cfa
from darkdiff_cli.raw import ExposureSettings, RawFrame, read_exposure
from darkdiff_cli.raw.row_noise.rows import row_noise, without_row_noise
from darkdiff_cli.synthesis import Sensor, write_dng

BLACK = (512.0, 512.0, 512.0, 512.0)
HEIGHT, WIDTH = 400, 640


def scene(rng: np.random.Generator) -> np.ndarray:
    """Patches of all sizes, a horizon across the whole width, and colour: DN of light."""
    light = np.full((HEIGHT, WIDTH), 20.0)
    light[250:] = 8.0
    for _ in range(150):
        top, left = rng.integers(HEIGHT), rng.integers(WIDTH)
        light[top : top + rng.integers(4, 80), left : left + rng.integers(4, 120)] = rng.uniform(2, 40)
    light[0::2, 0::2] *= 0.5
    light[1::2, 1::2] *= 0.4
    return light


def exposure(rng: np.random.Generator, row_sigma: float) -> tuple[np.ndarray, np.ndarray]:
    """A mosaic in DN, and the mean error of each row."""
    light = scene(rng)
    shot = rng.poisson(light / 2.0) * 2.0 + rng.normal(0, 3.0, light.shape) + rng.normal(0, row_sigma, (HEIGHT, 1))
    return np.rint(shot + BLACK[0]).clip(0).astype(np.uint16), (shot - light).mean(axis=1)


def frame(mosaic: np.ndarray) -> RawFrame:
    return RawFrame(mosaic, Cfa.bayer("RGGB"), BLACK, 16383.0, (1.0, 1.0, 1.0))


@pytest.mark.parametrize("cfa", ["RGGB", "GRBG"])
@pytest.mark.parametrize("row_sigma", [0.7, 1.5])
def test_most_of_the_row_noise_is_found(cfa: str, row_sigma: float) -> None:
    rng = np.random.default_rng(1)
    mosaic, error = exposure(rng, row_sigma)
    if cfa == "GRBG":
        mosaic = np.roll(mosaic, 1, axis=1)
    offsets = row_noise(mosaic, Cfa.bayer(cfa), BLACK)
    assert np.std(error - offsets) < 0.55 * np.std(error)
    assert offsets.mean() == pytest.approx(0, abs=1e-6)  # the picture's level is not ours to change


def test_offsets_follow_the_noise_dn_for_dn() -> None:
    mosaic, _ = exposure(np.random.default_rng(2), 1.5)
    shifted = mosaic.copy()
    shifted[101] += 6
    change = row_noise(shifted, Cfa.bayer("RGGB"), BLACK) - row_noise(mosaic, Cfa.bayer("RGGB"), BLACK)
    assert np.argmax(change) == 101
    assert change[101] == pytest.approx(6, abs=1.0)
    assert np.abs(np.delete(change, 101)).max() < 0.6


@pytest.mark.parametrize("seed", range(5))
def test_a_frame_without_row_noise_stays_as_it_is(seed: int) -> None:
    mosaic, _ = exposure(np.random.default_rng(seed), 0.0)
    assert without_row_noise(frame(mosaic), ExposureSettings()).mosaic_dn is mosaic


def test_a_clean_picture_stays_as_it_is() -> None:
    light = scene(np.random.default_rng(4))
    mosaic = np.random.default_rng(5).poisson(light * 100).astype(np.uint16) + 512
    assert without_row_noise(frame(mosaic), ExposureSettings()).mosaic_dn is mosaic


def test_stripes_of_the_scene_stay() -> None:
    rng = np.random.default_rng(6)
    blinds = np.where(np.arange(HEIGHT)[:, None] // 6 % 2, 3000.0, 800.0) * np.ones((1, WIDTH))
    mosaic = (rng.poisson(blinds) + 512).astype(np.uint16)
    assert without_row_noise(frame(mosaic), ExposureSettings()).mosaic_dn is mosaic


def test_unequal_greens_and_blacks_are_no_row_noise() -> None:
    rng = np.random.default_rng(7)
    light = scene(rng)
    light[1::2, 0::2] *= 1.03
    black = (512.0, 512.0, 516.0, 516.0)
    dark = rng.poisson(light * 5) + np.where(np.arange(HEIGHT)[:, None] % 2, 516, 512)
    assert np.abs(row_noise(dark.astype(np.uint16), Cfa.bayer("RGGB"), black)).max() < 0.5


def test_a_small_frame_tells_nothing() -> None:
    mosaic = np.random.default_rng(8).integers(500, 530, (80, 112)).astype(np.uint16)
    assert without_row_noise(frame(mosaic), ExposureSettings()).mosaic_dn is mosaic


def test_it_comes_off_unless_it_is_to_stay(tmp_path: Path, sensor: Sensor, capture) -> None:
    mosaic, _ = exposure(np.random.default_rng(9), 1.5)
    write_dng(tmp_path / "dark.dng", mosaic, sensor, capture)
    read = read_exposure(tmp_path / "dark.dng", ExposureSettings()).frame.mosaic_dn
    np.testing.assert_allclose(read, without_row_noise(frame(mosaic), ExposureSettings()).mosaic_dn, atol=1e-3)
    left = read_exposure(tmp_path / "dark.dng", ExposureSettings(row_noise="off")).frame.mosaic_dn
    np.testing.assert_array_equal(left, mosaic)
    assert not np.array_equal(read, mosaic)
