"""Which finished picture belongs to which raw."""

import re
from pathlib import Path

import pytest

from darkdiff_cli.errors import SettingsError
from darkdiff_cli.evaluation.methods.finished import pictures_of
from darkdiff_cli.evaluation.methods.given import named


def placed(folder: Path, *names: str) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    return folder


def test_a_picture_has_the_name_of_its_raw_and_lies_anywhere(tmp_path: Path) -> None:
    raws = [Path("/data/short/00001_00_0.1s.ARW"), Path("/data/short/00001_01_0.1s.ARW"), Path("/data/short/b.ARW")]
    folder = placed(tmp_path, "00001_00_0.1s.PNG", "deep/er/b.tif", "other.tif", "00001_01_0.1s.txt")
    assert pictures_of(raws, folder) == {raws[0]: folder / "00001_00_0.1s.PNG", raws[2]: folder / "deep/er/b.tif"}


def test_raws_of_one_name_are_told_by_their_folders(tmp_path: Path) -> None:
    raws = [Path(f"/eld/{camera}/scene-{scene}/IMG_0004.CR2") for camera in ("a", "b") for scene in (1, 2)]
    folder = placed(tmp_path, *(f"{raw.parent.relative_to('/eld')}/IMG_0004.jpg" for raw in raws[:3]), "IMG_0004.jpg")
    assert pictures_of(raws, folder) == {
        raw: folder / raw.parent.relative_to("/eld") / "IMG_0004.jpg" for raw in raws[:3]
    }


@pytest.mark.parametrize("names", [("a.tif", "a.png"), ("x/a.tif", "y/a.tif")])
def test_two_pictures_of_one_raw_are_refused(names: tuple[str, str], tmp_path: Path) -> None:
    folder = placed(tmp_path, *names)
    with pytest.raises(SettingsError, match=re.escape("could both be the picture of /data/a.ARW; leave one of them")):
        pictures_of([Path("/data/a.ARW")], folder)


@pytest.mark.parametrize(
    ("word", "parts"),
    [
        ("mine=python a.py --x=3 {in}", ("mine", "python a.py --x=3 {in}")),
        ("python a.py --x=3 {in} {out}", (None, "python a.py --x=3 {in} {out}")),
        ("runs/lr=3", (None, "runs/lr=3")),
        ("PMRID-2=C:\\out", ("PMRID-2", "C:\\out")),
    ],
)
def test_a_name_stands_before_the_first_sign(word: str, parts: tuple[str | None, str]) -> None:
    assert named(word) == parts
