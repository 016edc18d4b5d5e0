"""What EXIF and DCF ask of a file beside the words about the shot: sizes, resolution, versions, and a thumbnail."""

import io
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import exifread
import numpy as np
import pytest
import tifffile
from PIL import ExifTags, Image

from darkdiff_cli.capture import CaptureMetadata
from darkdiff_cli.photo import PhotoSettings, Provenance, write_photo
from darkdiff_cli.photo.exif import LARGEST
from tests.unit.photo.kinds import EXIF

NOTE = Provenance({"model": "tiny", "seed": 7})
IN_BLOCKS = [case for case in EXIF if case.values[0] not in ("tiff", "dng")]
TIFFS = [case for case in EXIF if case.values[0] in ("tiff", "dng")]
RED, GREEN, BLUE, GREY, BLACK = (0.9, 0.1, 0.1), (0.1, 0.8, 0.1), (0.1, 0.1, 0.9), (0.5,) * 3, (0.0,) * 3


def corners(high: int, wide: int) -> np.ndarray:
    """(high, wide, 3) sRGB: red, green, blue and grey quarters, from the upper left one on by rows."""
    picture = np.zeros((high, wide, 3), np.float32)
    picture[: high // 2, : wide // 2], picture[: high // 2, wide // 2 :] = RED, GREEN
    picture[high // 2 :, : wide // 2], picture[high // 2 :, wide // 2 :] = BLUE, GREY
    return picture


def tags_of(path: Path) -> dict[str, object]:
    with path.open("rb") as file:
        return exifread.process_file(file, details=False)


def thumbnail_of(path: Path) -> bytes | None:
    """Its bytes as IFD1 says where they are."""
    with Image.open(path) as image:
        first, block = image.getexif().get_ifd(ExifTags.IFD.IFD1), image.info["exif"][6:]
    return block[first[513] : first[513] + first[514]] if first else None


@pytest.mark.parametrize(("high", "wide"), [(60, 90), (90, 60)])
def test_a_jpeg_has_all_that_exif_calls_mandatory(high: int, wide: int, capture, tmp_path: Path) -> None:
    write_photo(tmp_path / "a.jpg", corners(high, wide), capture, NOTE, PhotoSettings())
    with Image.open(tmp_path / "a.jpg") as image:
        exif = image.getexif()
        shot, place, second = (exif.get_ifd(part) for part in (34665, 34853, ExifTags.IFD.IFD1))
        assert (image.size, image.info["dpi"]) == ((wide, high), (72, 72))
    assert {tag: exif[tag] for tag in (274, 282, 283, 296, 531)} == {274: 1, 282: 72, 283: 72, 296: 2, 531: 1}
    assert {tag: shot[tag] for tag in (36864, 37121, 40960, 40961, 40962, 40963)} == {
        36864: b"0232", 37121: b"\x01\x02\x03\x00", 40960: b"0100", 40961: 1, 40962: wide, 40963: high,
    }  # fmt: skip
    assert place[0] == b"\x02\x03\x00\x00"
    assert {tag: second[tag] for tag in (259, 282, 283, 296)} == {259: 6, 282: 72, 283: 72, 296: 2}


def test_exiftool_finds_nothing_to_warn_of_in_a_jpeg(capture: CaptureMetadata, tmp_path: Path) -> None:
    if (program := shutil.which("exiftool")) is None:
        pytest.skip("exiftool is not installed")
    write_photo(tmp_path / "a.jpg", corners(60, 90), capture, NOTE, PhotoSettings())
    command = [program, "-validate", "-warning", "-error", "-a", tmp_path / "a.jpg"]
    said = subprocess.run(command, capture_output=True, check=True, text=True, timeout=60).stdout
    assert re.fullmatch(r"Validate\s+: OK", said.strip())


@pytest.mark.parametrize(("kind", "depth", "name"), IN_BLOCKS)
def test_every_block_of_exif_says_the_size(kind: str, depth: int, name: str, capture, tmp_path: Path) -> None:
    """Their first directory says the resolution too; a thumbnail is a JPEG's alone."""
    write_photo(tmp_path / name, corners(60, 90), capture, NOTE, PhotoSettings(kind, depth))
    if kind == "webp":
        with Image.open(tmp_path / name) as image:
            exif = image.getexif()
            found = [exif.get_ifd(34665)[tag] for tag in (40962, 40963)] + [exif[282], exif[296]]
            assert not exif.get_ifd(ExifTags.IFD.IFD1)
    else:
        tags = tags_of(tmp_path / name)
        names = ("EXIF ExifImageWidth", "EXIF ExifImageLength", "Image XResolution", "Image ResolutionUnit")
        found = [tags[each].values[0] for each in names]
        assert ("JPEGThumbnail" in tags, "EXIF ComponentsConfiguration" in tags) == (kind == "jpeg",) * 2
    assert found == [90, 60, 72, 2]


@pytest.mark.parametrize(("kind", "depth", "name"), TIFFS)
def test_a_tiff_says_its_size_once(kind: str, depth: int, name: str, capture, tmp_path: Path) -> None:
    """The standard keeps PixelXDimension for JPEG: a TIFF has tags of its own."""
    write_photo(tmp_path / name, corners(60, 90), capture, NOTE, PhotoSettings(kind, depth))
    with tifffile.TiffFile(tmp_path / name) as tiff:
        tags = tiff.pages.first.tags
        found = [tags[tag].value for tag in (256, 257, 282, 283, 296)]
        assert (found, tags[34665].value["FlashpixVersion"]) == ([90, 60, (72, 1), (72, 1), 2], "0100")
        assert not {"PixelXDimension", "PixelYDimension", "ComponentsConfiguration"} & tags[34665].value.keys()


@pytest.mark.parametrize(("high", "wide", "box"), [(60, 120, (0, 20, 160, 100)), (120, 80, (40, 0, 120, 120))])
def test_the_thumbnail_is_the_upright_picture_on_black(high, wide, box, capture, tmp_path: Path) -> None:
    """160x120 whatever the picture's shape; box is the picture's part of it."""
    write_photo(tmp_path / "a.jpg", corners(high, wide), capture, NOTE, PhotoSettings(colour="display-p3"))
    jpeg = thumbnail_of(tmp_path / "a.jpg")
    assert re.match(rb"\xff\xd8\xff\xdb", jpeg)  # no marker of an application stands before the tables
    assert not re.search(rb"\xff[\xe0-\xef\xfe\xdd]", jpeg)
    with Image.open(io.BytesIO(jpeg)) as image:
        assert (image.size, image.mode) == ((160, 120), "RGB")
        assert [layer[1:3] for layer in image.layer] == [(2, 2), (1, 1), (1, 1)]
        pixels = np.asarray(image) / 255
    left, top, right, bottom = box
    x, y = [left + 12, right - 13], [top + 12, bottom - 13]
    for place, colour in zip([(j, i) for j in y for i in x], (RED, GREEN, BLUE, GREY), strict=True):
        assert pixels[place] == pytest.approx(colour, abs=4 / 255)
    outside = np.ones((120, 160), bool)
    outside[max(top - 8, 0) : bottom + 8, max(left - 8, 0) : right + 8] = False  # 8: a block of the JPEG
    assert pixels[outside].max(initial=0) < 6 / 255


def test_the_thumbnail_gives_way_to_words(capture: CaptureMetadata, tmp_path: Path) -> None:
    noise = np.random.default_rng(0).random((60, 90, 3)).astype(np.float32)
    long = "x" * 7_900
    for places, kept in (((315, 33432, 42016, 42032), True), ((315, 33432, 42016, 42032, 42033, 42035, 42037), False)):
        words = dict.fromkeys(places, long)
        write_photo(tmp_path / "a.jpg", noise, replace(capture, exif=words), NOTE, PhotoSettings(overwrite=True))
        with Image.open(tmp_path / "a.jpg") as image:
            exif = image.getexif()
            found, size = dict(exif) | exif.get_ifd(34665), len(image.info["exif"]) - 6
        assert {tag: found.get(tag) for tag in places} == words
        assert (thumbnail_of(tmp_path / "a.jpg") is not None, size <= LARGEST) == (kept, True)
