"""Synthesise dark raw files from clean photographs."""

from darkdiff_cli.synthesis.dng import write_dng
from darkdiff_cli.synthesis.noise import Calibration, SensorNoise, expose, load_calibrations, sample_noise
from darkdiff_cli.synthesis.unprocess import Sensor, random_sensor, unprocess

__all__ = [
    "Calibration",
    "Sensor",
    "SensorNoise",
    "expose",
    "load_calibrations",
    "random_sensor",
    "sample_noise",
    "unprocess",
    "write_dng",
]
