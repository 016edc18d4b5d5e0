"""Real pairs: a dark exposure and a well-exposed one of the same scene, from SID, ELD or LRD."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import count
from pathlib import Path
from typing import Literal

import numpy as np
from torch.utils.data import Dataset

from darkdiff_cli.datasets.cache import MosaicCache
from darkdiff_cli.datasets.pairs import Pair, make_pair
from darkdiff_cli.datasets.readable import Readable
from darkdiff_cli.errors import InputError
from darkdiff_cli.raw import RAW_SUFFIXES, DataFormat, LrgbSpace, RawFrame
from darkdiff_cli.raw.damage import damage_of

Split = Literal["train", "validation", "test"]


@dataclass(frozen=True)
class RawPair:
    """Two exposures of one scene.

    Attributes:
        noisy, clean: raw files; where a protocol compares with a truth, `clean` is the picture of it.
        scene: name for tables and error messages.
        ratio: amplification ratio; None takes it from both files' ISO and exposure time.
        misaligned: the camera is known to have moved between them.
    """

    noisy: Path
    clean: Path
    scene: str
    ratio: float | None = None
    misaligned: bool = False

    def files(self) -> tuple[Path, ...]:
        """Both."""
        return self.noisy, self.clean


class RawPairs(Dataset[Pair]):
    """An endless set of real pairs: item i is the same crop of the same pair on every worker, run and machine.

    Args:
        pairs: the pairs of a split.
        crop: side of a training image in LRGB pixels; a smaller frame is taken whole.
        seed: seed of the order and the crops.
        lrgb_space: primaries of the LRGB images.
        data_format: input and output of the network.
        cache: decoded mosaics.
    """

    def __init__(
        self,
        pairs: Sequence[RawPair],
        crop: int,
        seed: int,
        lrgb_space: LrgbSpace,
        data_format: DataFormat,
        cache: MosaicCache,
    ) -> None:
        self.pairs, self.crop, self.seed = list(pairs), crop, seed
        self.lrgb_space, self.data_format, self.cache = lrgb_space, data_format, cache
        self.readable = Readable(RawPair.files)

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, index: int) -> Pair:
        """Item `index`; every pair comes once in each epoch of `len(self)` items.

        In the place of a pair that cannot be used comes the next one.

        Raises:
            InputError: a file is gone, or too many pairs in a row cannot be used.
        """
        pair, (noisy, clean, ratio), notes = self.readable.first(self._from(index), self._read)
        rng = np.random.default_rng([self.seed, 2, index])
        box = random_box(clean, self.crop, rng)
        dark = metered_by(noisy.crop(*box), clean)
        made = make_pair(dark, ratio, clean.crop(*box), f"{pair.scene} x{ratio:.0f}", self.lrgb_space, self.data_format)
        made = replace(made, notes=(*notes, *damage(noisy), *damage(clean)))
        return made.turned(flip=bool(rng.uniform() < 0.5), transpose=bool(rng.uniform() < 0.5))

    def _from(self, index: int) -> Iterator[RawPair]:
        """The pairs in their order from an item on."""
        for item in count(index):
            epoch, place = divmod(item, len(self))
            yield self.pairs[_order(self.seed, epoch, len(self))[place]]

    def _read(self, pair: RawPair) -> tuple[RawFrame, RawFrame, float]:
        """Both frames, and the amplification ratio.

        Raises:
            InputError: a file of the pair cannot be read, or the two do not fit together.
        """
        noisy, clean = self.cache.read(pair.noisy), self.cache.read(pair.clean)
        if noisy.mosaic_dn.shape != clean.mosaic_dn.shape:
            raise InputError(f"{pair.noisy}: is not of the size of its reference {pair.clean}; download both again.")
        return noisy, clean, pair.ratio if pair.ratio is not None else exposure_ratio(noisy, clean)


def damage(frame: RawFrame) -> tuple[str, ...]:
    """What LibRaw said of a frame's file, if it found it damaged, as sentences."""
    return tuple(f"{note}." for note in damage_of(str(frame.path), frame.notes))


def metered_by(dark: RawFrame, clean: RawFrame) -> RawFrame:
    """The dark frame with the clean one's white balance and matrix, which a camera cannot measure in the dark."""
    return replace(dark, white_balance=clean.white_balance, srgb_from_camera=clean.srgb_from_camera)


def exposure_ratio(noisy: RawFrame, clean: RawFrame) -> float:
    """Amplification ratio of a pair: ISO x exposure time of the clean file over that of the dark one.

    Raises:
        InputError: a file has no ISO or exposure time.
    """
    products = []
    for frame in (clean, noisy):
        iso, seconds = frame.metadata.iso, frame.metadata.exposure_time
        if iso is None or seconds is None:
            raise InputError(f"{frame.path}: has no ISO or exposure time, so the ratio is unknown; leave it out.")
        products.append(iso * seconds)
    return products[0] / products[1]


def set_folder(folder: Path, name: str, parts: Sequence[str], title: str, source: str) -> Path:
    """The folder that holds the parts of a published set: `folder` itself, or the one called `name` in it.

    Raises:
        InputError: a part is missing; the message says where it should be and where to get it.
    """
    root = folder / name if (folder / name).is_dir() else folder
    for part in parts:
        if not (root / part).is_dir():
            raise InputError(f"{root / part}: this folder of {title} is missing; get it from {source}.")
    return root


def raw_files(folder: Path) -> list[Path]:
    """The raw files directly in a folder, sorted."""
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in RAW_SUFFIXES)


@lru_cache(maxsize=4)
def _order(seed: int, epoch: int, count: int) -> tuple[int, ...]:
    return tuple(np.random.default_rng([seed, 3, epoch]).permutation(count).tolist())


def random_box(frame: RawFrame, crop: int, rng: np.random.Generator) -> tuple[int, int, int, int]:
    """(top, left, height, width) of a random crop in LRGB pixels."""
    rows, columns = frame.lrgb_shape
    height, width = min(crop, rows), min(crop, columns)
    return int(rng.integers(rows - height + 1)), int(rng.integers(columns - width + 1)), height, width
