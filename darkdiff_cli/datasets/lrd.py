"""`lrd:DIR`: the low-light raw denoising dataset of Zhang et al. (ICCV 2023), a phone's IMX586 sensor."""

import re
from pathlib import Path

from darkdiff_cli.datasets.rawpairs import RawPair, Split, raw_files, set_folder
from darkdiff_cli.errors import InputError

SOURCE = "https://github.com/fengzhang427/LRD (link in its README)"
NAME = re.compile(r"(?P<scene>\d{5})_(?P<ev>\d{2})_(?P<seconds>[\d.]+)s$")
FIRST_TEST = 541
# The authors' validation list: ten bursts of six scenes.
VALIDATION = {n for first in (200, 224, 278, 308, 320, 338, 404, 451, 493, 529) for n in range(first, first + 6)}
PUBLISHED: dict[Split, int] = {"train": 480 * 3, "validation": 60 * 3, "test": 60 * 3}


def lrd_pairs(folder: Path, split: Split, ev: int | None = None) -> list[RawPair]:
    """The pairs of a split, by the authors' lists; the ratio comes from each pair's ISO and exposure time.

    Args:
        folder: holds `Clean/NNNNN_00_<seconds>s.DNG` and `Noisy/NNNNN_0K_<seconds>s.DNG`, K stops too dark.
        split: "test" is scenes 541-600, "validation" the authors' list, "train" the rest.
        ev: -1, -2 or -3 takes that exposure only; None takes all three.

    Raises:
        InputError: a folder or a clean file is missing; the message says where it should be and where to get it.
    """
    root = set_folder(folder, "LRD", ("Clean", "Noisy"), "LRD", SOURCE)
    cleans = {match["scene"]: path for path in raw_files(root / "Clean") if (match := NAME.match(path.stem))}
    pairs = []
    for path in raw_files(root / "Noisy"):
        match = NAME.match(path.stem)
        if match is None or _split(int(match["scene"])) != split or (ev is not None and int(match["ev"]) != -ev):
            continue
        if match["scene"] not in cleans:
            name = f"{match['scene']}_00_*s.DNG"
            raise InputError(f"{root / 'Clean'}: the file {name} is missing; get LRD from {SOURCE}.")
        pairs.append(RawPair(path, cleans[match["scene"]], path.stem))
    if not pairs:
        raise InputError(f"{root / 'Noisy'}: holds no {split} scenes; get LRD from {SOURCE}.")
    return pairs


def _split(scene: int) -> Split:
    if scene >= FIRST_TEST:
        return "test"
    return "validation" if scene in VALIDATION else "train"
