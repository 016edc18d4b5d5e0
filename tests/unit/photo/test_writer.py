import os
import resource
import sys
from dataclasses import replace
from fractions import Fraction
from importlib.util import find_spec
from pathlib import Path

import exifread
import numpy as np
import pytest
from PIL import Image

from darkdiff_cli.colour import srgb_decode
from darkdiff_cli.errors import OutputError, SettingsError
from darkdiff_cli.formats import KINDS
from darkdiff_cli.photo import PhotoSettings, Provenance, write_photo
from darkdiff_cli.photo.icc import profile
from darkdiff_cli.photo.spaces import SPACES
from tests.unit.photo.kinds import ALL, EXIF, stored

NOTE = Provenance(
    {
        "model": "tiny",
        "seed": 7,
        "steps": 8,
        "guidance": 1.5,
        "sampler": "ddim",
        "views": 2,
        "ratio": 240.0,
        "white": "auto",
    }
)
READ_BY_EXIFREAD = [case for case in EXIF if case.values[0] != "webp"]
TOLERANCES = {("jpeg", 8): 6, ("webp", 8): 12, ("avif", 10): 5, ("jxl", 16): 24}
"""Of formats that lose something, in 1/255. JPEG XL errs by what the eye sees: a deep blue may be far off."""
MEAN = {("jxl", 16): 1}
"""Of the errors' mean by channel, in 1/255; 2 for the others."""


@pytest.fixture
def picture() -> np.ndarray:
    y, x = np.mgrid[0:30, 0:50].astype(np.float32)
    return np.stack([x / 50, y / 30, (x + y) / 80], axis=-1)


@pytest.mark.parametrize(("kind", "depth", "name"), ALL)
def test_pixels_come_back(kind: str, depth: int, name: str, picture, capture, tmp_path: Path) -> None:
    write_photo(tmp_path / name, picture, capture, NOTE, PhotoSettings(kind, depth))
    back = stored(tmp_path / name, kind, depth)
    assert back.shape == picture.shape
    if back.dtype.kind == "f":
        assert back.dtype.itemsize * 8 == depth
        assert np.allclose(back, srgb_decode(picture), rtol=1e-3 if depth == 16 else 1e-6, atol=1e-6)
        return
    if kind == "dng":  # of a camera that sees sRGB
        assert np.abs(back / 65535 - srgb_decode(picture)).max() <= 0.51 / 65535
        return
    assert back.dtype == (np.uint8 if depth == 8 else np.uint16)
    tolerance = TOLERANCES[kind, depth] / 255 if (kind, depth) in TOLERANCES else 0.51 / (2**depth - 1)
    assert np.abs(back / (2**depth - 1) - picture).max() <= tolerance
    mean = MEAN.get((kind, depth), 2) / 255
    assert np.abs(back / (2**depth - 1) - picture).mean(axis=(0, 1)).max() <= min(tolerance, mean)


@pytest.mark.parametrize(("kind", "depth", "name"), READ_BY_EXIFREAD)
def test_metadata_is_carried_over(kind: str, depth: int, name: str, picture, capture, tmp_path: Path) -> None:
    write_photo(tmp_path / name, picture, capture, NOTE, PhotoSettings(kind, depth))
    with (tmp_path / name).open("rb") as file:
        tags = exifread.process_file(file, details=False)
    assert str(tags["Image Make"]) == "Sony"
    assert str(tags["Image Model"]) == "ILCE-7SM2"
    assert str(tags["EXIF LensModel"]) == capture.lens
    assert str(tags["EXIF ExposureTime"]) == "1/30"
    assert str(tags["EXIF FNumber"]) == "9/5"
    assert tags["EXIF ISOSpeedRatings"].values == [3200]
    assert str(tags["EXIF DateTimeOriginal"]) == capture.date
    assert [float(v) for v in tags["GPS GPSLatitude"].values] == [48.0, 51.0, 24.12]
    assert tags["Image Orientation"].values == [1]
    assert "generative" in str(tags["Image ImageDescription"])


@pytest.mark.parametrize(("kind", "depth", "name"), ALL)
def test_profile_and_note_are_embedded(kind: str, depth: int, name: str, picture, capture, tmp_path: Path) -> None:
    write_photo(tmp_path / name, picture, capture, NOTE, PhotoSettings(kind, depth))
    content = (tmp_path / name).read_bytes()
    if kind == "png":
        with Image.open(tmp_path / name) as image:
            assert image.info["icc_profile"] == profile(SPACES["srgb"])
    elif kind not in ("jxl", "exr", "dng"):  # these name their colours themselves
        assert profile(SPACES["srgb"], depth == 32) in content
    assert b"compositeWithTrainedAlgorithmicMedia" in content
    assert b'darkdiff:seed="7"' in content
    assert b'darkdiff:ratio="240.0"' in content


def test_jpeg_is_not_subsampled(picture, capture, tmp_path: Path) -> None:
    write_photo(tmp_path / "a.jpg", picture, capture, NOTE, PhotoSettings())
    with Image.open(tmp_path / "a.jpg") as image:
        assert [layer[1:3] for layer in image.layer] == [(1, 1)] * 3


def test_pure_noise_is_a_picture(capture, tmp_path: Path) -> None:
    noise = np.random.default_rng(0).random((400, 400, 3)).astype(np.float32)
    write_photo(tmp_path / "a.jpg", noise, capture, NOTE, PhotoSettings())
    assert (tmp_path / "a.jpg").stat().st_size > 2 * 400 * 400


@pytest.mark.parametrize(("kind", "depth", "name"), ALL)
def test_same_picture_is_same_bytes(kind: str, depth: int, name: str, picture, capture, tmp_path: Path) -> None:
    write_photo(tmp_path / name, picture, capture, NOTE, PhotoSettings(kind, depth))
    first = (tmp_path / name).read_bytes()
    write_photo(tmp_path / name, picture, capture, NOTE, PhotoSettings(kind, depth, overwrite=True))
    assert (tmp_path / name).read_bytes() == first


def test_a_long_name_is_a_name(picture, capture, tmp_path: Path) -> None:
    path = tmp_path / ("n" * 236 + ".jpg")
    write_photo(path, picture, capture, NOTE, PhotoSettings())
    assert os.listdir(tmp_path) == [path.name]


def test_existing_file_is_kept(picture, capture, tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_text("mine")
    with pytest.raises(OutputError, match="--overwrite"):
        write_photo(tmp_path / "a.jpg", picture, capture, NOTE, PhotoSettings())
    assert (tmp_path / "a.jpg").read_text() == "mine"


def test_failed_write_leaves_nothing(picture, capture, tmp_path: Path) -> None:
    import resource
    import signal

    old = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))  # as on a full disk, the write stops half-way
    try:
        with pytest.raises(OutputError, match="disk is full"):
            write_photo(tmp_path / "a.tif", picture, capture, NOTE, PhotoSettings("tiff", 16))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, old)
    assert list(tmp_path.iterdir()) == []


def test_missing_folder_is_one_sentence(picture, capture, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="no such folder"):
        write_photo(tmp_path / "nowhere" / "a.jpg", picture, capture, NOTE, PhotoSettings())


def test_a_pipe_is_not_replaced(picture, capture, tmp_path: Path) -> None:
    pipe = tmp_path / "a.jpg"
    os.mkfifo(pipe)
    with pytest.raises(OutputError, match=r"a\.jpg: is a device or a pipe, and no file; give a file name with -o\."):
        write_photo(pipe, picture, capture, NOTE, PhotoSettings(overwrite=True))
    assert pipe.is_fifo()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_read_only_folder_is_one_sentence(picture, capture, tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(OutputError, match="cannot be written"):
        write_photo(tmp_path / "a.jpg", picture, capture, NOTE, PhotoSettings())


def test_webp_carries_the_shot(picture, capture, tmp_path: Path) -> None:
    write_photo(tmp_path / "a.webp", picture, capture, NOTE, PhotoSettings("webp"))
    with Image.open(tmp_path / "a.webp") as image:
        exif = image.getexif()
    assert (exif[271], exif.get_ifd(34665)[34855], exif.get_ifd(34853)[2]) == ("Sony", 3200, (48.0, 51.0, 24.12))


@pytest.mark.skipif(find_spec("OpenEXR") is None, reason="OpenEXR is not installed (extra `formats`)")
def test_exr_carries_the_shot_in_attributes_of_its_own(picture, capture, tmp_path: Path) -> None:
    import OpenEXR

    write_photo(tmp_path / "a.exr", picture, capture, NOTE, PhotoSettings("exr", 16))
    with OpenEXR.File(str(tmp_path / "a.exr")) as file:
        found = dict(file.header())
    assert (found["cameraModel"], found["isoSpeed"], found["capDate"]) == (capture.model, 3200, capture.date)
    assert found["expTime"] == pytest.approx(1 / 30)
    assert (found["latitude"], found["longitude"]) == pytest.approx((48.8567, 2.3510), abs=1e-4)
    assert found["altitude"] == 35.5
    assert found["chromaticities"] == pytest.approx(SPACES["srgb"].chromaticities)
    write_photo(tmp_path / "b.exr", picture, capture, NOTE, PhotoSettings("exr", 16, gps=False))
    with OpenEXR.File(str(tmp_path / "b.exr")) as file:
        assert not {"latitude", "longitude", "altitude"} & file.header().keys()


@pytest.mark.skipif(find_spec("OpenEXR") is None, reason="OpenEXR is not installed (extra `formats`)")
@pytest.mark.parametrize(
    ("tags", "utc"),
    [
        ({36881: "+09:00"}, -32400.0),
        ({36881: "-03:30", 36880: "+01:00"}, 12600.0),
        ({36880: "+00:00"}, 0.0),
        ({36881: "   :  ", 36880: "+01:00"}, -3600.0),
        ({36881: "local"}, None),
        ({}, None),
    ],
)
def test_exr_carries_the_time_zone_and_the_exposure_bias(picture, capture, tags, utc, tmp_path: Path) -> None:
    import OpenEXR

    for bias in (Fraction(-2, 3), Fraction(0), None):
        exif = tags if bias is None else {**tags, 37380: bias}
        settings = PhotoSettings("exr", 16, overwrite=True)
        write_photo(tmp_path / "a.exr", picture, replace(capture, exif=exif), NOTE, settings)
        with OpenEXR.File(str(tmp_path / "a.exr")) as file:
            found = dict(file.header())
        assert found.get("utcOffset") == utc  # OpenEXR: UTC is local time and this
        assert found.get("Exif:ExposureBiasValue") == (None if bias is None else pytest.approx(float(bias)))


@pytest.mark.parametrize(("kind", "depth"), [("jpeg", 16), ("png", 32), ("avif", 8), ("webp", 16), ("exr", 8)])
def test_a_bit_depth_that_a_format_lacks_is_refused(kind: str, depth: int, picture, capture, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=f"--bit-depth {depth} does not go with {kind}; use "):
        write_photo(tmp_path / "a", picture, capture, NOTE, PhotoSettings(kind, depth))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("kind", "depth"), [(k, d) for k, facts in KINDS.items() for d in facts.packages])
def test_a_missing_package_is_one_sentence(kind, depth, picture, capture, tmp_path: Path, monkeypatch) -> None:
    package = KINDS[kind].packages[depth]
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(SettingsError) as refused:
        write_photo(tmp_path / "a", picture, capture, NOTE, PhotoSettings(kind, depth))
    instead = ", or give --bit-depth 8" if kind == "png" else ""
    assert str(refused.value) == (
        f"{kind} with {depth} bits needs the package {package}; run pip install 'darkdiff[formats]'{instead}."
    )
    assert list(tmp_path.iterdir()) == []


def test_a_package_that_does_not_load_is_one_sentence(picture, capture, tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "site" / "OpenEXR").mkdir(parents=True)
    (tmp_path / "site" / "OpenEXR" / "__init__.py").write_text("raise ImportError('libz.so.9: no such file\\nmore')")
    monkeypatch.syspath_prepend(tmp_path / "site")
    monkeypatch.delitem(sys.modules, "OpenEXR", raising=False)
    with pytest.raises(SettingsError) as refused:
        write_photo(tmp_path / "a.exr", picture, capture, NOTE, PhotoSettings("exr", 16))
    assert str(refused.value) == (
        "exr with 16 bits needs the package OpenEXR, which does not load (libz.so.9: no such file); "
        "run pip install --force-reinstall OpenEXR."
    )


@pytest.mark.parametrize(("kind", "depth", "name"), ALL)
@pytest.mark.parametrize("share", [0.0, 0.3, 0.999])
def test_a_disk_that_fills_up_leaves_nothing(kind, depth, name, share, picture, capture, tmp_path: Path) -> None:
    write_photo(tmp_path / "whole", picture, capture, NOTE, PhotoSettings(kind, depth))
    size = (tmp_path / "whole").stat().st_size
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(size * share), limits[1]))  # what is beyond fails, as on a full disk
    try:
        with pytest.raises(OutputError, match="the disk is full"):
            write_photo(tmp_path / name, picture, capture, NOTE, PhotoSettings(kind, depth))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert os.listdir(tmp_path) == ["whole"]
