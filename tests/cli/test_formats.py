"""Formats and colour spaces from the command line to the file."""

import io
import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest
import rawpy
import tifffile
from PIL import Image, ImageCms

from darkdiff_cli.raw import read_raw
from darkdiff_cli.synthesis import write_dng
from tests.cli.test_batch import darkdiff


def test_a_dng_is_the_photo_in_a_raw(dark_dng: Path, sensor, capture, model_folder: Path, tmp_path: Path) -> None:
    """Turned upright, with the camera's matrix and the balance that was asked for."""
    raw = tmp_path / "IMG.dng"
    write_dng(raw, read_raw(dark_dng).mosaic_dn, sensor, capture, orientation=6)
    words = ("enhance", raw, "--model", model_folder, "--ratio", 200, "--wb", "2.5,1,1.6")
    for name in ("a.dng", "a.tif"):
        done = darkdiff(*words, "-o", tmp_path / name)
        assert done.exit_code == 0, done.stderr
    frame, picture = read_raw(tmp_path / "a.dng"), tifffile.imread(tmp_path / "a.tif") / 65535
    assert (frame.mosaic_dn.shape, frame.orientation) == ((56, 40, 3), 1)
    assert np.allclose(frame.white_balance, (2.5, 1.0, 1.6), rtol=1e-5)
    with rawpy.imread(str(tmp_path / "a.dng")) as opened:
        rendered = opened.postprocess(
            use_camera_wb=True, no_auto_bright=True, output_bps=16, gamma=(2.4, 12.92), adjust_maximum_thr=0.0
        )
    error = np.abs(rendered / 65535 - picture)
    assert error.mean() < 1 / 255
    assert np.quantile(error, 0.999) < 3 / 255


def test_a_batch_does_not_enhance_its_own_dngs(dark_dng: Path, model_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "IMG.dng").write_bytes(dark_dng.read_bytes())
    words = ("batch", tmp_path, "-o", tmp_path, "--format", "dng", "--model", model_folder, "--ratio", 200, "--json")
    first = darkdiff(*words)
    assert first.exit_code == 0, first.stderr
    assert [entry["output"] for entry in json.loads(first.stdout)["done"]] == ["IMG_darkdiff.dng"]
    found = json.loads(darkdiff(*words).stdout)
    assert (found["done"], found["skipped"]) == ([], 1)


def test_a_colour_space_is_in_the_photo(dark_dng: Path, model_folder: Path, tmp_path: Path) -> None:
    words = ("enhance", dark_dng, "--model", model_folder, "--ratio", 200)
    for name, colour in (("a.png", "srgb"), ("b.png", "display-p3")):
        done = darkdiff(*words, "-o", tmp_path / name, "--bit-depth", 8, "--colour", colour)
        assert done.exit_code == 0, done.stderr
    with Image.open(tmp_path / "a.png") as plain, Image.open(tmp_path / "b.png") as wide:
        wide_profile = ImageCms.ImageCmsProfile(io.BytesIO(wide.info["icc_profile"]))
        assert ImageCms.getProfileDescription(wide_profile).strip() == "Display P3"
        back = ImageCms.profileToProfile(wide, wide_profile, ImageCms.createProfile("sRGB"), 1)
        assert not np.array_equal(np.asarray(plain), np.asarray(wide))
        assert np.abs(np.asarray(back).astype(int) - np.asarray(plain)).mean() < 1


@pytest.mark.parametrize("words", [("enhance", "-o", "a.png"), ("batch", "--format", "png")], ids=" ".join)
def test_a_quality_of_what_loses_nothing_is_wrong_use(words: tuple[str, ...], dark_dng, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    command, *more = words
    done = darkdiff(command, dark_dng.parent if command == "batch" else dark_dng, *more, "--quality", 80)
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr == "darkdiff: --quality 80 does not go with png; it is for jpeg, avif, jxl or webp.\n"
    assert os.listdir(tmp_path) == []


def test_a_missing_package_is_said_before_anything_is_done(dark_dng: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "imagecodecs", None)
    done = darkdiff("enhance", dark_dng, "-o", tmp_path / "a.jxl")
    assert done.exit_code == 2
    assert "needs the package imagecodecs; run pip install 'darkdiff[formats]'." in " ".join(done.stderr.split())
    assert os.listdir(tmp_path) == []
