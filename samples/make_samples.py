"""Make `night_x300.dng` from a CC0 photograph: python samples/make_samples.py PHOTO.

The photograph becomes the raw of a Sony ILCE-7SM2 under warm light, one colour at each photosite behind a lens, and
is exposed with 300 times too little light, by the project's own synthesis. The noise is that camera's published
calibration.
"""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from darkdiff_cli.capture import CaptureMetadata
from darkdiff_cli.colour import srgb_decode
from darkdiff_cli.synthesis import (
    Lens,
    Sensor,
    expose,
    load_calibrations,
    mosaic_of,
    sample_noise,
    sensor_light,
    write_dng,
)
from darkdiff_cli.synthesis.unprocess import CAMERA_MATRICES

SIZE = (1184, 684)  # photosites, each a pixel of the photograph's middle
RATIO = 300.0
LENS = Lens(blur=0.45)


def main() -> None:
    """Write the sample beside this script."""
    camera = "Sony ILCE-7SM2"
    matrix = np.array(CAMERA_MATRICES[camera]).reshape(3, 3) / 10_000.0
    sensor = Sensor(camera_from_xyz=matrix, white_balance=(2.1, 1.0, 1.8))
    with Image.open(sys.argv[1]) as photo:
        middle = ImageOps.fit(photo.convert("RGB"), SIZE, Image.Resampling.LANCZOS)
    light = LENS.through(sensor_light(srgb_decode(np.asarray(middle, dtype=np.float32) / 255.0), sensor))
    clean = mosaic_of(light, sensor.cfa, sensor.black, sensor.white)
    rng = np.random.default_rng(300)
    calibration = next(c for c in load_calibrations() if c.name == "SonyA7S2")
    noise = replace(sample_noise(calibration, rng, (1.0, 1.0), black_error=0.0), colour_bias=(0.0, 0.0, 0.0, 0.0))
    dark = expose(clean, RATIO, noise, sensor.black, sensor.white, rng)
    capture = CaptureMetadata(
        make="Sony",
        model="ILCE-7SM2",
        exposure_time=1 / 30,
        aperture=2.8,
        iso=1600,
        focal_length=35.0,
        date="2024:01:01 22:00:00",
    )
    write_dng(Path(__file__).parent / "night_x300.dng", dark, sensor, capture)


if __name__ == "__main__":
    main()
