"""Raws that have every colour at every pixel: linear DNG, lossy ones too, and sensors without a filter."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rawpy

from darkdiff_cli.cfa import Cfa
from darkdiff_cli.errors import InputError
from darkdiff_cli.raw import ExposureSettings, RawFrame, develop, read_exposure, read_raw, render_reference
from darkdiff_cli.raw.black_level import BlackLevel
from darkdiff_cli.raw.rendering import render_linear
from darkdiff_cli.synthesis import Sensor, write_dng
from tests.conftest import psnr


@pytest.fixture
def linear_dn() -> np.ndarray:
    """(30, 41, 3) in DN, from below black to white."""
    dn = np.random.default_rng(0).integers(400, 16383, (30, 41, 3)).astype(np.uint16)
    dn[0, 0] = 16383
    return dn


def test_a_linear_dng_keeps_its_own_size_and_values(linear_dn, sensor: Sensor, capture, tmp_path: Path) -> None:
    write_dng(tmp_path / "linear.dng", linear_dn, sensor, capture)
    frame = read_raw(tmp_path / "linear.dng")
    assert frame.cfa is None
    assert frame.mosaic_dn.tolist() == linear_dn.tolist()
    assert frame.black_level.mean == 512
    assert frame.white_balance == pytest.approx(sensor.white_balance, abs=1e-4)
    light = (linear_dn.astype(np.float32) - 512) / (16383 - 512) * np.array(sensor.white_balance, np.float32)
    pixels = develop(frame, 1.0, "camera").pixels
    assert pixels == pytest.approx(np.minimum(light, 1), abs=1e-3)
    assert pixels.min() < 0


def test_a_linear_dng_renders_as_libraw_renders_it(photograph, sensor: Sensor, capture, tmp_path: Path) -> None:
    from darkdiff_cli.synthesis import sensor_light

    light = sensor_light(photograph, sensor)
    write_dng(tmp_path / "linear.dng", np.rint(light * 15871 + 512).astype(np.uint16), sensor, capture)
    frame = read_raw(tmp_path / "linear.dng")
    assert psnr(render_linear(develop(frame)), render_reference(frame)) > 55


def test_the_three_samples_have_their_own_black_levels() -> None:
    levels = BlackLevel((100.0, 200.0, 300.0))
    dn = np.full((4, 4, 3), 400.0) + np.array([0.0, 100.0, 200.0])
    frame = RawFrame(dn, None, levels, 1200.0, (1.0, 1.0, 1.0))
    assert develop(frame).pixels == pytest.approx(300 / (1200 - 200))


def test_a_monochrome_sensor_is_grey_in_its_own_size(linear_dn, sensor: Sensor, capture, tmp_path: Path) -> None:
    camera = replace(sensor, cfa=Cfa.monochrome())
    write_dng(tmp_path / "mono.dng", linear_dn[..., 0], camera, capture)
    exposure = read_exposure(tmp_path / "mono.dng", ExposureSettings(hot_pixels="off"))
    frame = exposure.frame
    assert frame.cfa is not None
    assert frame.cfa.name == "monochrome"
    assert (frame.white_balance, frame.srgb_from_camera) == ((1.0, 1.0, 1.0), None)
    light = (linear_dn[..., :1].astype(np.float32) - 512) / (16383 - 512)
    assert develop(frame).pixels == pytest.approx(np.repeat(light, 3, axis=2), abs=1e-5)
    assert render_reference(frame).shape == (30, 41, 3)


@pytest.mark.parametrize("name", ["reference_small_ok.dng", "mono.dng", "quad4x4.dng"])
def test_field_raws_of_every_filter_have_the_same_light(shared: Path, name: str) -> None:
    """mono and quad4x4 show the same wall as the Bayer twins: black 512, little light, ratio about 100."""
    path = shared / "raws" / "field" / name
    assert read_raw(path).black_level.mean == pytest.approx(512, abs=0.5)
    exposure = read_exposure(path, ExposureSettings())
    assert 60 < exposure.ratio < 300
    grey = develop(exposure.frame, exposure.ratio).pixels.mean(axis=(0, 1))
    assert grey.min() > 0.03
    assert grey.max() < 0.6


def test_a_lossy_dng_is_the_light_that_libraw_decodes(shared: Path) -> None:
    """Of a black level of 0 LibRaw makes no mistake."""
    path = shared / "raws" / "ok" / "photoprism_canon_eos_6d.dng"
    frame = read_raw(path)
    with rawpy.imread(str(path)) as raw:
        decoded = raw.raw_image[..., :3].astype(np.float32)
    assert np.abs(frame.mosaic_dn - decoded).max() < 1.01  # LibRaw cuts to whole numbers
    assert (frame.cfa, frame.white_level, frame.black_level.mean) == (None, 65535, 0)


def test_black_of_a_lossy_dng_is_subtracted_before_its_polynomial(shared: Path) -> None:
    """A frame that is all black, of black level 51 of 255: what the JPEG holds below 51 is below black."""
    frame = read_raw(shared / "raws" / "ok" / "magicknet_DSC8695.dng")
    assert (frame.white_level, frame.black_level.mean) == (65535, 0)
    at_zero = 0.00011649124455721573 * (0 - 51) / (255 - 51) * 65535
    assert frame.mosaic_dn.min() == pytest.approx(at_zero, rel=0.02)
    assert abs(float(frame.mosaic_dn.mean())) < 2.0


def test_a_processed_raw_of_kodak_is_a_picture(shared: Path) -> None:
    path = shared / "raws" / "ok" / "kodak_c330_yrgb.raw"
    frame = read_raw(path)
    with rawpy.imread(str(path)) as raw:
        plain = raw.postprocess(
            user_wb=[1, 1, 1, 1], no_auto_bright=True, output_bps=16, gamma=(2.4, 12.92), adjust_maximum_thr=0
        )
    assert frame.cfa is None
    assert psnr(render_linear(develop(frame)), plain / 65535) > 55


def test_other_filters_are_refused_by_name(sensor: Sensor, capture, tmp_path: Path, linear_dn) -> None:
    for name, codes in (("CYGM", (3, 5, 1, 4)), ("RGBW", (0, 1, 2, 6)), ("CMY", (3, 4, 4, 5))):
        path = tmp_path / f"{name}.dng"
        write_dng(path, linear_dn[..., 0], sensor, capture)
        content = path.read_bytes()
        assert content.count(bytes((0, 1, 1, 2))) == 1
        path.write_bytes(content.replace(bytes((0, 1, 1, 2)), bytes(codes)))
        with pytest.raises(InputError, match=name):
            read_raw(path)
