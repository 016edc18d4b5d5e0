"""Synthesise dark raw files from clean photographs."""

from darkdiff_cli.synthesis.dng import write_dng
from darkdiff_cli.synthesis.lens import Lens, random_lens
from darkdiff_cli.synthesis.noise import Calibration, SensorNoise, expose, load_calibrations, sample_noise
from darkdiff_cli.synthesis.unprocess import (
    Sensor,
    mosaic_of,
    random_sensor,
    sensor_light,
    unprocess,
    with_random_filter,
)

__all__ = [
    "Calibration",
    "Lens",
    "Sensor",
    "SensorNoise",
    "expose",
    "load_calibrations",
    "mosaic_of",
    "random_lens",
    "random_sensor",
    "sample_noise",
    "sensor_light",
    "unprocess",
    "with_random_filter",
    "write_dng",
]
