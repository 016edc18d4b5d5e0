"""LibRaw at the sensor's size."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from darkdiff_cli.colour import srgb_decode
from darkdiff_cli.errors import InputError
from darkdiff_cli.raw import RawFrame, read_raw, render_reference
from darkdiff_cli.raw.libraw_rendering import LEAST_XTRANS, render_amplified
from darkdiff_cli.synthesis import Sensor, mosaic_of, sensor_light, write_dng
from darkdiff_cli.synthesis.unprocess import XTRANS
from tests.conftest import psnr


def waves(height: int, width: int) -> np.ndarray:
    y, x = np.mgrid[0:height, 0:width] / 20
    return (0.5 + 0.3 * np.stack([np.sin(x), np.sin(y), np.cos(x + y)], axis=-1)).astype(np.float32)


def shot(path: Path, picture: np.ndarray, sensor: Sensor, capture, times_darker: float = 1.0) -> RawFrame:
    mosaic = mosaic_of(sensor_light(srgb_decode(picture), sensor), sensor.cfa, sensor.black, sensor.white)
    dark = sensor.black + (mosaic - sensor.black) / times_darker
    write_dng(path, np.rint(dark).astype(np.uint16), sensor, capture)
    return read_raw(path)


def test_the_reference_has_the_size_that_is_asked_for(sensor: Sensor, capture, tmp_path: Path) -> None:
    picture = waves(96, 128)
    frame = shot(tmp_path / "a.dng", picture, sensor, capture)
    assert render_reference(frame).shape == (48, 64, 3)
    full = render_reference(frame, size="full")
    assert full.shape == (96, 128, 3)
    assert psnr(full, picture) > 40


@pytest.mark.parametrize("side", [LEAST_XTRANS - 2, LEAST_XTRANS])
def test_xtrans_is_demosaiced_from_the_size_on_that_libraw_takes(side, sensor: Sensor, capture, tmp_path: Path) -> None:
    picture = waves(side, side)
    frame = shot(tmp_path / "xt.dng", picture, replace(sensor, cfa=XTRANS), capture)
    for render in (lambda: render_reference(frame, size="full"), lambda: render_amplified(frame, 1.0)):
        if side < LEAST_XTRANS:
            with pytest.raises(InputError, match="is X-Trans of fewer than 512 pixels"):
                render()
        else:
            assert psnr(render(), picture) > 35


@pytest.mark.parametrize("ratio", [1.0, 8.0])
def test_a_dark_raw_is_amplified_to_the_picture(ratio: float, sensor: Sensor, capture, tmp_path: Path) -> None:
    picture = waves(96, 128)
    assert psnr(render_amplified(shot(tmp_path / "a.dng", picture, sensor, capture, ratio), ratio), picture) > 40


def test_the_frame_says_the_balance_the_levels_and_the_corrections(sensor: Sensor, capture, tmp_path: Path) -> None:
    frame = shot(tmp_path / "a.dng", waves(96, 128), sensor, capture, 4.0)
    picture = render_amplified(frame, 4.0)
    assert np.array_equal(render_amplified(frame.above_black(), 4.0), picture)
    level = 600.0 + 0 * frame.mosaic_dn
    assert np.ptp(render_amplified(replace(frame, mosaic_dn=level), 4.0)[8:-8, 8:-8].reshape(-1, 3), axis=0).max() == 0
    bluer = render_amplified(replace(frame, white_balance=(2.1, 1.0, 3.6)), 4.0)
    assert bluer[..., 2].mean() > picture[..., 2].mean() + 0.05
    assert render_amplified(frame, 1e6)[40:50, 40:50].min() > 0.99


def test_what_has_no_mosaic_of_the_whole_sensor_is_refused(sensor: Sensor, capture, tmp_path: Path) -> None:
    frame = shot(tmp_path / "a.dng", waves(96, 128), sensor, capture)
    with pytest.raises(InputError, match="is cropped"):
        render_amplified(frame.crop(0, 0, 20, 20), 1.0)
    with pytest.raises(InputError, match="is demosaiced already"):
        render_amplified(replace(frame, cfa=None, mosaic_dn=np.zeros((96, 128, 3))), 1.0)
    with pytest.raises(ValueError, match="needs a frame that was read from a file"):
        render_amplified(replace(frame, path=None), 1.0)
