"""`--data KIND:DIR`: parse it, and open its training and validation sets."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

from torch.utils.data import Dataset

from darkdiff_cli.datasets import lrd, sid
from darkdiff_cli.datasets.cache import MosaicCache
from darkdiff_cli.datasets.darken import SynthesisSettings
from darkdiff_cli.datasets.mixed import MixedPairs
from darkdiff_cli.datasets.pairs import Pair
from darkdiff_cli.datasets.photos import PhotoPairs
from darkdiff_cli.datasets.rawpairs import RawPairs
from darkdiff_cli.datasets.raws import CleanRaws
from darkdiff_cli.datasets.scene import Form
from darkdiff_cli.errors import LONGEST, SettingsError, shown
from darkdiff_cli.raw import DataFormat, LrgbSpace

Kind = Literal["photos", "raws", "sid", "eld", "lrd"]
KINDS = ("photos", "raws", "sid", "lrd")  # to train on


@dataclass(frozen=True)
class Source:
    """Where training pairs come from.

    Attributes:
        places: kind and folder of each set, as the user gave them.
        settings: how clean pictures are darkened (photos and raws).
        seed: seed of all random choices.
        lrgb_space, data_format: input and output of the network.
        cache: decoded mosaics.
        full_size: pairs also hold the mosaic and the truth at the sensor's size (photos and raws only).
        register_colours: of LRGB (photos and raws only), as the model will be given them (`Form`).
    """

    places: tuple[tuple[Kind, Path], ...]
    settings: SynthesisSettings
    seed: int
    lrgb_space: LrgbSpace
    data_format: DataFormat
    cache: MosaicCache
    full_size: bool = False
    register_colours: bool = True

    def open(self, split: Literal["train", "validation"], crop: int) -> Dataset[Pair]:
        """The pairs of a split; `len` of the set is the length of an epoch.

        Args:
            split: "train" or "validation".
            crop: side of an image in LRGB pixels.

        Raises:
            InputError: the set is missing or incomplete; the message says where to get it.
            SettingsError: the set has no training scenes.
        """
        sets = [self._open(kind, folder, split, crop) for kind, folder in self.places]
        return sets[0] if len(sets) == 1 else MixedPairs(sets, self.seed)

    def _open(self, kind: Kind, folder: Path, split: Literal["train", "validation"], crop: int) -> Dataset[Pair]:
        form = Form(self.lrgb_space, self.data_format, self.full_size, self.register_colours)
        if kind == "photos":
            return PhotoPairs(folder, self.settings, crop, self.seed, split, form)
        if kind == "raws":
            return CleanRaws(folder, self.settings, crop, self.seed, split, form, self.cache)
        if self.full_size:
            raise SettingsError(
                f"--data {kind}:{folder}: full size needs the truth at full size; give photos:DIR or raws:DIR."
            )
        if kind == "eld":
            raise SettingsError(f"--data eld:{folder}: ELD has no training scenes; give sid:, lrd:, raws: or photos:.")
        pairs = sid.sid_pairs(folder, split) if kind == "sid" else lrd.lrd_pairs(folder, split)
        return RawPairs(pairs, crop, self.seed, self.lrgb_space, self.data_format, self.cache)

    def gaps(self) -> list[str]:
        """A warning for each folder that has fewer training pairs than were published."""
        sentences = []
        for kind, folder in self.places:
            published = {"sid": sid.PUBLISHED, "lrd": lrd.PUBLISHED}.get(kind)
            if published is None:
                continue
            found = len(cast(RawPairs, self._open(kind, folder, "train", 1)))
            if found < published["train"]:
                sentences.append(f"{folder}: holds {found} of {kind.upper()}'s {published['train']} training pairs.")
        return sentences

    def small(self, crop: int) -> list[str]:
        """A sentence for each folder with photographs that are smaller than a crop of so many LRGB pixels.

        Raises:
            InputError: as `open`.
        """
        sets = (self._open(kind, folder, "train", crop) for kind, folder in self.places if kind == "photos")
        return [said for photos in sets if (said := cast(PhotoPairs, photos).small()) is not None]


def parse_data(data: str) -> tuple[Kind, Path]:
    """Split `KIND:DIR`.

    Raises:
        SettingsError: the kind is unknown, or the folder is not given or has a name that no folder can have.
    """
    kind, _, folder = data.partition(":")
    if kind not in (*KINDS, "eld") or not folder:
        named = data if len(data) <= LONGEST else shown(data)
        raise SettingsError(f"--data {named}: must be one of {', '.join(f'{kind}:DIR' for kind in KINDS)}.")
    try:
        os.stat(folder)
    except (FileNotFoundError, NotADirectoryError):
        pass  # each kind says what it misses
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise SettingsError(f"--data {kind}: the folder {shown(folder)} cannot be read ({reason}).") from error
    return cast(Kind, kind), Path(folder)
