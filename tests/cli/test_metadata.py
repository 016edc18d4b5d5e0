"""What `enhance` carries over, on raws as cameras and people leave them."""

import json
import shutil
from pathlib import Path

import exifread
import pytest

from tests.cli.test_batch import darkdiff

SIDECAR = """<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:tiff="http://ns.adobe.com/tiff/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/"
 tiff:Orientation="8"><dc:title><rdf:Alt><rdf:li xml:lang="x-default">Fluß</rdf:li></rdf:Alt></dc:title>
</rdf:Description></rdf:RDF></x:xmpmeta>"""


def tags_of(path: Path) -> dict[str, str]:
    with path.open("rb") as file:
        return {key: str(tag) for key, tag in exifread.process_file(file, details=False).items()}


@pytest.fixture(scope="module")
def made(shared: Path, model_folder: Path, tmp_path_factory) -> Path:
    """Photos of every raw whose metadata is unusual, made by one command."""
    folder = tmp_path_factory.mktemp("made")
    names = ("gps_alt00", "gps_all00", "full", "iso65535", "lens_utf8", "lens_latin1", "x100")
    raws = [next((shared / "raws" / "field").glob(f"{name}.*")) for name in names]
    done = darkdiff("enhance", *raws, "-o", folder, "--model", model_folder, "--ratio", 20, "--json", "--quiet")
    assert done.exit_code == 0, done.stderr
    assert len(json.loads(done.stdout)["files"]) == len(names)
    return folder


@pytest.mark.parametrize(
    ("name", "tags"),
    [
        ("gps_alt00", {"GPS GPSLatitude": "[48, 8, 617/50]", "GPS GPSLongitude": "[11, 34, 2839/50]"}),
        ("gps_all00", {"Image Make": "Sony", "EXIF ISOSpeedRatings": "1600"}),
        ("full", {"Image Artist": "Jane Doe", "Image Copyright": "(c) Jane Doe", "Image Rating": "4",
                  "EXIF OffsetTimeOriginal": "+09:00", "EXIF SubSecTimeOriginal": "37", "EXIF ExposureBiasValue": "-2",
                  "EXIF BodySerialNumber": "0012345", "EXIF FocalLengthIn35mmFilm": "75"}),
        ("iso65535", {"EXIF ISOSpeedRatings": "65535", "EXIF RecommendedExposureIndex": "204800",
                      "EXIF SensitivityType": "Recommended Exposure Index"}),
        ("lens_utf8", {"EXIF LensModel": "Voigtländer Nokton 50mm ƒ/1.2"}),
        ("lens_latin1", {"EXIF LensModel": "Voigtländer 40mm"}),
        ("x100", {"Image Make": "FUJIFILM", "Image Model": "FinePix X100", "EXIF ExposureTime": "1/30",
                  "EXIF FNumber": "2", "EXIF ISOSpeedRatings": "3200", "EXIF FocalLength": "23",
                  "EXIF DateTimeOriginal": "2024:05:01 22:10:11"}),
    ],
)  # fmt: skip
def test_tags_of_the_photo(name: str, tags: dict[str, str], made: Path) -> None:
    found = tags_of(made / f"{name}_darkdiff.jpg")
    assert {key: found.get(key) for key in tags} == tags


def test_a_broken_altitude_is_not_written(made: Path) -> None:
    assert "GPS GPSAltitude" not in tags_of(made / "gps_alt00_darkdiff.jpg")
    assert "GPS GPSLatitude" not in tags_of(made / "gps_all00_darkdiff.jpg")


def test_no_gps_is_an_option(shared: Path, model_folder: Path, tmp_path: Path) -> None:
    raw = shared / "raws" / "field" / "reference_small_ok.dng"
    for name, options in (("with.tif", ()), ("without.tif", ("--no-gps",))):
        done = darkdiff("enhance", raw, "-o", tmp_path / name, "--model", model_folder, "--ratio", 20, *options)
        assert done.exit_code == 0, done.stderr
    assert tags_of(tmp_path / "with.tif")["GPS GPSLatitudeRef"] == "S"
    assert not [key for key in tags_of(tmp_path / "without.tif") if key.startswith("GPS") or "GPS" in key]


def test_a_sidecar_turns_the_picture_and_gives_its_words(dark_dng: Path, model_folder: Path, tmp_path: Path) -> None:
    raw = shutil.copy(dark_dng, tmp_path / "IMG.dng")
    (tmp_path / "IMG.xmp").write_text(SIDECAR, encoding="utf-8")
    done = darkdiff("enhance", raw, "--model", model_folder, "--ratio", 200, "--json")
    [result] = json.loads(done.stdout)["files"]
    assert (result["width"], result["height"], result["notes"]) == (40, 56, [])
    assert "Fluß".encode() in (tmp_path / "IMG_darkdiff.jpg").read_bytes()


def test_a_broken_sidecar_is_said_and_the_photo_is_made(dark_dng: Path, model_folder: Path, tmp_path: Path) -> None:
    raw = shutil.copy(dark_dng, tmp_path / "IMG.dng")
    (tmp_path / "IMG.xmp").write_text("<x:xmpmeta")
    done = darkdiff("enhance", raw, "--model", model_folder, "--ratio", 200, "--quiet")
    assert done.exit_code == 0
    assert "IMG.xmp cannot be read" in done.stderr
    assert (tmp_path / "IMG_darkdiff.jpg").is_file()
