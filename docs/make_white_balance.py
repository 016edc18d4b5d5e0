"""Measure `--wb auto`: photographs of known white balance under lights from candles to shade, in noise.

    python docs/make_white_balance.py PHOTOS

Each photograph becomes a raw of one of seven cameras, under a light of 125 to 420 mired and a little green or magenta,
with 1 to 1/300 of its light. The error is the angle between the colours of the true light and of the estimated one, in
the sensor's channels. The two shares in `white_balance.py` were chosen on one half of the photographs; the other half
is printed.
"""

import sys
from dataclasses import replace
from pathlib import Path

import imageio.v3 as iio
import numpy as np

from darkdiff_cli.cfa import Cfa
from darkdiff_cli.colour import XYZ_FROM_SRGB, illuminant_xyz, srgb_from_camera
from darkdiff_cli.raw.black_level import BlackLevel
from darkdiff_cli.raw.frame import RawFrame
from darkdiff_cli.raw.white_balance import estimated_balance, light_balance
from darkdiff_cli.synthesis import Sensor, expose, load_calibrations, sample_noise, unprocess
from darkdiff_cli.synthesis.unprocess import CAMERA_MATRICES

BLACK, WHITE = 512.0, 16383.0
BLOWN = 245 / 255  # a photograph's blown highlights are white by accident, so they are clipped in the raw


def raw_of(photo: Path, rng: np.random.Generator) -> tuple[RawFrame, np.ndarray]:
    """A dark raw of a photograph, and the multipliers that undo its light."""
    picture = iio.imread(photo)[::2, ::2, :3].astype(np.float32) / 255
    picture[(picture >= BLOWN).any(axis=-1)] = 1.0
    matrix = np.array(list(CAMERA_MATRICES.values())[rng.integers(len(CAMERA_MATRICES))]).reshape(3, 3) / 10_000.0
    seen = matrix @ illuminant_xyz(1e6 / rng.uniform(125, 420)) * [1, np.exp(rng.normal(0, 0.04)), 1]
    camera = Sensor(matrix, tuple(seen.max() / seen))
    ratio = float(np.exp(rng.uniform(0, np.log(300))))
    calibrations = load_calibrations()
    noise = sample_noise(calibrations[rng.integers(len(calibrations))], rng, (0.2, 8.0), 0.3)
    clean = unprocess(picture, camera)
    dark = expose(clean, ratio, noise, BLACK, WHITE, rng)
    blown = np.kron((picture == 1.0).all(axis=-1), np.ones((2, 2), bool))
    dark[blown] = round(WHITE)
    daylight = 1 / (matrix @ XYZ_FROM_SRGB.sum(axis=1))
    colours = srgb_from_camera(matrix)
    levels = (BlackLevel.uniform(BLACK), WHITE, (1.0, 1.0, 1.0))
    frame = RawFrame(dark, Cfa.bayer("RGGB"), *levels, colours, daylight=tuple(daylight / daylight.min()))
    return frame, np.array(camera.white_balance)


def grey_world(frame: RawFrame) -> np.ndarray:
    """The multipliers that make the mean of the picture grey."""
    light = frame.light_dn()
    light = np.where(frame.mosaic_dn < 0.98 * WHITE, light, np.nan)
    red, blue = light[::2, ::2], light[1::2, 1::2]
    green = (light[::2, 1::2] + light[1::2, ::2]) / 2
    return 1 / np.maximum([np.nanmean(plane) for plane in (red, green, blue)], 1e-3)


def degrees(balance: np.ndarray, true: np.ndarray) -> float:
    """Angle between the colours of two lights."""
    one, other = 1 / np.asarray(balance), 1 / true
    return float(np.degrees(np.arccos(np.clip(one @ other / np.linalg.norm(one) / np.linalg.norm(other), -1, 1))))


def main() -> None:
    """Print the errors as a table."""
    photos = sorted(path for path in Path(sys.argv[1]).iterdir() if path.suffix.lower() in (".jpg", ".png"))
    shown = np.random.default_rng(0).permutation(len(photos))[len(photos) // 2 :]
    errors: dict[str, list[float]] = {"auto": [], "auto, no matrix": [], "grey world": [], "daylight": []}
    for index in shown:
        frame, true = raw_of(photos[index], np.random.default_rng(index))
        errors["auto"].append(degrees(np.array(estimated_balance(frame)), true))
        errors["daylight"].append(degrees(np.array(light_balance(frame, 6504.0)), true))
        errors["grey world"].append(degrees(grey_world(frame), true))
        unknown = replace(frame, daylight=None)
        errors["auto, no matrix"].append(degrees(np.array(estimated_balance(unknown)), true))
    print(f"{len(shown)} photographs: error in degrees, median, 90 %, largest")
    for name, values in errors.items():
        print(f"| {name} | {np.median(values):.1f} | {np.quantile(values, 0.9):.1f} | {max(values):.1f} |")


if __name__ == "__main__":
    main()
