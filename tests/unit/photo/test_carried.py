"""What is known about a shot is in the finished photo, tag by tag, in every format that holds it."""

import importlib.util
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from darkdiff_cli.capture import CaptureMetadata
from darkdiff_cli.photo import PhotoSettings, Provenance, write_photo
from darkdiff_cli.raw.metadata import EXIV2, OWN_EXIF, read_metadata
from tests.unit.photo.kinds import ALL, EXIF, stored

NOTE = Provenance({"model": "tiny", "seed": 7, "ratio": 240.0})
READ_BY_EXIFREAD = [case for case in EXIF if case.values[0] != "webp"]
PICTURE = np.random.default_rng(0).random((40, 60, 3)).astype(np.float32)
TITLE = (
    '<dc:title xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Alt><rdf:li xml:lang="x-default">Brücke &amp; Fluß</rdf:li></rdf:Alt></dc:title>'
)
CITY = '<photoshop:City xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/">Lyon</photoshop:City>'
needs_exiv2 = pytest.mark.skipif(importlib.util.find_spec("pyexiv2") is None, reason="pyexiv2 is not installed")


@pytest.fixture
def everything(capture: CaptureMetadata) -> CaptureMetadata:
    """A shot with a tag of every type."""
    return replace(
        capture,
        lens="Voigtländer Nokton 50mm ƒ/1.2",
        exif={
            270: "Brücke",
            315: "Zoë; 写真家",
            18246: 4,
            34864: 2,
            34866: 204800,
            36881: "+09:00",
            37380: Fraction(-2, 3),
            37385: 16,
            37510: "nachts, späte Stunde",
            37521: "037",
            40094: "Nacht;Fluß",
            41728: b"\x03",
            42033: "0012345",
            42034: (Fraction(24), Fraction(70), Fraction(14, 5), None),
        },
        gps={
            0: (2, 3, 0, 0),
            1: "N",
            2: (Fraction(48), Fraction(8), Fraction(617, 50)),
            5: 1,
            6: Fraction(123, 10),
            7: (Fraction(22), Fraction(10), Fraction(11)),
            27: "GPS",
            29: "2024:05:01",
            30: 0,
        },
        xmp={"dc:title": TITLE, "photoshop:City": CITY},
    )


def back(path: Path) -> CaptureMetadata:
    return read_metadata(path, None, (OWN_EXIF,))


@pytest.mark.parametrize(("kind", "depth", "name"), READ_BY_EXIFREAD)
def test_every_tag_comes_back(kind: str, depth: int, name: str, everything: CaptureMetadata, tmp_path: Path) -> None:
    write_photo(tmp_path / name, PICTURE, everything, NOTE, PhotoSettings(kind, depth))
    found = back(tmp_path / name)
    expected = dict(everything.exif) | {270: f"Brücke\n{NOTE.sentence()}"}
    assert {number: found.exif.get(number) for number in expected} == expected
    assert found.lens == everything.lens
    assert found.gps == everything.gps


TIMES = {
    306: "2024:05:03 10:00:00", 36880: "+01:00", 37520: "11",
    36867: "2024:05:01 22:10:11", 36881: "+09:00", 37521: "22",
    36868: "2024:05:02 06:10:12", 36882: "-03:30", 37522: "33",
}  # fmt: skip
"""The file's, the shot's and the digitising's: each with its time zone and the digits behind the second."""


@pytest.mark.parametrize(("kind", "depth", "name"), READ_BY_EXIFREAD)
@pytest.mark.parametrize("gone", [None, 306, 36867, 36868])
def test_each_time_is_the_raws_own(gone: int | None, kind: str, depth: int, name: str, tmp_path: Path) -> None:
    """One that the raw lacks is left out, but for DateTime, which EXIF wants: the shot's."""
    times = {tag: text for tag, text in TIMES.items() if tag != gone}
    shot = CaptureMetadata(date=times.get(36867), exif={tag: text for tag, text in times.items() if tag != 36867})
    write_photo(tmp_path / name, PICTURE, shot, NOTE, PhotoSettings(kind, depth))
    found = {tag: text for tag, text in back(tmp_path / name).tags().items() if tag in TIMES}
    assert found == (times | {306: TIMES[36867]} if gone == 306 else times)


@needs_exiv2
@pytest.mark.parametrize(("kind", "depth", "name"), EXIF)
def test_exiv2_reads_the_same(kind: str, depth: int, name: str, everything: CaptureMetadata, tmp_path: Path) -> None:
    write_photo(tmp_path / name, PICTURE, everything, NOTE, PhotoSettings(kind, depth))
    found = read_metadata(tmp_path / name, None, (EXIV2,))
    expected = dict(everything.exif) | {270: f"Brücke\n{NOTE.sentence()}"}
    assert {number: found.exif.get(number) for number in expected} == expected
    assert (found.lens, found.gps) == (everything.lens, everything.gps)


@pytest.mark.parametrize(("kind", "depth", "name"), ALL)
def test_xmp_carries_words_and_provenance(kind, depth, name, everything: CaptureMetadata, tmp_path: Path) -> None:
    write_photo(tmp_path / name, PICTURE, everything, NOTE, PhotoSettings(kind, depth))
    content = (tmp_path / name).read_bytes()
    packet = content[content.index(b"<x:xmpmeta") : content.index(b"</x:xmpmeta>") + 12]
    root = ElementTree.fromstring(packet)
    words = [e.text for e in root.iter("{http://www.w3.org/1999/02/22-rdf-syntax-ns#}li")]
    assert words == ["Brücke & Fluß", "Zoë", "写真家", "Brücke"]  # its own XMP, and what EXIF alone says
    assert b'darkdiff:seed="7"' in packet
    assert b"compositeWithTrainedAlgorithmicMedia" in packet


@pytest.mark.parametrize(("kind", "depth", "name"), ALL)
def test_no_gps_leaves_every_place_out(kind, depth, name, everything: CaptureMetadata, tmp_path: Path) -> None:
    notes = {"Exif.Fujifilm.Version": "48 49 51 48"}
    settings = PhotoSettings(kind, depth, gps=False)
    write_photo(tmp_path / name, PICTURE, replace(everything, maker_notes=notes), NOTE, settings)
    content = (tmp_path / name).read_bytes()
    assert back(tmp_path / name).gps == {}
    assert b"Lyon" not in content
    assert b"0130" not in content
    assert "Brücke & Fluß".replace("&", "&amp;").encode() in content


@needs_exiv2
@pytest.mark.parametrize(("kind", "depth", "name"), EXIF)
@pytest.mark.parametrize(
    ("raw", "kept"),
    [("exiv2_canon_r6_pruned.cr3", 285), ("exiftool_FujiFilm.raf", 39), ("Nikon_D70s_truncated_1.nef", 85),
     ("exiftool_CanonRaw.cr2", 145)],
)  # fmt: skip
def test_maker_notes_are_copied(raw: str, kept: int, kind: str, depth: int, name: str, shared, tmp_path: Path) -> None:
    import pyexiv2

    shot = read_metadata(shared / "raws" / "broken" / raw)
    write_photo(tmp_path / name, PICTURE, shot, NOTE, PhotoSettings(kind, depth))
    with pyexiv2.ImageData((tmp_path / name).read_bytes()) as image:
        found = image.read_exif(encoding="latin-1")
        xmp = image.read_xmp()
    assert sum(found.get(key) == value for key, value in shot.maker_notes.items()) >= kept
    assert xmp["Xmp.darkdiff.seed"] == "7"
    assert read_metadata(tmp_path / name, None, (EXIV2,)).tags() == shot.tags() | {270: NOTE.sentence()}
    write_photo(tmp_path / "plain", PICTURE, CaptureMetadata(), NOTE, PhotoSettings(kind, depth))
    assert np.array_equal(stored(tmp_path / name, kind, depth), stored(tmp_path / "plain", kind, depth))


@needs_exiv2
def test_maker_notes_that_do_not_fit_are_left_out(capture: CaptureMetadata, tmp_path: Path) -> None:
    big = {"Exif.Fujifilm.0xffff": " ".join(["1"] * 70_000)}
    write_photo(tmp_path / "a.jpg", PICTURE, replace(capture, maker_notes=big), NOTE, PhotoSettings())
    write_photo(tmp_path / "b.jpg", PICTURE, capture, NOTE, PhotoSettings())
    assert (tmp_path / "a.jpg").read_bytes() == (tmp_path / "b.jpg").read_bytes()


def test_texts_that_do_not_fit_are_left_out_of_a_jpeg(capture: CaptureMetadata, tmp_path: Path) -> None:
    long = {number: chr(65 + index) * 7_900 for index, number in enumerate((315, 33432, 37510, 42016, 42032, 42033))}
    long |= dict.fromkeys((40091, 40092, 40093, 40094, 40095), "x" * 7_000)
    write_photo(tmp_path / "a.jpg", PICTURE, replace(capture, exif=long), NOTE, PhotoSettings())
    found = back(tmp_path / "a.jpg")
    assert 0 < len(found.exif.keys() & long.keys()) < len(long)
    assert (found.make, found.iso) == (capture.make, capture.iso)
