"""`raws:DIR`: the user's own clean raws, darkened, to train a model for one camera."""

from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
from torch.utils.data import Dataset

from darkdiff_cli.cfa import Cfa
from darkdiff_cli.datasets.cache import MosaicCache
from darkdiff_cli.datasets.darken import SynthesisSettings
from darkdiff_cli.datasets.pairs import Pair
from darkdiff_cli.datasets.photos import HELD_OUT_EVERY, drawn_from
from darkdiff_cli.datasets.rawpairs import damage, random_box
from darkdiff_cli.datasets.readable import Readable, alone
from darkdiff_cli.datasets.scene import Camera, Form, Image, pair_of_scene
from darkdiff_cli.errors import InputError
from darkdiff_cli.raw import RAW_SUFFIXES, RawFrame, develop
from darkdiff_cli.synthesis import random_lens


class CleanRaws(Dataset[Pair]):
    """An endless set of synthetic pairs: item i is the same on every worker, run and machine.

    A raw knows one colour at each site. Its binned light, which knows all three, is the scene that the same camera
    photographs again at twice the scale: so the truth is known at full size, and its own noise is a half.

    Args:
        folder: well-exposed raws at low ISO, searched recursively.
        settings: how they are darkened.
        crop: side of a training image in LRGB pixels; of a smaller frame, as much as it has.
        seed: seed of all random choices.
        split: "train", or "validation" for every 20th file.
        form: what the pairs hold.
        cache: decoded mosaics.

    Raises:
        InputError: the folder is missing or holds too few raws.
    """

    def __init__(
        self,
        folder: Path,
        settings: SynthesisSettings,
        crop: int,
        seed: int,
        split: Literal["train", "validation"],
        form: Form,
        cache: MosaicCache,
    ) -> None:
        if not folder.is_dir():
            raise InputError(f"{folder}: no such folder of raws; give raws:DIR with your camera's files.")
        found = sorted(p for p in folder.rglob("*") if p.suffix.lower() in RAW_SUFFIXES)
        found = [path for path in found if path.name not in settings.exclude]
        self.paths = [p for i, p in enumerate(found) if (i % HELD_OUT_EVERY == 0) == (split == "validation")]
        if not self.paths:
            raise InputError(
                f"{folder}: holds too few raw files; give two or more, well exposed at low ISO, of which every "
                f"{HELD_OUT_EVERY}th is held back for the health checks."
            )
        self.settings, self.crop, self.seed, self.cache = settings, crop, seed, cache
        self.form, self.stream = form, 5 if split == "validation" else 4
        self.readable = Readable(alone)

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> Pair:
        rng = np.random.default_rng([self.seed, self.stream, index])
        path, frame, notes = self.readable.first(drawn_from(self.paths, rng), self._read)
        part = frame.crop(*random_box(frame, 2 * self.crop, rng))
        light = _light(develop(part, 1.0, "camera").pixels, frame.white_balance)
        camera = Camera(_filter(frame), frame.white_balance, frame.srgb_from_camera)
        lens = random_lens(rng)
        seen, shown = lens.through(light), lens.in_register().through(light)
        pair = pair_of_scene(seen, shown, camera, self.settings, rng, path.name, self.form)
        pair = replace(pair, notes=(*notes, *damage(frame)))
        return pair.turned(flip=bool(rng.uniform() < 0.5), transpose=bool(rng.uniform() < 0.5))

    def _read(self, path: Path) -> RawFrame:
        frame = self.cache.read(path)
        if frame.cfa is None:  # its noise has been through a demosaicing that nobody knows
            raise InputError(
                f"{path}: is demosaiced already, so no raw's noise can be put on it; take it out of the set."
            )
        return frame


def _filter(frame: RawFrame) -> Cfa:
    """A frame's own; Bayer of squares of one colour, and of sensors without colours: what a picture is binned to."""
    if frame.cfa is None or frame.cfa.is_monochrome:
        return Cfa.bayer("RGGB")
    return frame.cfa if frame.cfa.squares is None else frame.cfa.squares.bayer


def _light(pixels: Image, white_balance: tuple[float, float, float]) -> Image:
    """White-balanced LRGB -> light of each colour, without an odd last row and column."""
    height, width = (length // 2 * 2 for length in pixels.shape[:2])
    return np.divide(pixels[:height, :width], white_balance, dtype=np.float32)
