"""What each source knows of a shot, by value, on raws as cameras write them."""

import importlib.util
import json
import pickle
import shutil
import sys
from fractions import Fraction
from pathlib import Path

import pytest

from darkdiff_cli.capture import CaptureMetadata
from darkdiff_cli.raw import read_raw
from darkdiff_cli.raw.metadata import BLOCKS, EXIFTOOL, EXIV2, LIBRAW, OWN_EXIF, SOURCES, Source, read_metadata
from darkdiff_cli.raw.metadata.values import Found
from darkdiff_cli.raw.opening import open_raw

HAS_EXIV2 = importlib.util.find_spec("pyexiv2") is not None
PACKET = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description><dc:title xmlns:dc="http://purl.org/dc/elements/1.1/">Brücke</dc:title></rdf:Description>'
    "</rdf:RDF></x:xmpmeta>"
)
PLAIN = (OWN_EXIF, BLOCKS, LIBRAW)
WAYS = [
    pytest.param((EXIV2,), id="exiv2", marks=pytest.mark.skipif(not HAS_EXIV2, reason="pyexiv2 is not installed")),
    pytest.param(PLAIN, id="plain"),
]


@pytest.fixture(scope="session")
def field(shared: Path) -> Path:
    return shared / "raws" / "field"


@pytest.mark.parametrize("sources", WAYS)
def test_everything_of_a_full_raw_is_read(sources, field: Path) -> None:
    found = read_metadata(field / "full.dng", None, sources)
    assert found.settings() == {
        "make": "Sony",
        "model": "ILCE-7SM2",
        "lens": None,
        "exposure_time": 0.03,
        "aperture": None,
        "iso": 1600,
        "focal_length": None,
        "date": "2024:05:01 22:10:11",
    }
    assert found.exif == {
        315: "Jane Doe",
        18246: 4,
        33432: "(c) Jane Doe",
        34850: 3,
        36881: "+09:00",
        37380: Fraction(-2),
        37385: 16,
        37521: "37",
        41989: 75,
        42033: "0012345",
    }
    assert set(found.sources.values()) == {sources[0].name}


@pytest.mark.parametrize("sources", WAYS)
def test_a_broken_rational_is_left_out_alone(sources, field: Path) -> None:
    one = read_metadata(field / "gps_alt00.dng", None, sources).gps
    assert one[2] == (48, 8, Fraction(1234, 100))
    assert one[4] == (11, 34, Fraction(5678, 100))
    assert (one[1], one[3], one[5], one.get(6)) == ("N", "E", 0, None)
    assert read_metadata(field / "gps_all00.dng", None, sources).gps == {1: "N", 3: "E"}


@pytest.mark.parametrize("sources", WAYS)
def test_the_sensitivity_above_65535_is_kept(sources, field: Path) -> None:
    found = read_metadata(field / "iso65535.dng", None, sources)
    assert (found.iso, found.exif[34864], found.exif[34866]) == (65535, 2, 204800)


@pytest.mark.parametrize("sources", WAYS)
@pytest.mark.parametrize(
    ("name", "lens"), [("lens_utf8", "Voigtländer Nokton 50mm ƒ/1.2"), ("lens_latin1", "Voigtländer 40mm")]
)
def test_an_umlaut_is_an_umlaut(name: str, lens: str, sources, field: Path) -> None:
    assert read_metadata(field / f"{name}.dng", None, sources).lens == lens


@pytest.mark.parametrize("sources", WAYS)
def test_a_raf_has_its_exif_in_its_preview(sources, field: Path) -> None:
    found = read_metadata(field / "x100.raf", None, sources)
    assert (found.make, found.model, found.lens) == ("FUJIFILM", "FinePix X100", "Fujinon 23mm")
    assert (found.aperture, found.iso, found.focal_length) == (2.0, 3200, 23.0)
    assert (found.exposure_time, found.date) == (pytest.approx(1 / 30), "2024:05:01 22:10:11")


@pytest.mark.parametrize(
    ("name", "model", "values"),
    [
        ("exiv2_canon_r6_pruned.cr3", "Canon EOS R6", {33434: 0.25, 33437: 25, 42033: "093022004357", 18246: 0}),
        ("exiftool_CanonRaw.cr3", "Canon EOS M50", {34855: 12800, 42037: "0000000000", 37520: "21"}),
        ("exiftool_FujiFilm.raf", "FinePix S5Pro", {33434: 0.004, 41989: 105, 37379: Fraction(841, 100)}),
        ("exiftool_Minolta.mrw", "DiMAGE A2", {33434: 0.2, 34855: 64, 41989: 28}),
        ("Nikon_D70s_truncated_1.nef", "NIKON D70s", {37521: "70", 37381: Fraction(8, 5), 41728: b"\x03"}),
        ("Nikon_D70s_truncated_1.nef", "NIKON D70s", {306: "2010:03:20 12:05:03", 36867: "2010:03:01 21:50:21"}),
        ("exiftool_Nikon.nef", "NIKON D70", {306: "2005:08:25 13:09:05", 36868: "2004:06:09 16:02:35"}),
    ],
)  # fmt: skip
def test_real_raws_without_any_extra(name: str, model: str, values: dict, shared: Path) -> None:
    found = read_metadata(shared / "raws" / "broken" / name, None, PLAIN)
    assert found.model == model
    assert {number: found.tags()[number] for number in values} == values


@pytest.mark.skipif(not HAS_EXIV2, reason="pyexiv2 is not installed")
@pytest.mark.parametrize(
    ("name", "count", "key", "value"),
    [
        ("exiv2_canon_r6_pruned.cr3", 300, "Exif.Canon.LensModel", "RF70-200mm F2.8 L IS USM"),
        ("exiftool_FujiFilm.raf", 38, "Exif.Fujifilm.FocusMode", "0"),
    ],
)
def test_exiv2_reads_maker_notes(name: str, count: int, key: str, value: str, shared: Path) -> None:
    found = read_metadata(shared / "raws" / "broken" / name, None, (EXIV2,))
    assert len(found.maker_notes) >= count
    assert found.maker_notes[key] == value


def test_zeros_of_a_camera_that_knew_nothing_are_not_guessed_at(shared: Path) -> None:
    path = shared / "raws" / "ok" / "tinydng_colorchart.dng"
    with open_raw(path) as raw:
        assert raw.raw_image.size
        found = read_metadata(path, raw)
    assert (found.make, found.model) == ("Canon", "Canon EOS Kiss X4")
    assert (found.exposure_time, found.aperture, found.iso, found.focal_length) == (None, None, None, None)


def test_libraw_fills_what_no_other_source_knows(shared: Path) -> None:
    path = shared / "raws" / "ok" / "kodak_dc50.kdc"
    with open_raw(path) as raw:
        assert raw.raw_image.size
        found = read_metadata(path, raw, PLAIN)
    assert (found.make, found.iso, found.date) == ("Eastman Kodak Company", 84, "1997:04:23 08:00:47")
    assert (found.sources["Make"], found.sources["ISOSpeedRatings"]) == ("ExifRead", "LibRaw")


def test_the_first_source_that_knows_a_tag_gives_it(dark_dng: Path) -> None:
    def broken(_path: Path, _raw: object) -> Found:
        raise RuntimeError("no such thing")

    first = Source("first", lambda _path, _raw: Found(exif={271: "One", 33437: [float("nan")]}))
    second = Source("second", lambda _path, _raw: Found(exif={271: "Two", 272: b"M\xe4", 33437: [2.8], 34855: [100]}))
    found = read_metadata(dark_dng, None, (Source("broken", broken), first, second))
    assert (found.make, found.model, found.aperture, found.iso) == ("One", "Mä", None, 100)
    assert found.sources == {"Make": "first", "Model": "second", "ISOSpeedRatings": "second"}


def test_no_source_at_all_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "a.arw").write_bytes(b"II*\x00 nonsense")
    assert read_metadata(tmp_path / "a.arw") == CaptureMetadata()


def test_metadata_travels_between_processes(field: Path) -> None:
    found = read_raw(field / "full.dng").metadata
    assert pickle.loads(pickle.dumps(found)) == found


def test_exiftool_is_asked_where_it_is_there(dark_dng: Path, tmp_path: Path, monkeypatch) -> None:
    answer = {
        "SourceFile": "x",
        "IFD0:Make": {"id": 271, "val": "Sony"},
        "IFD0:LensModel": {"id": 42036, "val": "wrong directory"},
        "ExifIFD:LensModel": {"id": 42036, "val": "Voigtländer"},
        "ExifIFD:ExposureTime": {"id": 33434, "val": 0.0166666667},
        "ExifIFD:SubSecTimeOriginal": {"id": 37521, "val": 37},
        "ExifIFD:LensInfo": {"id": 42034, "val": "24 70 2.8 undef"},
        "ExifIFD:RecommendedExposureIndex": {"id": 34866, "val": 204800},
        "ExifIFD:FNumber": {"id": 33437, "val": "undef"},
        "ExifIFD:FileSource": {"id": 41728, "val": 3},
        "IFD0:Artist": {"id": 315, "val": "base64:Wm/r"},  # Latin-1
        "GPS:GPSLatitude": {"id": 2, "val": 48.1367611111111},
        "GPS:GPSTimeStamp": {"id": 7, "val": "22:10:11.5"},
        "GPS:GPSVersionID": {"id": 0, "val": "2 3 0 0"},
        "GPS:GPSAltitude": {"id": 6, "val": "undef"},
    }
    (tmp_path / "answer.json").write_text(json.dumps([answer], ensure_ascii=False), encoding="utf-8")
    (tmp_path / "packet.xmp").write_text(PACKET, encoding="utf-8")
    program = tmp_path / "exiftool"
    program.write_text(
        f"#!{sys.executable}\nimport pathlib, sys\n"
        f"assert pathlib.Path(sys.argv[-1]).is_absolute()\n"
        f"name = {{'-json': 'answer.json', '-XMP': 'packet.xmp'}}[sys.argv[1]]\n"
        f"sys.stdout.buffer.write((pathlib.Path({str(tmp_path)!r}) / name).read_bytes())\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    found = read_metadata(dark_dng, None, (EXIFTOOL,))
    assert (found.make, found.lens, found.aperture) == ("Sony", "Voigtländer", None)
    assert found.exposure_time == pytest.approx(1 / 60)
    assert found.xmp["dc:title"].endswith(">Brücke</dc:title>")
    assert found.exif == {
        37521: "37",
        42034: (24, 70, Fraction(28, 10), None),
        34866: 204800,
        41728: b"\x03",
        315: "Zoë",
    }
    assert found.gps[2] == (48, 8, Fraction(1234, 100))
    assert (found.gps[7], found.gps[0]) == ((22, 10, Fraction(23, 2)), (2, 3, 0, 0))
    assert 6 not in found.gps
    assert set(found.sources.values()) == {"exiftool"}


def test_exiftool_itself_reads_the_xmp_of_a_raw(shared: Path) -> None:
    if shutil.which("exiftool") is None:
        pytest.skip("exiftool is not installed")
    found = read_metadata(shared / "raws" / "broken" / "exiv2_canon_r6_pruned.cr3", None, (EXIFTOOL,))
    assert (found.exif[18246], found.sources["xmp:Rating"]) == (0, "exiftool")


@pytest.mark.parametrize(
    ("name", "lens"), [("lens_latin1", "Voigtländer 40mm"), ("lens_utf8", "Voigtländer Nokton 50mm ƒ/1.2")]
)
def test_exiftool_itself_reads_names_in_either_encoding(name: str, lens: str, field: Path) -> None:
    if shutil.which("exiftool") is None:
        pytest.skip("exiftool is not installed")
    assert read_metadata(field / f"{name}.dng", None, (EXIFTOOL,)).lens == lens


@pytest.mark.parametrize("what", ["exit 1", "echo nonsense", "echo '[]'"])
def test_an_exiftool_that_fails_is_passed_over(what: str, field: Path, tmp_path: Path, monkeypatch) -> None:
    program = tmp_path / "exiftool"
    program.write_text(f"#!/bin/sh\n{what}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    found = read_metadata(field / "full.dng", None, (EXIFTOOL, OWN_EXIF))
    assert (found.make, found.sources["Make"]) == ("Sony", "ExifRead")


def test_the_sources_are_asked_in_the_documented_order() -> None:
    assert [source.name for source in SOURCES] == [
        "exiv2",
        "exiftool",
        "ExifRead",
        "ExifRead, block in the file",
        "LibRaw",
    ]
