"""Photos are called the same on every system, and no two of them are one file on any."""

import itertools
import unicodedata
from pathlib import Path

import pytest
from typer.testing import CliRunner

from darkdiff_cli.app import app
from darkdiff_cli.batch.jobs import find_jobs
from darkdiff_cli.errors import OutputError
from darkdiff_cli.files import check_name, check_windows, checks
from darkdiff_cli.names import folded, numbered, photo_stems, windows_refuses

COMPOSED, DECOMPOSED = (unicodedata.normalize(form, "Nuit d'été") for form in ("NFC", "NFD"))


@pytest.mark.parametrize(
    ("raws", "stems"),
    [
        (["a.ARW", "b.ARW"], ["a", "b"]),
        (["a.arw", "a.nef"], ["a_arw", "a_nef"]),
        (["IMG.ARW", "img.dng"], ["IMG_ARW", "img_dng"]),
        (["IMG.ARW", "img.arw"], ["IMG_ARW", "img_arw_2"]),
        (["STRASSE.dng", "straße.dng"], ["STRASSE_dng", "straße_dng_2"]),
        ([f"{COMPOSED}.dng", f"{DECOMPOSED}.dng"], [f"{COMPOSED}_dng", f"{DECOMPOSED}_dng_2"]),
        (["\u1fb4.dng", "\u03b1\u0345\u0301.dng"], ["\u1fb4_dng", "\u03b1\u0345\u0301_dng_2"]),  # alpha with two marks
        (["A/x.dng", "a/x.dng", "b/x.dng"], ["A/x_dng", "a/x_dng_2", "b/x"]),
        (["a.arw", "a.nef", "a_arw.dng"], ["a_arw", "a_nef", "a_arw_2"]),
        (["X.dng", "x.dng", "x_dng_2.dng"], ["X_dng", "x_dng_3", "x_dng_2"]),
        (["a.b.dng", "a.dng"], ["a.b", "a"]),
    ],
)
def test_names_are_told_apart_by_suffix_and_then_by_number(raws: list[str], stems: list[str]) -> None:
    assert numbered(photo_stems(raws)) == stems


def test_whatever_a_folder_holds_no_two_photos_are_one_file() -> None:
    pieces = ("x", "X", "x_dng", "X_DNG", "x_dng_2", "x_2", f"{COMPOSED}", f"{DECOMPOSED}", "x_arw")
    raws = [f"{stem}.{kind}" for stem, kind in itertools.product(pieces, ("dng", "DNG", "arw", "nef"))]
    stems = numbered(photo_stems(raws))
    assert len({folded(stem) for stem in stems}) == len(raws) == 36


def test_a_batch_gives_twins_photos_of_their_own(tmp_path: Path) -> None:
    for name in ("IMG.ARW", "img.arw", "Img_DARKDIFF.DNG"):  # the last is the program's own
        (tmp_path / name).write_bytes(b"raw")
    jobs = find_jobs(tmp_path, tmp_path / "out", ".jpg")
    names = [path.name for path in sorted(tmp_path.iterdir())]
    if len(names) < 3:
        pytest.skip("this file system knows no case")
    assert [(job.relative, job.photo) for job in jobs] == [
        ("IMG.ARW", "IMG_ARW_darkdiff.jpg"),
        ("img.arw", "img_arw_2_darkdiff.jpg"),
    ]


@pytest.mark.parametrize(
    "names", [("IMG.ARW", "img.arw"), (f"{COMPOSED}.dng", f"{DECOMPOSED}.dng"), ("a/x.dng", "b/X.dng")]
)
def test_enhance_refuses_photos_that_would_be_one_file(names: tuple[str, str], tmp_path: Path) -> None:
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"raw")
    done = CliRunner().invoke(app, ["enhance", *(str(tmp_path / name) for name in names), "-o", str(tmp_path / "out")])
    assert done.exit_code == 2
    assert "would both write" in done.stderr
    assert names[0] in done.stderr
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("CON.jpg", "is the name of a device"), ("con.backup_darkdiff.jpg", "is the name of a device"),
        ("NUL", "is the name of a device"), ("Lpt1 .tif", "is the name of a device"), ("COM².jpg", "is the name"),
        ("photo .", "ends in a dot or a space"), ("photo.jpg ", "ends in a dot or a space"),
        ("2024:05:01.jpg", "has ':' in it"), ("a\nb.jpg", r"has '\n' in it"), ("what?.jpg", "has '?' in it"),
    ],
)  # fmt: skip
def test_what_windows_refuses_is_one_sentence(name: str, why: str, tmp_path: Path) -> None:
    assert str(windows_refuses(name)).startswith(why)
    with pytest.raises(OutputError, match="which no file on Windows may; rename the raw, or give a name with -o"):
        check_windows(tmp_path / name, long_paths=True)


@pytest.mark.parametrize(
    "name", ["CON_darkdiff.jpg", "COM0.jpg", "COM10.jpg", "console.jpg", "photo ._darkdiff.jpg", ".x"]
)
def test_what_only_looks_refused_is_not(name: str, tmp_path: Path) -> None:
    assert windows_refuses(name) is None
    check_windows(tmp_path / name, long_paths=False)


def test_windows_counts_the_partial_file_too() -> None:
    """A name of five letters fits where its partial file, of 34, does not."""
    root = Path.cwd().anchor
    fits, too_long = (Path(root + "d" * (length - len(root))) for length in (259 - 34 - 1, 259 - 34))
    check_windows(fits / "a.jpg", long_paths=False)
    with pytest.raises(OutputError, match="is longer than the 259 characters that this Windows takes; choose a folder"):
        check_windows(too_long / "a.jpg", long_paths=False)
    check_windows(too_long / "a.jpg", long_paths=True)
    with pytest.raises(OutputError, match="is longer than the 259 characters"):
        check_windows(fits / ("n" * 36), long_paths=False)


def test_windows_is_asked_on_windows_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check_name(tmp_path / "2024:05:01.jpg")
    monkeypatch.setattr(checks.os, "name", "nt")
    target = tmp_path / "2024:05:01.jpg"
    with pytest.raises(OutputError, match="which no file on Windows may"):
        check_name(target)
