"""The noise of rows and columns comes off, the scene stays."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from darkdiff_cli.cfa import Cfa
from darkdiff_cli.raw import ExposureSettings, RawFrame, read_exposure
from darkdiff_cli.raw.black_level import BlackLevel
from darkdiff_cli.raw.line_noise.lines import line_noise, without_line_noise
from darkdiff_cli.synthesis import Sensor, write_dng
from tests.unit.raw.test_xtrans import QUAD, XTRANS

BLACK = (512.0, 512.0, 512.0, 512.0)
HEIGHT, WIDTH = 400, 640
BAYER = Cfa.bayer("RGGB")
FILTERS = [BAYER, Cfa.bayer("GRBG"), QUAD, XTRANS]


def scene(rng: np.random.Generator, cfa: Cfa = BAYER) -> np.ndarray:
    """Patches of all sizes, a horizon across the whole width, and colour: DN of light."""
    light = np.full((HEIGHT, WIDTH), 20.0)
    light[250:] = 8.0
    for _ in range(150):
        top, left = rng.integers(HEIGHT), rng.integers(WIDTH)
        light[top : top + rng.integers(4, 80), left : left + rng.integers(4, 120)] = rng.uniform(2, 40)
    return light * cfa.spread(tuple((0.5, 1.0, 0.4)[site.colour] for site in cfa.sites), light.shape)


def exposure(rng: np.random.Generator, row_sigma: float, cfa: Cfa = BAYER) -> tuple[np.ndarray, np.ndarray]:
    """A mosaic in DN, and the mean error of each row."""
    light = scene(rng, cfa)
    shot = rng.poisson(light / 2.0) * 2.0 + rng.normal(0, 3.0, light.shape) + rng.normal(0, row_sigma, (HEIGHT, 1))
    return np.rint(shot + BLACK[0]).clip(0).astype(np.uint16), (shot - light).mean(axis=1)


def frame(mosaic: np.ndarray, cfa: Cfa = BAYER) -> RawFrame:
    return RawFrame(mosaic, cfa, BlackLevel.uniform(BLACK[0]), 16383.0, (1.0, 1.0, 1.0))


@pytest.mark.parametrize("cfa", FILTERS)
@pytest.mark.parametrize("row_sigma", [0.7, 1.5])
def test_most_of_the_row_noise_is_found(cfa: Cfa, row_sigma: float) -> None:
    mosaic, error = exposure(np.random.default_rng(1), row_sigma, cfa)
    offsets = line_noise(mosaic - np.float32(512), cfa)
    assert np.std(error - offsets) < 0.55 * np.std(error)
    assert offsets.mean() == pytest.approx(0, abs=1e-6)  # the picture's level is not ours to change


def test_offsets_follow_the_noise_dn_for_dn() -> None:
    mosaic, _ = exposure(np.random.default_rng(2), 1.5)
    light = mosaic.astype(np.float32) - 512
    shifted = light.copy()
    shifted[101] += 6
    change = line_noise(shifted, Cfa.bayer("RGGB")) - line_noise(light, Cfa.bayer("RGGB"))
    assert np.argmax(change) == 101
    assert change[101] == pytest.approx(6, abs=1.0)
    assert np.abs(np.delete(change, 101)).max() < 0.6


@pytest.mark.parametrize("cfa", FILTERS)
@pytest.mark.parametrize("seed", range(5))
def test_a_frame_without_line_noise_stays_as_it_is(seed: int, cfa: Cfa) -> None:
    mosaic, _ = exposure(np.random.default_rng(seed), 0.0, cfa)
    assert without_line_noise(frame(mosaic, cfa), ExposureSettings()).mosaic_dn is mosaic


def test_a_clean_picture_stays_as_it_is() -> None:
    light = scene(np.random.default_rng(4))
    mosaic = np.random.default_rng(5).poisson(light * 100).astype(np.uint16) + 512
    assert without_line_noise(frame(mosaic), ExposureSettings()).mosaic_dn is mosaic


def test_stripes_of_the_scene_stay() -> None:
    rng = np.random.default_rng(6)
    blinds = np.where(np.arange(HEIGHT)[:, None] // 6 % 2, 3000.0, 800.0) * np.ones((1, WIDTH))
    mosaic = (rng.poisson(blinds) + 512).astype(np.uint16)
    assert without_line_noise(frame(mosaic), ExposureSettings()).mosaic_dn is mosaic


def test_unequal_greens_and_blacks_are_no_row_noise() -> None:
    rng = np.random.default_rng(7)
    light = scene(rng)
    light[1::2, 0::2] *= 1.03
    dark = rng.poisson(light * 5) + np.where(np.arange(HEIGHT)[:, None] % 2, 516, 512)
    black = BlackLevel((512.0, 512.0, 516.0, 516.0), (2, 2))
    read = replace(frame(dark.astype(np.uint16)), black_level=black)
    left = without_line_noise(read, ExposureSettings())
    assert np.abs(left.light_dn() - read.light_dn()).max() < 0.5


def test_a_small_frame_tells_nothing() -> None:
    mosaic = np.random.default_rng(8).integers(500, 530, (80, 112)).astype(np.uint16)
    assert without_line_noise(frame(mosaic), ExposureSettings()).mosaic_dn is mosaic


@pytest.mark.parametrize("cfa", FILTERS)
def test_noise_of_less_than_a_whole_number_is_measured(cfa: Cfa) -> None:
    """Medians of rows are then the same number, row after row."""
    dark = np.rint(np.random.default_rng(0).normal(0, 0.4, (512, 512))).astype(np.float32)
    assert np.std(line_noise(dark, cfa)) < 0.03


def test_it_comes_off_unless_it_is_to_stay(tmp_path: Path, sensor: Sensor, capture) -> None:
    mosaic, _ = exposure(np.random.default_rng(9), 1.5)
    write_dng(tmp_path / "dark.dng", mosaic, sensor, capture)
    read = read_exposure(tmp_path / "dark.dng", ExposureSettings()).frame.mosaic_dn
    expected = without_line_noise(frame(mosaic), ExposureSettings()).mosaic_dn
    np.testing.assert_allclose(read, expected, atol=1e-3)
    left = read_exposure(tmp_path / "dark.dng", ExposureSettings(line_noise="off")).frame.mosaic_dn
    np.testing.assert_array_equal(left, mosaic)
    assert not np.array_equal(read, mosaic)


def turned(read: RawFrame) -> RawFrame:
    """The frame transposed: its columns are rows."""
    assert read.cfa is not None
    return replace(read, mosaic_dn=read.mosaic_dn.T, cfa=read.cfa.transposed)


@pytest.mark.parametrize("cfa", FILTERS)
def test_columns_are_measured_as_rows_are(cfa: Cfa) -> None:
    mosaic, _ = exposure(np.random.default_rng(10), 1.5, cfa)
    read = frame(mosaic, cfa)
    rows, columns = (without_line_noise(either, ExposureSettings()) for either in (read, turned(read)))
    np.testing.assert_allclose(columns.mosaic_dn.T, rows.mosaic_dn, atol=1e-3)
    assert not np.array_equal(rows.mosaic_dn, read.light_dn())


def test_rows_and_columns_come_off_one_frame() -> None:
    rng = np.random.default_rng(11)
    light, rows, columns = scene(rng), rng.normal(0, 1.2, HEIGHT), rng.normal(0, 1.2, WIDTH)
    shot = light + rng.normal(0, 3.0, light.shape)
    mosaic = np.rint(shot + rows[:, None] + columns + BLACK[0]).astype(np.uint16)
    error = without_line_noise(frame(mosaic), ExposureSettings()).light_dn() - shot
    assert error.mean(axis=0).std() < 0.55 * columns.std()
    assert error.mean(axis=1).std() < 0.55 * rows.std()


@pytest.mark.parametrize("seed", range(5))
def test_a_frame_without_column_noise_stays_as_it_is(seed: int) -> None:
    mosaic, _ = exposure(np.random.default_rng(seed), 0.0)
    assert without_line_noise(turned(frame(mosaic)), ExposureSettings()).mosaic_dn.base is mosaic


@pytest.mark.parametrize("cfa", [BAYER, XTRANS])
@pytest.mark.parametrize("period", [3, 6, 14, 40])
def test_fences_and_windows_stay(period: int, cfa: Cfa) -> None:
    """Columns of the scene over the whole height, in a frame bright enough to see them."""
    rng = np.random.default_rng(12)
    fence = np.where(np.arange(WIDTH) // period % 2, 300.0, 80.0) * np.ones((HEIGHT, 1))
    read = frame((rng.poisson(fence) + 512).astype(np.uint16), cfa)
    change = without_line_noise(read, ExposureSettings()).light_dn() - read.light_dn()
    assert np.abs(change).max() < (3 if cfa.is_bayer else 4)  # of 220; a column's mean is known to 0.9 at best


def test_a_faint_fence_in_the_noise_stays() -> None:
    rng = np.random.default_rng(13)
    fence = np.where(np.arange(WIDTH) // 7 % 2, 20.0, 8.0) * np.ones((HEIGHT, 1))
    fence[:, :] *= np.linspace(0.4, 1.2, HEIGHT)[:, None]
    shot = rng.poisson(fence / 2.0) * 2.0 + rng.normal(0, 3.0, fence.shape)
    left = without_line_noise(frame(np.rint(shot + 512).clip(0).astype(np.uint16)), ExposureSettings()).light_dn()
    assert left[:, 100:500].mean(axis=0).std() > 0.9 * shot[:, 100:500].mean(axis=0).std()


def test_the_stripes_of_a_real_column_noise_fall_below_the_noise(shared: Path) -> None:
    """Offsets of 1.5 DN: at x230 they were stripes of many levels of sRGB."""
    path = shared / "raws" / "field" / "col1.5.dng"
    before, after = (
        read_exposure(path, ExposureSettings(line_noise=how)).frame.light_dn()[300:, 80:360] for how in ("off", "auto")
    )
    stripes = [np.diff(plane[:, 0::2].mean(axis=0)).std() / np.sqrt(2) for plane in (before, after)]
    assert stripes[0] > 1.3
    assert stripes[1] < 0.45


@pytest.mark.parametrize("kind", ["monochrome", "demosaiced"])
def test_lines_of_raws_without_a_filter_are_found(kind: str) -> None:
    rng = np.random.default_rng(5)
    rows, columns = rng.normal(0, 1.5, (320, 1)), rng.normal(0, 1.5, (1, 320))
    shape = (320, 320) if kind == "monochrome" else (320, 320, 3)
    plain = 40 + rng.normal(0, 4, shape)
    lines = rows + columns
    noisy = (plain + (lines if kind == "monochrome" else lines[..., None])).astype(np.float32)
    cfa = Cfa(("G",)) if kind == "monochrome" else None
    raw = RawFrame(noisy, cfa, BlackLevel.uniform(0.0), 16383.0, (1.0, 1.0, 1.0))
    made = without_line_noise(raw, ExposureSettings()).light_dn()
    left = made.reshape(320, 320, -1).mean(axis=2) - plain.reshape(320, 320, -1).mean(axis=2)
    assert left.mean(axis=1).std() < 0.5
    assert left.mean(axis=0).std() < 0.5
