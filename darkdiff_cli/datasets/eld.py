"""`eld:DIR`: the extreme low-light dataset of Wei et al. (CVPR 2020), a test set."""

import re
from pathlib import Path

from darkdiff_cli.datasets.rawpairs import RawPair, raw_files
from darkdiff_cli.errors import InputError

SOURCE = "https://github.com/Vandermode/ELD (link to 11.5 GB)"
REFERENCES = (1, 6, 11, 16)  # image numbers of the well-exposed frames, before, between and after the dark ones
DARK = {100: (4, 9, 14), 200: (5, 10, 15)}  # nominal ratio -> image numbers, at ISO 800, 1600, 3200
SCENES = range(1, 11)
NUMBER = re.compile(r"(\d+)$")


def eld_pairs(folder: Path, ratio: int, camera: str | None = None) -> list[RawPair]:
    """The pairs of one nominal ratio, each dark frame with the nearest reference.

    Args:
        folder: holds one folder per camera (`SonyA7S2/scene-1/IMG_0004.ARW`), or is such a folder.
        ratio: 100 or 200. The exact ratio comes from each pair's ISO and exposure time.
        camera: name of one camera's folder; None for all.

    Raises:
        InputError: a scene or an image is missing; the message says where it should be and where to get it.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; get ELD from {SOURCE}.")
    cameras = [folder] if _is_camera(folder) else sorted(p for p in folder.iterdir() if _is_camera(p))
    if camera is not None:
        cameras = [path for path in cameras if path.name == camera]
    if not cameras:
        raise InputError(f"{folder}: holds no {camera or 'camera'}/scene-1; get ELD from {SOURCE}.")
    return [pair for path in cameras for scene in SCENES for pair in _scene(path / f"scene-{scene}", ratio)]


def other_reference(path: Path) -> Path | None:
    """Another well-exposed frame of the same scene; None if the file is no ELD reference, or the only one."""
    match = NUMBER.search(path.stem)
    if match is None or int(match[1]) not in REFERENCES:
        return None
    others = {int(m[1]): p for p in raw_files(path.parent) if (m := NUMBER.search(p.stem)) and p != path}
    return next((others[number] for number in REFERENCES if number in others), None)


def _is_camera(folder: Path) -> bool:
    return (folder / "scene-1").is_dir()


def _scene(folder: Path, ratio: int) -> list[RawPair]:
    if not folder.is_dir():
        raise InputError(f"{folder}: this scene of ELD is missing; get it from {SOURCE}.")
    files = {int(match[1]): path for path in raw_files(folder) if (match := NUMBER.search(path.stem))}
    pairs = []
    for number in DARK[ratio]:
        nearest = min(REFERENCES, key=lambda reference: abs(reference - number))
        for needed in (number, nearest):
            if needed not in files:
                raise InputError(f"{folder}: the image IMG_{needed:04d} is missing; get ELD from {SOURCE}.")
        name = f"{folder.parent.name}/{folder.name}/{files[number].stem}"
        pairs.append(RawPair(files[number], files[nearest], name))
    return pairs
