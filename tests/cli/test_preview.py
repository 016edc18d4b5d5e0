"""`darkdiff preview`, as a user runs it: what stands where on the sheet, and what happens to bad files."""

import json
from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pytest

from darkdiff_cli.colour import srgb_decode
from darkdiff_cli.raw import ExposureSettings, read_exposure
from tests.cli.sheets import BELOW, FAILED, FIRST, GROUND, LEFT, MARK, TEXT, auto_alone, run, written


@pytest.fixture(scope="module")
def three(turned, tmp_path_factory):
    """The plain case, run once: two turned raws, and a file that is none between them."""
    folder = tmp_path_factory.mktemp("three")
    (folder / "bad.dng").write_text("no raw at all")
    paths = [turned(6), folder / "bad.dng", turned(8)]
    done = run(*paths, "-o", folder / "sheet.tif", "--json")
    return done, paths, iio.imread(folder / "sheet.tif")


def test_a_bad_file_is_one_sentence_on_stderr_and_in_its_row(three) -> None:
    done, paths, sheet = three
    assert done.exit_code == 1
    found = json.loads(done.stdout)
    assert [entry["file"] for entry in found["files"]] == [str(paths[0]), str(paths[2])]
    assert [failure["file"] for failure in found["failed"]] == [str(paths[1])]
    assert done.stderr.splitlines() == [f"darkdiff: {found['failed'][0]['error']}"]
    top = FIRST + 56 + BELOW + 8  # below the first row
    assert written(sheet, "bad.dng", 8, top, 20)
    reason = found["failed"][0]["error"].removeprefix(f"{paths[1]}: ")
    assert reason.startswith("is no raw file")
    assert written(sheet, reason, 8, top + 30, 15, FAILED)
    assert (sheet[top + 30 + 20 : top + 30 + 22 + 8] == GROUND).all()  # and no room is left for pictures


def test_json_tells_the_automatic_ratio_and_the_others(three) -> None:
    done, paths, _ = three
    found = json.loads(done.stdout)
    for entry, path in zip(found["files"], (paths[0], paths[2]), strict=True):
        auto = read_exposure(path, ExposureSettings()).ratio
        assert entry["ratio"] == auto
        assert entry["ratios"] == [auto / 4, auto / 2, auto, auto * 2, auto * 4]
        assert entry["balances"] == {"camera": auto}
        assert entry["at"] == [50, 50]


@pytest.mark.parametrize(("row", "bright"), [(0, (5, 28)), (2, (44, 5))], ids=["orientation 6", "orientation 8"])
def test_pictures_are_upright_and_in_their_places(three, row: int, bright: tuple[int, int]) -> None:
    _, paths, sheet = three
    top = {0: FIRST - 30, 2: FIRST + 56 + BELOW + 8 + 30 + 22 + 8}[row]
    assert written(sheet, paths[row].name, 8, top, 20)
    for left in LEFT[2:3] + LEFT[5:]:
        cell = sheet[top + 30 : top + 30 + 56, left : left + 40].astype(int).sum(axis=-1)
        down, across = bright
        inside = np.zeros((56, 40), bool)
        inside[down : down + 7, across : across + 7] = True
        assert cell[inside].mean() > 1.3 * cell[~inside].mean()


def test_the_automatic_ratio_is_marked_and_no_other(three) -> None:
    done, _, sheet = three
    auto = json.loads(done.stdout)["files"][0]["ratio"]
    top = FIRST
    for number, left in enumerate(LEFT):
        marked = number == 2
        around = sheet[top - 3 : top + 59, left - 3 : left + 43]
        for border in (around[:3], around[-3:], around[:, :3], around[:, -3:]):
            assert (border == (MARK if marked else GROUND)).all()
    labels = [f"x{auto * 2.0**stop:.4g}, wb camera" for stop in (-2, -1, 0, 1, 2)]
    labels[2] = f"x{auto:g} auto, wb camera"
    for number, (left, label) in enumerate(zip(LEFT, labels, strict=False)):
        assert written(sheet, label, left, top + 56 + 3, 15, MARK if number == 2 else TEXT)
    assert written(sheet, f"1:1 at 50,50, x{auto:g} auto", LEFT[5], top + 56 + 3, 15)
    assert sheet.shape[1] == 1377


def test_light_doubles_from_picture_to_picture(turned, tmp_path: Path) -> None:
    options = ("--ratio", 10, "--ratio", 40, "--ratio", 20, "--white", "file", "--json")
    done = run(turned(1), "-o", tmp_path / "sheet.tif", *options)
    assert json.loads(done.stdout)["files"][0]["ratios"][:3] == [10, 20, 40]
    sheet = iio.imread(tmp_path / "sheet.tif").astype(np.float32) / 255
    light = [srgb_decode(sheet[FIRST : FIRST + 40, left : left + 56]).mean() for left in LEFT[:3]]
    assert light[1] / light[0] == pytest.approx(2, rel=0.05)
    assert light[2] / light[1] == pytest.approx(2, rel=0.05)


def test_files_of_one_name_show_their_folders(turned, tmp_path: Path) -> None:
    copies = [tmp_path / night / "IMG.dng" for night in ("one", "two")]
    for copy in copies:
        copy.parent.mkdir()
        copy.write_bytes(turned(1).read_bytes())
    assert run(*copies, "-o", tmp_path / "s.tif", *auto_alone(turned(1))).exit_code == 0
    sheet = iio.imread(tmp_path / "s.tif")
    assert written(sheet, "one/IMG.dng", 8, 38, 20)
    assert written(sheet, "two/IMG.dng", 8, FIRST + 40 + BELOW + 8, 20)
