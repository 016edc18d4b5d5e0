"""What `darkdiff preview` refuses, and what becomes of its file."""

import errno
import json
from pathlib import Path

import pytest
from PIL import Image

from darkdiff_cli.photo.writer import WRITERS
from tests.cli.sheets import auto_alone, run


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--ratio", "0"), "--ratio 0"),
        (("--wb", "as-shot"), "--wb as-shot"),
        (("--at", "50"), "--at 50"),
        (("--at", "50,101"), "--at 50,101"),
        (("--ratio", 1, "--ratio", 2, "--ratio", 3, "--ratio", 4, "--ratio", 5), "at most 4"),
        (("--wb", 2000, "--wb", 3000, "--wb", 4000, "--wb", 5000, "--wb", 6000, "--wb", 7000), "at most 5"),
        (("-o", "sheet.gif"), "sheet.gif"),
        (("-o", "sheet.dng"), "sheet.dng"),
        (("-o", "sheet.avif"), "sheet.avif"),
        (("-o", "nowhere/sheet.jpg"), "no such folder"),
        (("-o", "IMG.tif"), "one of the inputs"),
        (("--model", "/nowhere/at/all"), "no model"),
    ],
)
def test_wrong_use_is_one_sentence_and_no_file(arguments, words: str, turned, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("IMG.tif").write_bytes(turned(1).read_bytes())
    output = () if "-o" in arguments else ("-o", "sheet.jpg")
    done = run("IMG.tif", *output, *arguments)
    assert done.exit_code == 2
    assert words in done.stderr
    assert done.stderr.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["IMG.tif"]


def test_a_sheet_holds_a_hundred_lines(tmp_path: Path) -> None:
    many = [tmp_path / "missing.dng"] * 101
    done = run(*many, "-o", tmp_path / "sheet.jpg")
    assert (done.exit_code, "at most 100 files" in done.stderr) == (2, True)
    done = run(*many[:51], "-o", tmp_path / "sheet.jpg", "--wb", "camera", "--wb", "auto")
    assert (done.exit_code, "at most 50 files" in done.stderr) == (2, True)
    assert list(tmp_path.iterdir()) == []


def test_an_existing_sheet_is_kept_or_replaced(turned, tmp_path: Path) -> None:
    target = tmp_path / "sheet.jpg"
    target.write_text("mine")
    arguments = (turned(1), "-o", target, *auto_alone(turned(1)))
    done = run(*arguments)
    assert (done.exit_code, target.read_text()) == (2, "mine")
    assert "--overwrite" in done.stderr
    late = run(tmp_path / "missing.dng", "-o", target)  # refused before a raw is read
    assert "--overwrite" in late.stderr
    assert "missing.dng" not in late.stderr
    done = run(*arguments, "--overwrite")
    assert (done.exit_code, done.stdout) == (0, f"{target}\n")
    with Image.open(target) as sheet:
        assert sheet.format == "JPEG"
        assert "generative" in sheet.getexif()[270]


def test_a_full_disk_leaves_no_part_of_a_sheet(turned, tmp_path: Path, monkeypatch) -> None:
    def full(path: Path, *_: object) -> None:
        path.write_bytes(b"half of it")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setitem(WRITERS, "jpeg", full)
    done = run(turned(1), "-o", tmp_path / "sheet.jpg", *auto_alone(turned(1)))
    assert (done.exit_code, "the disk is full" in done.stderr) == (2, True)
    assert list(tmp_path.iterdir()) == []


def test_nothing_but_bad_files_makes_no_sheet(tmp_path: Path) -> None:
    bad = [tmp_path / name for name in ("a.dng", "b.dng")]
    for path in bad:
        path.write_text("no raw")
    done = run(*bad, "-o", tmp_path / "sheet.jpg", "--json")
    assert done.exit_code == 2
    assert json.loads(done.stdout)["sheet"] is None
    assert sorted(tmp_path.iterdir()) == bad
