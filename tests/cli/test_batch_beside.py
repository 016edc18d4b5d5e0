"""A batch beside another one, and beside what stands in the place of its own files."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from darkdiff_cli.batch.claims import FOLDER
from darkdiff_cli.batch.ledger import NAME, Entry, Ledger
from tests.cli.test_batch import darkdiff


@pytest.mark.skipif(sys.platform == "win32", reason="links by permission only, and no pipes in folders")
@pytest.mark.parametrize("name", [NAME, FOLDER])
@pytest.mark.parametrize("kind", ["pipe", "link", "other"])
def test_what_stands_in_the_place_of_the_batchs_own_files_is_said_by_its_name(
    kind: str, name: str, dark_dng: Path, model_folder: Path, tmp_path: Path
) -> None:
    output, raws = tmp_path / "out", tmp_path / "raws"
    for folder in (output, raws):
        folder.mkdir()
    shutil.copy(dark_dng, raws)
    place = output / name
    if kind == "pipe":
        os.mkfifo(place)
    elif kind == "link":
        place.symlink_to("/dev/null")
    else:
        place.mkdir() if name == NAME else place.touch()
    done = darkdiff("batch", raws, "-o", output, "--model", model_folder, "--ratio", 200)
    assert done.exit_code == 2
    assert done.stderr.startswith(f"darkdiff: {place}: is ")
    assert list(output.iterdir()) == [place]


def test_a_ledger_line_with_an_endless_name_is_passed_over(dark_dng: Path, model_folder: Path, tmp_path: Path) -> None:
    shutil.copy(dark_dng, tmp_path)
    Ledger(tmp_path / "darkdiff").append(Entry("k", "a.dng", "x" * 5000, "done", ratio=1.0, seconds=1.0))
    done = darkdiff("batch", tmp_path, "--model", model_folder, "--ratio", 200)
    assert done.exit_code == 0, done.stderr


def test_two_batches_of_two_folders_into_one_lose_no_photo(dark_dng: Path, model_folder: Path, tmp_path: Path) -> None:
    """Side by side as one after the other: a photo's name goes to the first, and the second is told of each."""
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        for number in range(3):
            shutil.copy(dark_dng, tmp_path / name / f"{number}.dng")
    words = ["-o", tmp_path / "out", "--model", model_folder, "--ratio", "200", "--json"]
    program = [sys.executable, "-m", "darkdiff_cli", "batch"]
    runs = [subprocess.Popen([*program, tmp_path / name, *words], stdout=subprocess.PIPE) for name in ("a", "b")]
    said = [json.loads(run.communicate()[0]) for run in runs]
    made = {name: {entry["output"] for entry in run["done"]} for name, run in zip("ab", said, strict=True)}
    assert len(made["a"] | made["b"]) == len(made["a"]) + len(made["b"]) == 3
    assert [len(run["done"]) + len(run["failed"]) for run in said] == [3, 3]
    assert all("is kept, since it was made of" in entry["error"] for run in said for entry in run["failed"])
    newest = {entry.output: Path(entry.folder).name for entry in Ledger(tmp_path / "out").entries().values()}
    assert newest == {photo: name for name in "ab" for photo in made[name]}
