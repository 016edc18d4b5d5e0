"""A night scene made by code, with its clean twin and its truth: what `bench` runs on when no data is given."""

from pathlib import Path

import imageio.v3 as iio
import numpy as np
from numpy.typing import NDArray

from darkdiff_cli.capture import CaptureMetadata
from darkdiff_cli.colour import srgb_decode
from darkdiff_cli.synthesis import Lens, Sensor, SensorNoise, expose, mosaic_of, sensor_light, write_dng
from darkdiff_cli.synthesis.unprocess import CAMERA_MATRICES

SIZE = (576, 832)
RATIOS = (100, 300)
SENSOR = Sensor(np.array(CAMERA_MATRICES["Sony ILCE-7SM2"]).reshape(3, 3) / 10_000.0, (2.0, 1.0, 1.9))
LENS = Lens(blur=0.45)
NOISE = SensorNoise(gain=1.0, shape=0.1, read_scale=1.2, row_scale=0.4)
CAPTURE = CaptureMetadata(make="darkdiff", model="sample", exposure_time=10.0, iso=1600)


def night_scene(seed: int = 0) -> NDArray[np.float32]:
    """(576, 832, 3) sRGB: a sky, houses with lit windows, a river that mirrors them, lamps, fine railings."""
    rng = np.random.default_rng(seed)
    height, width = SIZE
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    fall = y / height
    picture = np.stack([0.10 + 0.16 * fall, 0.12 + 0.12 * fall, 0.26 - 0.06 * fall], axis=-1)
    left, shore = 0, 380
    while left < width:
        wide, top = int(rng.integers(72, 140)), int(rng.integers(80, 240))
        wall = rng.uniform(0.15, 0.42, 3) * (1.0, 0.9, 0.8)
        picture[top:shore, left : left + wide] = wall * (0.9 + 0.2 * rng.uniform(size=(1, 1, 3)))
        for row in range(top + 16, shore - 20, 28):
            for column in range(left + 10, min(left + wide, width) - 14, 22):
                if rng.uniform() < 0.55:
                    picture[row : row + 16, column : column + 12] = rng.uniform(0.6, 0.98) * np.array((1.0, 0.85, 0.5))
        left += wide
    picture[shore:] = 0.65 * picture[shore - 1 : shore - 1 - (height - shore) : -1] + 0.05
    picture[shore:] *= 0.85 + 0.15 * np.sin(y[shore:, :, None] * 0.65 + 3 * np.sin(x[shore:, :, None] / 34))
    rail = slice(shore - 12, shore)
    picture[rail] = np.where((x[rail, :, None] % 8) < 2, 0.55, picture[rail])
    for column in range(60, width, 190):
        glow = np.exp(-((x - column) ** 2 + (y - 330) ** 2) / 360.0)[..., None]
        picture = picture + glow * np.array((1.0, 0.9, 0.65))
    return np.clip(picture, 0, 1).astype(np.float32)


def write_sample(folder: Path, scene: NDArray[np.float32]) -> None:
    """Write `night_xN.dng` of a scene, with the noise of a moderate high-ISO setting, its clean twin and its truth."""
    iio.imwrite(folder / "night_truth.png", np.rint(scene * 255).astype(np.uint8))
    write_dng(folder / "night_clean.dng", np.rint(clean_mosaic(scene)).astype(np.uint16), SENSOR, CAPTURE)
    for ratio in RATIOS:
        write_dark(folder / f"night_x{ratio}.dng", scene, float(ratio), seed=ratio)


def clean_mosaic(srgb_01: NDArray[np.float32]) -> NDArray[np.float32]:
    """(h, w, 3) sRGB in [0, 1] -> (h, w) noise-free DN: one colour at each photosite, behind a lens."""
    light = LENS.through(sensor_light(srgb_decode(srgb_01), SENSOR))
    return mosaic_of(light, SENSOR.cfa, SENSOR.black, SENSOR.white)


def write_dark(path: Path, srgb_01: NDArray[np.float32], ratio: float, seed: int = 0) -> None:
    """Write a picture, (h, w, 3) sRGB in [0, 1], as the raw of an exposure `ratio` times too short."""
    rng = np.random.default_rng(seed)
    dark = expose(clean_mosaic(srgb_01), ratio, NOISE, SENSOR.black, SENSOR.white, rng)
    write_dng(path, dark, SENSOR, CAPTURE)


def write_large(folder: Path, megapixels: float, ratio: float) -> Path:
    """Write the scene, repeated until a sensor of so many megapixels is full, as a raw `ratio` times too dark."""
    height = round((megapixels * 1e6 / 1.5) ** 0.5 / 4) * 4
    width = round(height * 1.5 / 2) * 2
    scene = night_scene()
    tiles = (-(-height // scene.shape[0]), -(-width // scene.shape[1]), 1)
    path = folder / f"{megapixels:g}.dng"
    write_dark(path, np.tile(scene, tiles)[:height, :width], ratio)
    return path
