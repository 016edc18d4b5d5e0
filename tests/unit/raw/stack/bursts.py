"""Bursts of a scene that is known at every place, so that a shift by a part of a photosite is exact."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from darkdiff_cli.capture import CaptureMetadata
from darkdiff_cli.cfa import Cfa
from darkdiff_cli.raw.black_level import BlackLevel
from darkdiff_cli.raw.frame import RawFrame
from darkdiff_cli.synthesis import Sensor, SensorNoise, expose, mosaic_of, write_dng
from darkdiff_cli.synthesis.unprocess import XTRANS

FILTERS = {"bayer": Cfa.bayer("RGGB"), "xtrans": XTRANS}
SHAKE = ((0.0, 0.0), (2.4, -1.3), (-2.7, 0.55), (1.85, 3.0))
"""Shifts of four frames in photosites."""
DISC = 14.0  # radius of what moves
NOISE = SensorNoise(gain=1.0, shape=0.14, read_scale=0.7, row_scale=0.0)


def scene(
    shift: Sequence[float] = (0.0, 0.0),
    disc: tuple[float, float] | None = None,
    shape: tuple[int, int] = (192, 240),
    seed: int = 0,
    waves: tuple[float, float] = (0.01, 0.12),
) -> NDArray[np.float32]:
    """(H, W, 3) light of the sensor's colours: waves of many directions, moved by a shift, and a bright disc.

    Args:
        shift: down and right in photosites.
        disc: where in the frame the middle of the disc lies; None for no disc.
        shape: rows and columns.
        seed: of the waves.
        waves: lowest and highest frequency, in waves a photosite.
    """
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float64)
    y, x = y - shift[0], x - shift[1]
    grey = np.zeros(shape)
    for _ in range(40):
        frequency, angle, phase = np.exp(rng.uniform(*np.log(waves))), *rng.uniform(0, 2 * np.pi, 2)
        across = frequency * (np.cos(angle) * x + np.sin(angle) * y)
        grey += 0.06 * np.sin(2 * np.pi * across + phase) * (waves[0] / frequency) ** 0.5
    light = np.clip(0.25 + grey, 0.02, 0.9)[..., None] * np.array([0.5, 1.0, 0.6])
    if disc is not None:
        near = np.clip(DISC + 0.5 - np.hypot(y + shift[0] - disc[0], x + shift[1] - disc[1]), 0, 1)[..., None]
        light = (1 - near) * light + near * np.array([0.7, 0.3, 0.1])
    return light.astype(np.float32)


def exposed(light: NDArray[np.float32], sensor: Sensor, ratio: float, seed: int) -> NDArray[np.uint16]:
    """The mosaic in DN that a sensor makes of 1 / ratio of this light."""
    clean = mosaic_of(light, sensor.cfa, sensor.black, sensor.white)
    return expose(clean, ratio, NOISE, sensor.black, sensor.white, np.random.default_rng(seed))


def frame_of(mosaic_dn: NDArray[np.generic], sensor: Sensor, capture: CaptureMetadata | None = None) -> RawFrame:
    black = BlackLevel.uniform(sensor.black)
    shot = capture or CaptureMetadata()
    return RawFrame(mosaic_dn, sensor.cfa, black, sensor.white, sensor.white_balance, metadata=shot)


def write_burst(
    folder: Path, lights: Sequence[NDArray[np.float32]], sensor: Sensor, capture: CaptureMetadata, ratio: float = 16.0
) -> list[Path]:
    """A raw file for each frame, each with noise of its own, all for 1 s."""
    paths = [folder / f"IMG{number}.dng" for number in range(len(lights))]
    for number, (path, light) in enumerate(zip(paths, lights, strict=True)):
        write_dng(path, exposed(light, sensor, ratio, number), sensor, replace(capture, exposure_time=1.0))
    return paths
