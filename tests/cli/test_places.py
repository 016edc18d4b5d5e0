"""Names and places as file systems really have them: every photo is made, or a sentence says why not."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from darkdiff_cli.batch.ledger import NAME
from darkdiff_cli.enhancer import Enhancer
from darkdiff_cli.errors import InputError
from darkdiff_cli.files import unchanged
from darkdiff_cli.raw import ExposureSettings, read_exposure
from tests.cli.test_batch import darkdiff
from tests.conftest import run_darkdiff, run_here

NOT_UTF8 = os.fsdecode(b"Nuit d'\xe9t\xe9.dng")
LONG = "n" * 236 + ".dng"  # its photo has 249 bytes, and a temporary name made from that would have more than 255


NAMES = (NOT_UTF8, LONG, "-o.dng", "a b\nc.dng", "100 % {x}.dng", "雪.dng")


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no names that are no UTF-8")
def test_any_name_is_a_name(dark_dng: Path, model_folder: Path, tmp_path: Path) -> None:
    raws = [tmp_path / name for name in NAMES]
    for raw in raws:
        shutil.copy(dark_dng, raw)
    command = [sys.executable, "-m", "darkdiff_cli", "enhance", *raws, "--model", model_folder, "--ratio", "200"]
    done = subprocess.run(command, capture_output=True, check=False, env={**os.environ, "LC_ALL": "C.UTF-8"})
    assert done.returncode == 0, done.stderr
    photos = [raw.with_name(f"{raw.stem}_darkdiff.jpg") for raw in raws]
    assert done.stdout == b"".join(os.fsencode(photo) + b"\n" for photo in photos)
    assert sorted(tmp_path.iterdir()) == sorted([*raws, *photos])


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no names that are no UTF-8")
def test_a_batch_takes_any_name(dark_dng: Path, model_folder: Path, tmp_path: Path) -> None:
    folder = tmp_path / "night"
    folder.mkdir()
    for name in (NOT_UTF8, LONG):
        shutil.copy(dark_dng, folder / name)
    page = tmp_path / "page.html"
    words = ("batch", folder, "--model", model_folder, "--ratio", 150, "--json", "--report", page)
    done = run_darkdiff(*words)
    assert done.returncode == 0, done.stderr
    assert sorted(entry["source"] for entry in json.loads(done.stdout)["done"]) == sorted([NOT_UTF8, LONG])
    assert len(list((folder / "darkdiff").glob("*.jpg"))) == 2
    assert page.read_text("utf-8").count("<article") == 2
    again = run_here(*words)
    assert json.loads(again.stdout)["skipped"] == 2


def test_a_name_that_cannot_be_is_said_before_the_work(dark_dng: Path, model_folder: Path, tmp_path: Path) -> None:
    raw = tmp_path / ("n" * 245 + ".dng")
    shutil.copy(dark_dng, raw)
    done = darkdiff("enhance", raw, dark_dng, "-o", tmp_path / "out", "--model", model_folder, "--ratio", 200)
    assert done.exit_code == 1
    assert "longer than 255 bytes" in done.stderr
    assert "read" not in [line.split()[0] for line in done.stderr.splitlines() if line]
    assert os.listdir(tmp_path / "out") == ["dark_darkdiff.jpg"]
    shutil.copy(dark_dng, tmp_path / "IMG.dng")
    batch = darkdiff("batch", tmp_path, "-o", tmp_path / "all", "--model", model_folder, "--ratio", 200, "--json")
    assert batch.exit_code == 1
    found = json.loads(batch.stdout)
    assert [entry["source"] for entry in found["done"]] == ["IMG.dng"]
    assert "longer than 255 bytes" in found["failed"][0]["error"]
    assert darkdiff("enhance", dark_dng, "-o", tmp_path / ("m" * 260), "--model", model_folder).exit_code == 2


@pytest.mark.parametrize("name", ["x.gif", "x.ARW", "x.psd", "x.JP2", "photos.v2", ".hidden.heic"])
@pytest.mark.parametrize("command", ["enhance", "batch"])
def test_an_unknown_suffix_is_refused_and_no_folder_is_made(command: str, name: str, dark_dng, tmp_path: Path) -> None:
    raw = tmp_path / "night" / "IMG.dng"
    raw.parent.mkdir()
    shutil.copy(dark_dng, raw)
    done = darkdiff(command, raw if command == "enhance" else raw.parent, "-o", tmp_path / name)
    assert done.exit_code == 2
    assert name in done.stderr
    assert ".jpg, .jpeg, .tif, .tiff" in " ".join(done.stderr.split())
    assert [path.name for path in tmp_path.iterdir()] == ["night"]


def test_a_batch_writes_no_folder_called_like_a_photo(dark_dng: Path, tmp_path: Path) -> None:
    done = darkdiff("batch", dark_dng.parent, "-o", tmp_path / "x.jpg")
    assert (done.exit_code, list(tmp_path.iterdir())) == (2, [])
    assert "give a folder" in done.stderr


@pytest.mark.parametrize("name", ["2024.05.01", "out", "there.png"])
def test_a_folder_may_end_in_a_number_and_one_that_exists_in_anything(name, dark_dng, model_folder, tmp_path) -> None:
    if name == "there.png":
        (tmp_path / name).mkdir()
    done = darkdiff("enhance", dark_dng, "-o", tmp_path / name, "--model", model_folder, "--ratio", 200)
    assert done.exit_code == 0, done.stderr
    assert os.listdir(tmp_path / name) == ["dark_darkdiff.jpg"]


@pytest.mark.skipif(sys.platform != "linux", reason="a path that is too long for Linux")
def test_a_subfolder_that_cannot_be_read_is_said(dark_dng: Path, model_folder: Path, tmp_path: Path) -> None:
    folder = tmp_path / "night"
    (folder / "card 1").mkdir(parents=True)
    shutil.copy(dark_dng, folder / "card 1" / "IMG.dng")
    deeper(folder, "card 2", 17)
    words = ("batch", folder, "--recursive", "--model", model_folder, "--ratio", 150, "--json")
    preview = darkdiff(*words, "--dry-run")
    assert preview.exit_code == 1
    assert [entry["source"] for entry in json.loads(preview.stdout)["to_do"]] == ["card 1/IMG.dng"]
    made = darkdiff(*words)
    assert made.exit_code == 1
    found = json.loads(made.stdout)
    assert [entry["source"] for entry in found["done"]] == ["card 1/IMG.dng"]
    assert [entry["source"][:7] for entry in found["failed"]] == ["card 2/"]
    for said in (preview.stderr, made.stderr):
        [line] = [line for line in said.splitlines() if line.startswith("darkdiff:")]
        assert "card 2" in line
        assert "the raws in it cannot be read (File name too long); check its path" in line
    again = darkdiff(*words)
    assert (again.exit_code, json.loads(again.stdout)["skipped"]) == (1, 1)
    assert "card 2" not in (folder / "darkdiff" / NAME).read_text()


def deeper(folder: Path, name: str, levels: int) -> None:
    """Folders in folders, the last of them too deep to be read by its whole path, even by root."""
    place = os.open(folder, os.O_RDONLY)
    for part in (name, *["d" * 250] * levels):
        os.mkdir(part, dir_fd=place)
        inner = os.open(part, os.O_RDONLY, dir_fd=place)
        os.close(place)
        place = inner
    os.close(place)


@pytest.mark.parametrize("change", ["replace", "append", "touch", "remove"])
def test_a_raw_that_changes_while_it_is_read_is_one_sentence(
    change: str, dark_dng: Path, model_folder, tmp_path
) -> None:
    raw = Path(shutil.copy(dark_dng, tmp_path / "IMG.dng"))

    def reader(path: Path, settings: ExposureSettings):
        exposure = read_exposure(path, settings)
        if change == "replace":
            other = Path(shutil.copy(dark_dng, tmp_path / "other"))
            shutil.copystat(path, other)
            os.replace(other, path)
        elif change == "append":
            with path.open("ab") as file:
                file.write(b"more")
        elif change == "touch":
            os.utime(path, (1, 1))
        else:
            path.unlink()
        return exposure

    enhancer = Enhancer(str(model_folder), "cpu")
    with pytest.raises(InputError, match="was changed while it was read"):
        enhancer.decode(raw, reader, raw, ExposureSettings(ratio=200.0))


def test_what_reading_raises_of_a_file_that_changed_is_the_change(tmp_path: Path) -> None:
    path = tmp_path / "a.dng"
    path.write_bytes(b"one")
    with pytest.raises(InputError, match="was changed"), unchanged(path):
        path.write_bytes(b"half of an")
        raise InputError("truncated")
    with pytest.raises(InputError, match="truncated"), unchanged(path):
        raise InputError("truncated")


@pytest.mark.parametrize(
    "error",
    [
        ZeroDivisionError("x"),
        OSError(5, "io"),
        *(pytest.param(error, marks=pytest.mark.slow) for error in (KeyError("y"), UnicodeError("z"))),
    ],
)
def test_nothing_that_one_file_raises_stops_the_others(
    error: Exception, dark_dng: Path, model_folder: Path, tmp_path: Path, monkeypatch
) -> None:
    raws = [Path(shutil.copy(dark_dng, tmp_path / f"{name}.dng")) for name in "abc"]
    read = Enhancer.read

    def reading(self, source: Path, settings):
        if source.stem == "b":
            raise error
        return read(self, source, settings)

    monkeypatch.setattr(Enhancer, "read", reading)
    done = darkdiff("enhance", *raws, "-o", tmp_path / "out", "--model", model_folder, "--ratio", 200, "--quiet")
    assert done.exit_code == 1
    assert sorted(os.listdir(tmp_path / "out")) == ["a_darkdiff.jpg", "c_darkdiff.jpg"]
    [line] = done.stderr.splitlines()
    assert line.startswith(f"darkdiff: {raws[1]}: unexpected {type(error).__name__}: ")


@pytest.mark.parametrize("command", ["enhance", "batch"])
@pytest.mark.parametrize(
    ("output", "sentence"),
    [
        ("-", "-o -: photos are not written to standard output; give a file or a folder."),
        ("notes", "-o notes: is no folder, and its name is no photo's (.jpg, .jpeg, "),
        ("night.gif", "-o night.gif: photos are written as .jpg, .jpeg, "),
    ],
)
def test_an_output_that_can_be_no_photo_is_refused(
    command: str, output: str, sentence: str, dark_dng: Path, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("notes").write_text("mine")
    done = darkdiff(command, dark_dng if command == "enhance" else dark_dng.parent, "-o", output, "--overwrite")
    assert done.exit_code == 2
    assert done.stderr.startswith(f"darkdiff: {sentence}")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir() if path != dark_dng] == [("notes", "mine")]
