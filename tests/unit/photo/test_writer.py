import os
import resource
from pathlib import Path

import exifread
import imageio.v3 as iio
import numpy as np
import pytest
from PIL import Image, ImageCms

from darkdiff_cli.errors import OutputError
from darkdiff_cli.photo import PhotoSettings, Provenance, write_photo
from darkdiff_cli.photo.writer import srgb_profile

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
KINDS = [("jpeg", 8, "a.jpg"), ("tiff", 8, "a.tif"), ("tiff", 16, "a.tiff")]


@pytest.fixture
def picture() -> np.ndarray:
    y, x = np.mgrid[0:30, 0:50].astype(np.float32)
    return np.stack([x / 50, y / 30, (x + y) / 80], axis=-1)


@pytest.mark.parametrize(
    ("kind", "depth", "tolerance"), [("jpeg", 8, 6 / 255), ("tiff", 8, 0.51 / 255), ("tiff", 16, 0.51 / 65535)]
)
def test_pixels_come_back(kind: str, depth: int, tolerance: float, picture, capture, tmp_path: Path) -> None:
    path = tmp_path / "photo"
    write_photo(path, picture, capture, NOTE, PhotoSettings(kind, depth))
    back = iio.imread(path, extension=".jpg" if kind == "jpeg" else ".tif") / (2**depth - 1)
    assert back.shape == picture.shape
    assert np.abs(back - picture).max() <= tolerance


@pytest.mark.parametrize(("kind", "depth", "name"), KINDS)
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


@pytest.mark.parametrize(("kind", "depth", "name"), KINDS)
def test_profile_and_note_are_embedded(kind: str, depth: int, name: str, picture, capture, tmp_path: Path) -> None:
    write_photo(tmp_path / name, picture, capture, NOTE, PhotoSettings(kind, depth))
    content = (tmp_path / name).read_bytes()
    assert srgb_profile() in content
    assert b"compositeWithTrainedAlgorithmicMedia" in content
    assert b'darkdiff:seed="7"' in content
    assert b'darkdiff:ratio="240.0"' in content


def test_profile_is_srgb() -> None:
    import io

    assert "sRGB" in ImageCms.getProfileDescription(ImageCms.ImageCmsProfile(io.BytesIO(srgb_profile())))


def test_jpeg_is_not_subsampled(picture, capture, tmp_path: Path) -> None:
    write_photo(tmp_path / "a.jpg", picture, capture, NOTE, PhotoSettings())
    with Image.open(tmp_path / "a.jpg") as image:
        assert [layer[1:3] for layer in image.layer] == [(1, 1)] * 3


def test_pure_noise_is_a_picture(capture, tmp_path: Path) -> None:
    noise = np.random.default_rng(0).random((400, 400, 3)).astype(np.float32)
    write_photo(tmp_path / "a.jpg", noise, capture, NOTE, PhotoSettings())
    assert (tmp_path / "a.jpg").stat().st_size > 2 * 400 * 400


@pytest.mark.parametrize(("kind", "depth", "name"), KINDS)
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


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_read_only_folder_is_one_sentence(picture, capture, tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(OutputError, match="cannot be written"):
        write_photo(tmp_path / "a.jpg", picture, capture, NOTE, PhotoSettings())


def test_sixteen_bit_jpeg_does_not_exist(picture, capture, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="bit depth"):
        write_photo(tmp_path / "a.jpg", picture, capture, NOTE, PhotoSettings("jpeg", 16))


@pytest.mark.parametrize(("kind", "depth", "name"), KINDS)
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
