"""Middle grey back to the sensor, and from there into a file, by its values."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from darkdiff_cli.capture import CaptureMetadata
from darkdiff_cli.raw import read_raw
from darkdiff_cli.raw.black_level import BlackLevel
from darkdiff_cli.synthesis import Sensor, unprocess, write_dng

GREY = np.full((1, 1, 3), 0.46136, np.float32)  # 0.18 in linear light
BALANCE = (2.1, 1.0, 1.8)


def light(mosaic: np.ndarray, sensor: Sensor) -> list[float]:
    """Shares of white of the four sites."""
    return ((mosaic[:2, :2].ravel() - sensor.black) / (sensor.white - sensor.black)).tolist()


def test_grey_is_divided_by_the_white_balance(sensor: Sensor) -> None:
    assert light(unprocess(GREY, sensor), sensor) == pytest.approx([0.18 / 2.1, 0.18, 0.18, 0.1], rel=1e-4)


def test_each_channel_saturates_by_itself(sensor: Sensor) -> None:
    assert light(unprocess(GREY, sensor, 10.0), sensor) == pytest.approx([1.8 / 2.1, 1.0, 1.0, 1.0], rel=1e-4)


def test_a_file_says_what_its_sensor_and_capture_say(sensor: Sensor, capture: CaptureMetadata, tmp_path: Path) -> None:
    other = replace(sensor, black=600.0, white=15520.0, white_balance=BALANCE)
    mosaic = np.rint(np.linspace(600, 15520, 32 * 48)).astype(np.uint16).reshape(32, 48)
    write_dng(tmp_path / "a.dng", mosaic, other, replace(capture, iso=6400, aperture=2.8))
    frame = read_raw(tmp_path / "a.dng")
    assert np.array_equal(frame.mosaic_dn, mosaic)
    assert (frame.black_level, frame.white_level) == (BlackLevel.uniform(600.0), 15520.0)
    assert frame.white_balance == pytest.approx(BALANCE, abs=1e-4)
    assert (frame.metadata.iso, frame.metadata.aperture) == (6400, pytest.approx(2.8))
    assert frame.metadata.focal_length == pytest.approx(55.0)
