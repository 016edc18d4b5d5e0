"""`--data KIND:DIR`: parse it, and open its training and validation sets."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

from torch.utils.data import Dataset

from darkdiff_cli.datasets import lrd, sid
from darkdiff_cli.datasets.cache import MosaicCache
from darkdiff_cli.datasets.darken import SynthesisSettings
from darkdiff_cli.datasets.pairs import Pair
from darkdiff_cli.datasets.photos import PhotoPairs
from darkdiff_cli.datasets.rawpairs import RawPairs
from darkdiff_cli.datasets.raws import CleanRaws
from darkdiff_cli.errors import SettingsError
from darkdiff_cli.raw import DataFormat, LrgbSpace

Kind = Literal["photos", "raws", "sid", "eld", "lrd"]
KINDS = ("photos", "raws", "sid", "eld", "lrd")


@dataclass(frozen=True)
class Source:
    """Where training pairs come from.

    Attributes:
        kind, folder: as the user gave them.
        settings: how clean pictures are darkened (photos and raws).
        seed: of all random choices.
        lrgb_space, data_format: input and output of the network.
        cache: decoded mosaics.
    """

    kind: Kind
    folder: Path
    settings: SynthesisSettings
    seed: int
    lrgb_space: LrgbSpace
    data_format: DataFormat
    cache: MosaicCache

    def open(self, split: Literal["train", "validation"], crop: int) -> Dataset[Pair]:
        """The pairs of a split; `len` of the set is the length of an epoch.

        Args:
            split: "train" or "validation".
            crop: side of an image in LRGB pixels.

        Raises:
            InputError: the set is missing or incomplete; the message says where to get it.
            SettingsError: the set has no training scenes.
        """
        if self.kind == "photos":
            return PhotoPairs(self.folder, self.settings, crop, self.seed, split, self.lrgb_space, self.data_format)
        form = (self.lrgb_space, self.data_format, self.cache)
        if self.kind == "raws":
            return CleanRaws(self.folder, self.settings, crop, self.seed, split, *form)
        if self.kind == "eld":
            raise SettingsError(
                f"--data eld:{self.folder}: ELD has no training scenes; give sid:, lrd:, raws: or photos:."
            )
        pairs = sid.sid_pairs(self.folder, split) if self.kind == "sid" else lrd.lrd_pairs(self.folder, split)
        return RawPairs(pairs, crop, self.seed, *form)

    def gap(self) -> str | None:
        """A warning if the folder has fewer training pairs than were published, else None."""
        published = {"sid": sid.PUBLISHED, "lrd": lrd.PUBLISHED}.get(self.kind)
        if published is None:
            return None
        found = len(cast(RawPairs, self.open("train", 1)))
        if found >= published["train"]:
            return None
        return f"{self.folder}: holds {found} of {self.kind.upper()}'s {published['train']} training pairs."


def parse_data(data: str) -> tuple[Kind, Path]:
    """Split `KIND:DIR`.

    Raises:
        SettingsError: the kind is unknown, or the folder is not given.
    """
    kind, _, folder = data.partition(":")
    if kind not in KINDS or not folder:
        raise SettingsError(f"--data {data}: must be one of {', '.join(f'{kind}:DIR' for kind in KINDS)}.")
    return cast(Kind, kind), Path(folder)
