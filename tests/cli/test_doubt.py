"""`enhance --doubt` as a user runs it."""

import json
import struct
from pathlib import Path

from PIL import Image
from typer.testing import CliRunner

from darkdiff_cli.app import app
from darkdiff_cli.photo.doubt_map import LEGEND


def enhance(*words: object):
    return CliRunner().invoke(app, ["enhance", *map(str, words), "--ratio", "100", "--device", "cpu", "--json"])


def test_a_map_lies_beside_the_photo(dark_dng: Path, model_folder: Path, tmp_path: Path) -> None:
    photo, doubt = tmp_path / "night.jpg", tmp_path / "doubt.png"
    done = enhance(dark_dng, "--model", model_folder, "-o", photo, "--doubt", doubt, "--strength", 0.5)
    assert done.exit_code == 0, done.stderr
    [result] = json.loads(done.stdout)["files"]
    assert result["doubt_map"] == str(doubt)
    assert result["strength"] == 0.5
    assert 0 < result["doubt"] < 0.2
    with Image.open(photo) as made, Image.open(doubt) as shown:
        assert shown.height == made.height + LEGEND
    again = enhance(dark_dng, "--model", model_folder, "-o", tmp_path / "other.jpg", "--doubt", doubt)
    assert again.exit_code == 2
    assert f"{doubt}: exists" in again.stderr
    assert not (tmp_path / "other.jpg").exists()
    nowhere = enhance(dark_dng, "--model", model_folder, "-o", tmp_path / "other.jpg", "--doubt", "no/map.png")
    assert nowhere.stderr == "darkdiff: no: no such folder; create it or choose another with --doubt.\n"
    assert (nowhere.exit_code, (tmp_path / "other.jpg").exists()) == (2, False)


def test_the_map_of_an_upright_photo_is_upright(dark_dng: Path, model_folder: Path, tmp_path: Path) -> None:
    data = dark_dng.read_bytes()
    landscape = struct.pack("<HHIHH", 274, 3, 1, 1, 0)  # the tag of the orientation
    assert landscape in data
    portrait = tmp_path / "portrait.dng"
    portrait.write_bytes(data.replace(landscape, struct.pack("<HHIHH", 274, 3, 1, 6, 0)))
    photo, doubt = tmp_path / "night.jpg", tmp_path / "doubt.png"
    done = enhance(portrait, "--model", model_folder, "-o", photo, "--doubt", doubt)
    assert done.exit_code == 0, done.stderr
    with Image.open(photo) as made, Image.open(doubt) as shown:
        assert made.height > made.width
        assert shown.height == made.height + LEGEND


def test_the_maps_of_several_photos_go_into_a_folder(shoot, model_folder: Path, tmp_path: Path) -> None:
    raws = [shoot(tmp_path / f"{name}.dng", 100.0, 0.1) for name in ("a", "b")]
    one = enhance(*raws, "--model", model_folder, "--doubt", tmp_path / "map.png")
    assert one.exit_code == 2
    assert "is one file, but there are 2 inputs" in one.stderr
    done = enhance(*raws, "--model", model_folder, "--doubt", tmp_path / "maps")
    assert done.exit_code == 0, done.stderr
    names = sorted(path.name for path in (tmp_path / "maps").iterdir())
    assert names == ["a_darkdiff_doubt.png", "b_darkdiff_doubt.png"]
    assert [one["doubt_map"] for one in json.loads(done.stdout)["files"]] == [str(tmp_path / "maps" / n) for n in names]
