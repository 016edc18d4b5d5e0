import dataclasses
from pathlib import Path

import numpy as np
import pytest

from darkdiff_cli.cfa import Cfa
from darkdiff_cli.colour import srgb_from_camera
from darkdiff_cli.raw import RawFrame, develop, read_raw, render_reference
from darkdiff_cli.raw.black_level import BlackLevel
from darkdiff_cli.raw.rendering import render_linear
from darkdiff_cli.synthesis import Sensor, unprocess, write_dng
from tests.conftest import psnr

BLACK = (100.0, 100.0, 100.0, 100.0)


def frame(mosaic: np.ndarray, **changes: object) -> RawFrame:
    plain = RawFrame(mosaic, Cfa.bayer("RGGB"), BlackLevel(BLACK, (2, 2)), 1100.0, (1.0, 1.0, 1.0))
    return dataclasses.replace(plain, **changes)


def test_quad_becomes_red_mean_green_blue() -> None:
    pixels = develop(frame(np.array([[200, 300], [500, 600]]))).pixels
    assert pixels.shape == (1, 1, 3)
    assert pixels[0, 0] == pytest.approx([0.1, 0.3, 0.5])


def test_values_below_black_stay_negative() -> None:
    pixels = develop(frame(np.full((2, 2), 90)), ratio=10).pixels
    assert pixels[0, 0] == pytest.approx([-0.1, -0.1, -0.1])


def test_noise_keeps_zero_mean_in_the_dark() -> None:
    rng = np.random.default_rng(0)
    dark = rng.normal(100, 5, (400, 400))
    assert abs(develop(frame(dark), ratio=100).pixels.mean()) < 0.005


def test_blown_lamp_is_white_after_white_balance() -> None:
    pixels = develop(frame(np.full((2, 2), 1100), white_balance=(2.0, 1.0, 1.5))).pixels
    assert pixels[0, 0].tolist() == [1.0, 1.0, 1.0]


def test_each_site_has_its_own_black_level() -> None:
    mosaic = np.array([[101, 102], [103, 104]])
    pixels = develop(frame(mosaic, black_level=BlackLevel((101.0, 102.0, 103.0, 104.0), (2, 2)))).pixels
    assert np.abs(pixels).max() == 0.0


def test_odd_last_row_and_column_are_dropped() -> None:
    mosaic = np.arange(35).reshape(5, 7) + 100
    assert np.array_equal(develop(frame(mosaic)).pixels, develop(frame(mosaic[:4, :6])).pixels)


@pytest.mark.parametrize("ratio", [0.0, -1.0, 1e9, float("nan")])
def test_senseless_ratio_is_refused(ratio: float) -> None:
    with pytest.raises(ValueError, match="ratio"):
        develop(frame(np.full((2, 2), 100)), ratio)


@pytest.mark.parametrize("cfa", ["RGGB", "BGGR", "GBRG", "GRBG"])
def test_every_cfa_order_gives_the_photograph_back(cfa: str, photograph: np.ndarray, sensor: Sensor) -> None:
    turned = dataclasses.replace(sensor, cfa=Cfa.bayer(cfa))
    mosaic = unprocess(photograph, turned)
    matrix = srgb_from_camera(sensor.camera_from_xyz)
    raw = RawFrame(mosaic, Cfa.bayer(cfa), BlackLevel.uniform(sensor.black), sensor.white, sensor.white_balance, matrix)
    assert psnr(render_linear(develop(raw)), photograph) > 60


@pytest.mark.parametrize("cfa", ["RGGB", "BGGR", "GBRG", "GRBG"])
def test_written_dng_renders_as_libraw_renders_it(
    cfa: str, photograph: np.ndarray, sensor: Sensor, capture, tmp_path: Path
) -> None:
    turned = dataclasses.replace(sensor, cfa=Cfa.bayer(cfa))
    write_dng(tmp_path / "clean.dng", np.rint(unprocess(photograph, turned)).astype(np.uint16), turned, capture)
    raw = read_raw(tmp_path / "clean.dng")
    assert str(raw.cfa) == cfa
    assert psnr(render_linear(develop(raw)), render_reference(raw)) > 55


@pytest.mark.parametrize("name", ["kodim03", "kodim05", "kodim12", "kodim20", "kodim22", "mcm03", "mcm12"])
def test_clean_scene_renders_as_libraw_renders_it(shared: Path, name: str) -> None:
    raw = read_raw(shared / "scenes_dev" / f"{name}_clean.dng")
    assert psnr(render_linear(develop(raw)), render_reference(raw)) > 55


def test_real_nikon_renders_as_libraw_renders_it(shared: Path) -> None:
    raw = read_raw(shared / "raws" / "ok" / "nikon_d750_DSC_1339_768x512.dng")
    assert psnr(render_linear(develop(raw)), render_reference(raw)) > 55


@pytest.mark.parametrize("cfa", ["RGGB", "BGGR", "GBRG", "GRBG"])
def test_real_sensor_dump_in_every_cfa_order(shared: Path, cfa: str, tmp_path: Path, capture) -> None:
    dump = shared / "raws" / "sensor_dumps" / f"DSC_1339_768x512_{cfa.lower()}.raw"
    mosaic = np.fromfile(dump, dtype=np.uint16).reshape(512, 768)
    nikon = np.array([9020, -2890, -715, -4535, 12436, 2348, -934, 1919, 7086]).reshape(3, 3) / 10_000
    write_dng(
        tmp_path / "d750.dng", mosaic, Sensor(nikon, (1.949, 1.0, 1.344), 600.0, 15520.0, Cfa.bayer(cfa)), capture
    )
    raw = read_raw(tmp_path / "d750.dng")
    assert psnr(render_linear(develop(raw)), render_reference(raw)) > 55
