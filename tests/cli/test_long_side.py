"""`--long-side` as a user runs it: every format has the smaller picture, and all that is said of it is true."""

import json
import struct
from pathlib import Path

import exifread
import numpy as np
import pytest
from PIL import Image

from darkdiff_cli.batch.album.previews import kept_preview
from darkdiff_cli.batch.ledger import Ledger
from darkdiff_cli.colour import srgb_encode
from darkdiff_cli.photo.doubt_map import LEGEND
from darkdiff_cli.raw.resizing import no_longer
from tests.cli.test_batch import darkdiff
from tests.unit.photo.kinds import ALL, stored

LARGE, SMALL = (40, 56), (24, 34)  # rows and columns of the photo, and of one whose longer side has 34 pixels


@pytest.mark.parametrize(("kind", "depth", "name"), ALL)
def test_every_format_holds_the_smaller_picture(kind, depth, name, dark_dng, model_folder, tmp_path: Path) -> None:
    words = ("enhance", dark_dng, "--model", model_folder, "--bit-depth", depth, "--ratio", 200, "--json", "--quiet")
    done = darkdiff(*words, "-o", tmp_path / name, "--long-side", 34)
    assert done.exit_code == 0, done.stderr
    [said] = json.loads(done.stdout)["files"]
    small = stored(tmp_path / name, kind, depth)
    assert (said["height"], said["width"]) == small.shape[:2] == SMALL
    assert b'darkdiff:long_side="34"' in (tmp_path / name).read_bytes()
    if depth == 32:  # whatever leaves sRGB is put on afterwards, which nothing of this picture does
        (tmp_path / "large").mkdir()
        assert darkdiff(*words, "-o", tmp_path / "large" / name).exit_code == 0
        large = stored(tmp_path / "large" / name, kind, depth)
        assert large.shape[:2] == LARGE
        assert np.abs(srgb_encode(small) - no_longer(srgb_encode(large), 34)).max() < 0.02


def test_a_picture_that_is_no_longer_keeps_its_size(dark_dng, model_folder, tmp_path: Path) -> None:
    photo = tmp_path / "a.jpg"
    done = darkdiff("enhance", dark_dng, "--model", model_folder, "-o", photo, "--long-side", 56)
    assert done.exit_code == 0, done.stderr
    with Image.open(photo) as made:
        assert made.size == LARGE[::-1]


def test_a_portrait_is_as_long_and_its_exif_thumbnail_and_map_say_so(dark_dng, model_folder, tmp_path: Path) -> None:
    landscape = struct.pack("<HHIHH", 274, 3, 1, 1, 0)  # the tag of the orientation
    raw, photo, doubt = tmp_path / "portrait.dng", tmp_path / "a.jpg", tmp_path / "map.png"
    raw.write_bytes(dark_dng.read_bytes().replace(landscape, struct.pack("<HHIHH", 274, 3, 1, 6, 0)))
    done = darkdiff("enhance", raw, "--model", model_folder, "-o", photo, "--long-side", 34, "--doubt", doubt)
    assert done.exit_code == 0, done.stderr
    assert ", 24x34, " in done.stderr
    with Image.open(photo) as made, Image.open(doubt) as shown:
        assert made.size == (24, 34)
        assert shown.height == 34 + LEGEND
    with photo.open("rb") as file:
        tags = exifread.process_file(file)
    assert [tags[f"EXIF Exif{side}"].values for side in ("ImageWidth", "ImageLength")] == [[24], [34]]
    assert "JPEGThumbnail" in tags


def test_a_batch_and_its_page_have_the_smaller_photos(shoot, model_folder: Path, tmp_path: Path) -> None:
    shoot(tmp_path / "IMG.dng", 100.0, 0.1)
    words = ("batch", tmp_path, "--model", model_folder, "--json", "--long-side", 34)
    done = darkdiff(*words)
    assert done.exit_code == 0, done.stderr
    root = tmp_path / "darkdiff"
    with Image.open(root / "IMG_darkdiff.jpg") as made:
        assert made.size == SMALL[::-1]
    [entry] = Ledger(root).entries().values()
    preview = kept_preview(root, entry.output, entry.key)
    assert preview is not None
    assert (preview.height, preview.width) == SMALL
    assert json.loads(darkdiff(*words).stdout)["skipped"] == 1


def test_a_side_of_next_to_nothing_is_wrong_use(dark_dng: Path, tmp_path: Path) -> None:
    done = darkdiff("enhance", dark_dng, "-o", tmp_path / "a.jpg", "--long-side", 15)
    assert done.exit_code == 2
    assert "--long-side" in done.stderr
    assert not (tmp_path / "a.jpg").exists()
