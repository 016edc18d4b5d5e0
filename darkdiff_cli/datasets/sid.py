"""`sid:DIR`: See-in-the-Dark, Sony part (Chen et al., CVPR 2018)."""

import re
from pathlib import Path

from darkdiff_cli.datasets.rawpairs import RawPair, Split, raw_files, set_folder
from darkdiff_cli.errors import InputError

FIRST_DIGIT: dict[Split, str] = {"train": "0", "test": "1", "validation": "2"}
PUBLISHED: dict[Split, int] = {"train": 280, "test": 93, "validation": 36}
MISALIGNED = {"10034", "10045", "10172"}  # known since the ELD paper's evaluation
MAX_RATIO = 300.0
SOURCE = "https://storage.googleapis.com/isl-datasets/SID/Sony.zip (25 GB)"
NAME = re.compile(r"(?P<scene>\d{5})_(?P<frame>\d{2})_(?P<seconds>[\d.]+)s$")


def sid_pairs(folder: Path, split: Split) -> list[RawPair]:
    """The pairs of a split: the first frame of each burst of each exposure, and the scene's long exposure.

    Args:
        folder: holds `Sony/short` and `Sony/long` (or `short` and `long`).
        split: the first digit of a scene is 0 for "train", 1 for "test", 2 for "validation".

    Raises:
        InputError: a folder or a long exposure is missing; the message says where it should be and where to get it.
    """
    root = set_folder(folder, "Sony", ("short", "long"), "SID", SOURCE)
    longs: dict[str, tuple[Path, float]] = {}
    for path in raw_files(root / "long"):
        if match := NAME.match(path.stem):
            longs.setdefault(match["scene"], (path, float(match["seconds"])))
    pairs = []
    for path in raw_files(root / "short"):
        match = NAME.match(path.stem)
        if match is None or match["frame"] != "00" or not match["scene"].startswith(FIRST_DIGIT[split]):
            continue
        scene = match["scene"]
        if scene not in longs:
            raise InputError(f"{root / 'long'}: the long exposure {scene}_00_*s.ARW is missing; get SID from {SOURCE}.")
        clean, seconds = longs[scene]
        ratio = min(seconds / float(match["seconds"]), MAX_RATIO)
        pairs.append(RawPair(path, clean, path.stem, ratio, scene in MISALIGNED))
    if not pairs:
        scenes = f"{split} scenes ({FIRST_DIGIT[split]}*_00_*s.ARW)"
        raise InputError(f"{root / 'short'}: holds no {scenes}; get SID from {SOURCE}.")
    return pairs
