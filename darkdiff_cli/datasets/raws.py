"""`raws:DIR`: the user's own clean raws, darkened, to train a model for one camera."""

from pathlib import Path
from typing import Literal

import numpy as np
from torch.utils.data import Dataset

from darkdiff_cli.datasets.cache import MosaicCache
from darkdiff_cli.datasets.darken import SynthesisSettings, darken
from darkdiff_cli.datasets.pairs import Pair, make_pair
from darkdiff_cli.datasets.photos import HELD_OUT_EVERY
from darkdiff_cli.datasets.rawpairs import random_box
from darkdiff_cli.errors import InputError
from darkdiff_cli.raw import RAW_SUFFIXES, DataFormat, LrgbSpace


class CleanRaws(Dataset[Pair]):
    """An endless set of synthetic pairs: item i is the same on every worker, run and machine.

    Args:
        folder: well-exposed Bayer raws at low ISO, searched recursively.
        settings: how they are darkened.
        crop: side of a training image in LRGB pixels; a smaller frame is taken whole.
        seed: seed of all random choices.
        split: "train", or "validation" for every 20th file.
        lrgb_space: primaries of the LRGB images.
        data_format: input and output of the network.
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
        lrgb_space: LrgbSpace,
        data_format: DataFormat,
        cache: MosaicCache,
    ) -> None:
        if not folder.is_dir():
            raise InputError(f"{folder}: no such folder of raws; give raws:DIR with your camera's files.")
        found = sorted(p for p in folder.rglob("*") if p.suffix.lower() in RAW_SUFFIXES)
        found = [path for path in found if path.name not in settings.exclude]
        self.paths = [p for i, p in enumerate(found) if (i % HELD_OUT_EVERY == 0) == (split == "validation")]
        if not self.paths:
            raise InputError(f"{folder}: holds too few raw files for {split}; give well-exposed raws at low ISO.")
        self.settings, self.crop, self.seed, self.cache = settings, crop, seed, cache
        self.lrgb_space, self.data_format, self.stream = lrgb_space, data_format, 5 if split == "validation" else 4

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> Pair:
        rng = np.random.default_rng([self.seed, self.stream, index])
        path = self.paths[int(rng.integers(len(self.paths)))]
        frame = self.cache.read(path)
        if frame.cfa is None:  # its noise has been through a demosaicing that nobody knows
            raise InputError(
                f"{path}: is demosaiced already, so no raw's noise can be put on it; take it out of the set."
            )
        clean = frame.crop(*random_box(frame, self.crop, rng))
        dark, ratio, _ = darken(clean, self.settings, rng)
        pair = make_pair(dark, ratio, clean, f"{path.name} x{ratio:.0f}", self.lrgb_space, self.data_format)
        return pair.turned(flip=bool(rng.uniform() < 0.5), transpose=bool(rng.uniform() < 0.5))
