"""`photos:DIR`: finished photographs, unprocessed to raw and exposed with too little light."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

import imageio.v3 as iio
import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Dataset

from darkdiff_cli.colour import srgb_encode, srgb_from_camera
from darkdiff_cli.datasets.pairs import Pair
from darkdiff_cli.errors import InputError
from darkdiff_cli.raw import LrgbSpace, RawFrame, develop
from darkdiff_cli.synthesis import Sensor, expose, load_calibrations, random_sensor, sample_noise, unprocess

SUFFIXES = {".jpg", ".jpeg", ".png", ".tif", ".tiff", ".webp"}
HELD_OUT_EVERY = 20  # every 20th photograph is validation


@dataclass(frozen=True)
class PhotoSettings:
    """How photographs become dark raws.

    Attributes:
        ratio_range: amplification ratios, drawn log-uniformly.
        bright_share: share of pairs drawn from ratio 1 up to the lower end of ratio_range instead.
        exposure_range: factors on a photograph's light, log-uniform: darker and brighter renderings.
        gain_range: system gain K in DN per electron at 14 bit, log-uniform.
        black_error: standard deviation of the black level's error, DN.
        exclude: file names never to be used.
    """

    ratio_range: tuple[float, float] = (50.0, 320.0)
    bright_share: float = 0.15
    exposure_range: tuple[float, float] = (0.4, 1.3)
    gain_range: tuple[float, float] = (0.2, 8.0)
    black_error: float = 0.3
    exclude: tuple[str, ...] = ()


class PhotoPairs(Dataset[Pair]):
    """An endless set: item i is always the same pair, whatever the worker, run or machine that draws it.

    Args:
        folder: photographs, searched recursively.
        settings: how they become dark raws.
        crop: side of a training image in LRGB pixels.
        seed: another seed is another set.
        split: "train", or "validation" for every 20th photograph.
        lrgb_space: primaries of the LRGB images.

    Raises:
        InputError: the folder is missing or holds too few photographs larger than a crop.
    """

    def __init__(
        self,
        folder: str | Path,
        settings: PhotoSettings,
        crop: int,
        seed: int = 0,
        split: Literal["train", "validation"] = "train",
        lrgb_space: LrgbSpace = "srgb",
    ) -> None:
        folder = Path(folder)
        if not folder.is_dir():
            raise InputError(f"{folder}: no such folder of photographs; give photos:DIR with JPEG, PNG or TIFF files.")
        found = sorted(p for p in folder.rglob("*") if p.suffix.lower() in SUFFIXES and p.name not in settings.exclude)
        self.paths = [p for i, p in enumerate(found) if (i % HELD_OUT_EVERY == 0) == (split == "validation")]
        if not self.paths:
            raise InputError(
                f"{folder}: holds no photographs for {split}; give photos:DIR with JPEG, PNG or TIFF files."
            )
        self.settings, self.crop, self.seed, self.lrgb_space = settings, crop, seed, lrgb_space
        self.stream = 1 if split == "validation" else 0

    def __getitem__(self, index: int) -> Pair:
        rng = np.random.default_rng([self.seed, self.stream, index])
        path = self.paths[int(rng.integers(len(self.paths)))]
        square = _crop(load_photo(path), self.crop, rng, path)
        return make_pair(square, path.name, self.settings, rng, self.lrgb_space)


def make_pair(
    srgb_01: NDArray[np.float32],
    name: str,
    settings: PhotoSettings,
    rng: np.random.Generator,
    lrgb_space: LrgbSpace = "srgb",
) -> Pair:
    """Take a photograph twice with a random camera: once well exposed, once with too little light.

    Args:
        srgb_01: (h, w, 3) photograph, sRGB in [0, 1].
        name: for error messages.
        settings: how it becomes a dark raw.
        rng: source of randomness.
        lrgb_space: primaries of the LRGB images.
    """
    sensor = random_sensor(rng)
    exposure = _log_uniform(settings.exposure_range, rng)
    low, high = settings.ratio_range
    ratio = _log_uniform((1.0, low) if rng.uniform() < settings.bright_share else (low, high), rng)
    calibrations = load_calibrations()
    noise = sample_noise(
        calibrations[int(rng.integers(len(calibrations)))], rng, settings.gain_range, settings.black_error
    )
    clean = unprocess(srgb_01, sensor, exposure)
    dark = expose(clean, ratio, noise, sensor.black, sensor.white, rng)
    clean_frame, dark_frame = _frame(clean, sensor), _frame(dark, sensor)
    reference = srgb_encode(develop(clean_frame, 1.0, "srgb").pixels)
    images = (develop(dark_frame, ratio, lrgb_space).pixels, develop(clean_frame, 1.0, lrgb_space).pixels, reference)
    noisy, lrgb, srgb = (torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1))) for image in images)
    return Pair(noisy, lrgb, srgb, (f"{name} x{ratio:.0f}",))


@lru_cache(maxsize=512)
def load_photo(path: Path) -> NDArray[np.uint8]:
    """Decode a photograph to (h, w, 3) uint8 sRGB; the last 512 stay in memory.

    Raises:
        InputError: the file is no picture.
    """
    try:
        picture = np.asarray(iio.imread(path))
    except (OSError, ValueError, SyntaxError) as error:
        raise InputError(f"{path}: cannot be decoded as a photograph ({error}); remove or replace it.") from error
    if picture.dtype == np.uint16:
        picture = (picture >> 8).astype(np.uint8)
    if picture.ndim == 2:
        picture = np.repeat(picture[..., None], 3, axis=2)
    return np.ascontiguousarray(picture[..., :3])


def _crop(photo: NDArray[np.uint8], size: int, rng: np.random.Generator, path: Path) -> NDArray[np.float32]:
    """A random square, flipped and transposed at random, as sRGB in [0, 1]; large photographs also at half size."""
    height, width = photo.shape[:2]
    shrink = 2 if min(height, width) >= 2 * size and rng.uniform() < 0.3 else 1
    span = size * shrink
    if min(height, width) < span:
        raise InputError(f"{path}: is smaller than a crop of {size} px; remove it or train with a smaller crop.")
    top, left = int(rng.integers(height - span + 1)), int(rng.integers(width - span + 1))
    square = photo[top : top + span, left : left + span].astype(np.float32) / np.float32(255.0)
    if shrink == 2:
        square = square.reshape(size, 2, size, 2, 3).mean(axis=(1, 3))
    if rng.uniform() < 0.5:
        square = square[:, ::-1]
    return square.transpose(1, 0, 2) if rng.uniform() < 0.5 else square


def _frame(mosaic_dn: NDArray[np.generic], sensor: Sensor) -> RawFrame:
    black = (sensor.black,) * 4
    matrix = srgb_from_camera(sensor.camera_from_xyz)
    return RawFrame(mosaic_dn, sensor.cfa, black, sensor.white, sensor.white_balance, matrix)


def _log_uniform(span: Sequence[float], rng: np.random.Generator) -> float:
    return float(np.exp(rng.uniform(np.log(span[0]), np.log(span[1]))))
