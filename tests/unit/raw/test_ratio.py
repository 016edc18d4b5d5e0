import dataclasses
from pathlib import Path

import numpy as np
import pytest

from darkdiff_cli.cfa import Cfa
from darkdiff_cli.colour import srgb_from_camera
from darkdiff_cli.raw import RawFrame, estimate_ratio, read_raw
from darkdiff_cli.synthesis import Sensor, SensorNoise, expose, unprocess

NOISE = SensorNoise(gain=1.0, shape=0.1, read_scale=1.0, row_scale=0.3)


@pytest.fixture
def scene() -> np.ndarray:
    """A well-exposed scene, (160, 240, 3) sRGB."""
    y, x = np.mgrid[0:160, 0:240]
    grey = 0.43 + 0.15 * np.sin(x / 11) * np.cos(y / 17)
    return np.repeat(grey[..., None], 3, axis=2).astype(np.float32)


def darken(scene: np.ndarray, ratio: float, sensor: Sensor, seed: int = 0) -> RawFrame:
    rng = np.random.default_rng(seed)
    mosaic = expose(unprocess(scene, sensor), ratio, NOISE, sensor.black, sensor.white, rng)
    matrix = srgb_from_camera(sensor.camera_from_xyz)
    return RawFrame(mosaic, Cfa.bayer("RGGB"), (sensor.black,) * 4, sensor.white, sensor.white_balance, matrix)


@pytest.mark.parametrize("ratio", [4.0, 30.0, 100.0, 250.0])
def test_missing_light_is_found(scene: np.ndarray, sensor: Sensor, ratio: float) -> None:
    assert estimate_ratio(darken(scene, ratio, sensor)) == pytest.approx(ratio, rel=0.25)


def test_bright_frame_is_left_alone(scene: np.ndarray, sensor: Sensor) -> None:
    assert estimate_ratio(darken(np.clip(scene * 1.8, 0, 1), 1.0, sensor)) == 1.0


def test_street_lamps_do_not_count(scene: np.ndarray, sensor: Sensor) -> None:
    plain = estimate_ratio(darken(scene, 100.0, sensor))
    frame = darken(scene, 100.0, sensor)
    mosaic = frame.mosaic_dn.copy()
    mosaic[20:40, 30:60] = mosaic[100:120, 300:330] = 16383
    assert estimate_ratio(dataclasses.replace(frame, mosaic_dn=mosaic)) == pytest.approx(plain, rel=0.1)


def test_wrong_black_level_bends_but_does_not_break(scene: np.ndarray, sensor: Sensor) -> None:
    frame = darken(scene, 100.0, sensor)
    shifted = dataclasses.replace(frame, black_level=(513.0,) * 4)
    assert estimate_ratio(shifted) == pytest.approx(estimate_ratio(frame), rel=0.35)


def test_black_frame_asks_for_no_more_than_the_limit(sensor: Sensor) -> None:
    assert estimate_ratio(darken(np.zeros((64, 64, 3), np.float32), 300.0, sensor)) == 300.0


def test_development_scenes_within_two_stops(shared: Path) -> None:
    for path in sorted((shared / "scenes_dev").glob("*_x100.dng")):
        assert 25 <= estimate_ratio(read_raw(path)) <= 300, path.name
