"""`scenes:DIR`: a folder of the user's own pairs: dark raws beside clean ones, or beside pictures of the truth."""

import re
from collections.abc import Sequence
from pathlib import Path

from darkdiff_cli.datasets.rawpairs import RawPair, raw_files
from darkdiff_cli.errors import InputError
from darkdiff_cli.raw import RAW_SUFFIXES
from darkdiff_cli.words import counted

SCENE_NAME = re.compile(r"(?P<scene>.+)_x(?P<ratio>\d{1,9}(\.\d+)?)$")
SAID = 5  # names of raws that are left out
TRUTH_SUFFIXES = (".png", ".tif", ".tiff")


def scene_pairs(folder: Path) -> list[RawPair]:
    """`NAME_clean.*` with `NAME_xN.*` beside it; or folders `noisy` and `clean` with files of the same names.

    Raises:
        InputError: the folder is missing, or neither layout is there.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; give scenes:DIR with NAME_clean.dng and NAME_x100.dng.")
    if (folder / "noisy").is_dir() and (folder / "clean").is_dir():
        twins = {path.stem: path for path in raw_files(folder / "clean")}
        noisy = [path for path in raw_files(folder / "noisy") if path.stem in twins]
        return [RawPair(path, twins[path.stem], path.stem) for path in noisy]
    files = _raws(folder)
    cleans = {path.with_name(path.stem.removesuffix("_clean")): path for path in files if path.stem.endswith("_clean")}
    pairs = []
    for path in files:
        match = _named(path)
        clean = cleans.get(path.with_name(match["scene"])) if match else None
        if match and clean is not None:
            pairs.append(RawPair(path, clean, path.stem, float(match["ratio"])))
    if not pairs:
        raise InputError(f"{folder}: holds neither NAME_clean.* with NAME_xN.* nor the folders noisy and clean.")
    return pairs


def truth_pairs(folder: Path) -> list[RawPair]:
    """`NAME_truth.png` or `.tif` with `NAME_xN.*` beside it; `a_xt_x16.dng` has the truth `a_xt`, else `a`.

    Returns:
        Pairs whose `clean` is the picture.

    Raises:
        InputError: the folder is missing, or holds no such files.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; give scenes:DIR with NAME_truth.png and NAME_x100.dng.")
    pictures = (path for path in sorted(folder.rglob("*_truth.*")) if path.suffix.lower() in TRUTH_SUFFIXES)
    truths = {path.with_name(path.stem.removesuffix("_truth")): path for path in pictures}
    pairs = []
    for path in _raws(folder):
        match = _named(path)
        words = match["scene"].split("_") if match else []
        names = ("_".join(words[:count]) for count in range(len(words), 0, -1))
        truth = next((truths[path.with_name(name)] for name in names if path.with_name(name) in truths), None)
        if match and truth is not None:
            pairs.append(RawPair(path, truth, path.stem, float(match["ratio"])))
    if not pairs:
        raise InputError(f"{folder}: holds no NAME_truth.png with NAME_xN.* beside it.")
    return pairs


def left_out(folder: Path, pairs: Sequence[RawPair]) -> list[str]:
    """A sentence about the raws of a folder that are in none of its pairs, or none.

    Args:
        folder: of `scene_pairs` or `truth_pairs`.
        pairs: that were found there.
    """
    used = {path for pair in pairs for path in pair.files()}
    truths = any(pair.clean.suffix.lower() in TRUTH_SUFFIXES for pair in pairs)  # then clean raws are nobody's
    alone = [path for path in _raws(folder) if path not in used and not (truths and path.stem.endswith("_clean"))]
    if not alone:
        return []
    names = ", ".join(path.relative_to(folder).as_posix() for path in alone[:SAID])
    more = f" and {len(alone) - SAID} more" if len(alone) > SAID else ""
    are = "is in no pair and is" if len(alone) == 1 else "are in no pair and are"
    return [f"{folder}: {counted(len(alone), 'raw')} {are} left out: {names}{more}."]


def _named(path: Path) -> "re.Match[str] | None":
    """The parts of NAME_xN; None of another name, and of an N that amplifies nothing."""
    match = SCENE_NAME.match(path.stem)
    return match if match is not None and float(match["ratio"]) > 0 else None


def _raws(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.rglob("*")) if path.suffix.lower() in RAW_SUFFIXES]
