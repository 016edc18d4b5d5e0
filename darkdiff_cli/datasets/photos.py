"""`photos:DIR`: finished photographs, seen by a sensor behind a lens, and darkened."""

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Literal

import imageio.v3 as iio
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from torch.utils.data import Dataset

from darkdiff_cli.colour import srgb_decode, srgb_from_camera
from darkdiff_cli.datasets.darken import SynthesisSettings, log_uniform
from darkdiff_cli.datasets.drawn import drawn
from darkdiff_cli.datasets.looks import grainy, softened
from darkdiff_cli.datasets.pairs import Pair
from darkdiff_cli.datasets.readable import Readable, alone
from darkdiff_cli.datasets.scene import LRGB, Camera, Form, pair_of_scene
from darkdiff_cli.errors import InputError, MemoryLimitError
from darkdiff_cli.inputs import check_plain
from darkdiff_cli.synthesis import random_lens, random_sensor, sensor_light, with_random_filter
from darkdiff_cli.words import counted

SUFFIXES = {".jpg", ".jpeg", ".png", ".tif", ".tiff", ".webp"}
HELD_OUT_EVERY = 20  # every 20th photograph is validation
REDUCED = (1.5, 3.0)  # factors; most JPEGs hold their colours at half size, and no lens is sharp to the pixel
DEFOCUS = (2.0, 40.0)  # blur in pixels (standard deviation), from slightly soft to plain colour


class PhotoPairs(Dataset[Pair]):
    """An endless set of synthetic pairs: item i is the same on every worker, run and machine.

    Args:
        folder: photographs, searched recursively.
        settings: how dark raws are made of them.
        crop: side of a training image in LRGB pixels.
        seed: seed of all random choices.
        split: "train", or "validation" for every 20th photograph.
        form: what the pairs hold.

    Raises:
        InputError: the folder is missing or holds too few photographs.
    """

    def __init__(
        self,
        folder: str | Path,
        settings: SynthesisSettings,
        crop: int,
        seed: int = 0,
        split: Literal["train", "validation"] = "train",
        form: Form = LRGB,
    ) -> None:
        folder = Path(folder)
        if not folder.is_dir():
            raise InputError(f"{folder}: no such folder of photographs; give photos:DIR with JPEG, PNG or TIFF files.")
        found = sorted(p for p in folder.rglob("*") if p.suffix.lower() in SUFFIXES and p.name not in settings.exclude)
        self.paths = [p for i, p in enumerate(found) if (i % HELD_OUT_EVERY == 0) == (split == "validation")]
        if not found:
            raise InputError(f"{folder}: holds no photographs; give photos:DIR with JPEG, PNG or TIFF files.")
        if not self.paths:
            raise InputError(
                f"{folder}: holds one photograph only, which is held back for the health checks, as every "
                f"{HELD_OUT_EVERY}th is; give two or more."
            )
        self.settings, self.crop, self.seed, self.form = settings, crop, seed, form
        self.stream = 1 if split == "validation" else 0
        self.readable = Readable(alone)

    def __len__(self) -> int:
        return len(self.paths)

    def small(self) -> str | None:
        """A sentence on the photographs that are smaller than a crop; None where there is none.

        One whose size cannot be read is named when it is drawn.
        """
        side = 2 * self.crop
        sizes = ((size, path) for path in self.paths if (size := _size(path)) is not None and min(size) < side)
        small = sorted(sizes, key=lambda found: (min(found[0]), found))
        if not small:
            return None
        (width, height), path = small[0]
        return (
            f"smaller than the {side} pixels that a crop takes: {len(small)} of "
            f"{counted(len(self.paths), 'photograph')}, the smallest with {width}x{height} ({path}); mirror images "
            "fill the rest of it."
        )

    def __getitem__(self, index: int) -> Pair:
        rng = np.random.default_rng([self.seed, self.stream, index])
        square, name, notes = self._picture(rng)
        if self.settings.softness:
            square = softened(square, rng.uniform(0.0, self.settings.softness))
        if self.settings.defocus_share and rng.uniform() < self.settings.defocus_share:
            square = softened(square, log_uniform(DEFOCUS, rng))
        if self.settings.grain:
            square = grainy(square, self.settings.grain * rng.uniform() ** 2, rng)  # most have little
        quads = self.settings.quad_share if self.form.full_size else 0.0  # at half size they are as Bayer
        sensor = with_random_filter(random_sensor(rng), rng, self.settings.xtrans_share, quads)
        linear = srgb_decode(square) * np.float32(log_uniform(self.settings.exposure_range, rng))
        lens = random_lens(rng)  # what it blurs stays so: a picture shows what the lens showed, without its fringes
        seen, light = (sensor_light(glass.through(linear), sensor) for glass in (lens, lens.in_register()))
        camera = Camera(sensor.cfa, sensor.white_balance, srgb_from_camera(sensor.camera_from_xyz))
        pair = pair_of_scene(seen, light, camera, self.settings, rng, name, self.form)
        return replace(pair, notes=notes)

    def _picture(self, rng: np.random.Generator) -> tuple[NDArray[np.float32], str, tuple[str, ...]]:
        """A crop of a photograph, or a drawing; its name, and what was left out before it."""
        if self.settings.drawn_share and rng.uniform() < self.settings.drawn_share:
            return drawn(2 * self.crop, rng), "drawing", ()
        path, photo, notes = self.readable.first(drawn_from(self.paths, rng), load_photo)
        return _crop(photo, 2 * self.crop, self.settings.reduced_share, rng), path.name, notes


def drawn_from(paths: Sequence[Path], rng: np.random.Generator) -> Iterator[Path]:
    """Files drawn at random, endlessly."""
    while True:
        yield paths[int(rng.integers(len(paths)))]


def _size(path: Path) -> tuple[int, int] | None:
    """Width and height in pixels, as the head of the file has them; None where it has none."""
    try:
        check_plain(path)  # a pipe would not open
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of large pictures
            with Image.open(path) as picture:
                return picture.size
    except Exception:  # decoders raise errors of many kinds on damaged files
        return None


@lru_cache(maxsize=512)
def load_photo(path: Path) -> NDArray[np.uint8]:
    """Decode a photograph to (h, w, 3) uint8 sRGB; the last 512 stay in memory.

    Raises:
        InputError: it is no file, or no picture of 8 or 16 bit.
        MemoryLimitError: it does not fit into memory.
    """
    check_plain(path)
    try:
        picture = np.asarray(iio.imread(path))
    except MemoryError as error:
        raise MemoryLimitError(f"{path}: does not fit into memory; close other programs and try again.") from error
    except Exception as error:  # decoders raise errors of many kinds on damaged files
        reason = " ".join(str(error).split()) or type(error).__name__
        if "find a backend" in reason:  # no decoder knows it, and imageio names more decoders to install
            reason = "it is no picture"
        raise InputError(f"{path}: cannot be decoded as a photograph ({reason}); remove or replace it.") from error
    if picture.dtype == np.uint16:
        picture = (picture >> 8).astype(np.uint8)
    if picture.ndim == 2 or (picture.ndim == 3 and picture.shape[2] < 3):  # grey, with or without an alpha channel
        picture = np.repeat(picture.reshape(*picture.shape[:2], -1)[..., :1], 3, axis=2)
    if picture.ndim != 3 or picture.dtype != np.uint8:
        raise InputError(
            f"{path}: is no single picture of 8 or 16 bit (it has the shape {picture.shape} in {picture.dtype}); "
            "remove or replace it."
        )
    return np.ascontiguousarray(picture[..., :3])


def _crop(photo: NDArray[np.uint8], size: int, reduced_share: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """A random square, flipped and transposed at random, as sRGB in [0, 1]; large photographs also reduced in size.

    A photograph that is smaller than the square is continued by its mirror image.
    """
    missing = [max(0, size - length) for length in photo.shape[:2]]
    if any(missing):
        photo = np.pad(photo, ((0, missing[0]), (0, missing[1]), (0, 0)), mode="symmetric")
    height, width = photo.shape[:2]
    most = min(REDUCED[1], min(height, width) / size)
    reduced = most >= REDUCED[0] and rng.uniform() < reduced_share
    span = int(size * rng.uniform(REDUCED[0], most)) if reduced else size
    top, left = int(rng.integers(height - span + 1)), int(rng.integers(width - span + 1))
    square = photo[top : top + span, left : left + span]
    if reduced:
        square = np.asarray(Image.fromarray(square).resize((size, size), Image.Resampling.LANCZOS))
    picture = square.astype(np.float32) / np.float32(255.0)
    if rng.uniform() < 0.5:
        picture = picture[:, ::-1]
    return picture.transpose(1, 0, 2) if rng.uniform() < 0.5 else picture
