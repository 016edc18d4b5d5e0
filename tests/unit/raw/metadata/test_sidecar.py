"""XMP beside a raw and inside it: what is carried, what wins, and what a broken one does."""

import re
import shutil
from fractions import Fraction
from pathlib import Path
from xml.etree import ElementTree

import pytest

from darkdiff_cli.capture.metadata import LARGEST_XMP
from darkdiff_cli.raw import read_raw
from darkdiff_cli.raw.metadata import OWN_EXIF, Source, read_metadata
from darkdiff_cli.raw.metadata.values import Found

LIGHTROOM = """<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:tiff="http://ns.adobe.com/tiff/1.0/"
 xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:crs="http://ns.adobe.com/camera-raw-settings/1.0/"
 xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/" xmlns:exif="http://ns.adobe.com/exif/1.0/"
 xmp:Rating="5" xmp:Label="Red" xmp:CreatorTool="Other" tiff:Orientation="6" crs:Exposure2012="+1.5" dc:format="image/x"
 photoshop:City="Lyon" photoshop:SidecarForExtension="{kind}" exif:GPSLatitude="48,8.2N" exif:FNumber="28/10">
<dc:title><rdf:Alt><rdf:li xml:lang="x-default">Brücke &amp; Fluß</rdf:li></rdf:Alt></dc:title>
<dc:subject><rdf:Bag><rdf:li>night</rdf:li><rdf:li>river</rdf:li></rdf:Bag></dc:subject>
<dc:creator><rdf:Seq><rdf:li>Ann</rdf:li><rdf:li>Bo</rdf:li></rdf:Seq></dc:creator>
<dc:rights><rdf:Alt><rdf:li xml:lang="x-default">© Ann</rdf:li></rdf:Alt></dc:rights>
</rdf:Description></rdf:RDF></x:xmpmeta>"""
CARRIED = {
    *("xmp:Rating", "xmp:Label", "dc:title", "dc:subject", "dc:creator", "dc:rights", "photoshop:City"),
    "exif:GPSLatitude",
}


@pytest.fixture
def raw(dark_dng: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(dark_dng, tmp_path / "IMG.dng"))


def sidecar(raw: Path, name: str = "IMG.xmp", kind: str = "DNG") -> Path:
    path = raw.with_name(name)
    path.write_text(LIGHTROOM.replace("{kind}", kind), encoding="utf-8")
    return path


def read(path: Path):
    return read_metadata(path, None, (OWN_EXIF,))


@pytest.mark.parametrize("name", ["IMG.xmp", "IMG.XMP", "IMG.dng.xmp"])
def test_what_people_wrote_is_carried_and_what_a_converter_wrote_is_not(name: str, raw: Path) -> None:
    sidecar(raw, name)
    found = read(raw)
    assert set(found.xmp) == CARRIED
    words = [text for text in ElementTree.fromstring(found.xmp["dc:subject"]).itertext() if text.strip()]
    assert words == ["night", "river"]
    assert "Brücke &amp; Fluß" in found.xmp["dc:title"]
    assert (found.exif[18246], found.exif[315], found.exif[33432]) == (5, "Ann; Bo", "© Ann")
    assert (found.sources["dc:title"], found.sources["Rating"]) == (name, name)
    assert (found.orientation, found.notes) == (6, ())


def test_the_more_exact_name_wins(raw: Path) -> None:
    sidecar(raw, "IMG.xmp")
    exact = sidecar(raw, "IMG.dng.xmp")
    exact.write_text(exact.read_text("utf-8").replace('Rating="5"', 'Rating="2"'), encoding="utf-8")
    assert read(raw).exif[18246] == 2


def test_a_sidecar_of_another_raw_is_not_read(raw: Path) -> None:
    sidecar(raw, kind="ARW")
    found = read(raw)
    assert (found.xmp, found.orientation) == ({}, None)


def test_the_sidecars_orientation_turns_the_picture(raw: Path) -> None:
    assert read_raw(raw).orientation == 1
    sidecar(raw)
    assert read_raw(raw).orientation == 6


DEEP = (
    b"<x:xmpmeta xmlns:x='adobe:ns:meta/'><r:RDF xmlns:r='http://www.w3.org/1999/02/22-rdf-syntax-ns#'><r:Description>"
    b"<d:title xmlns:d='http://purl.org/dc/elements/1.1/'>%s%s</d:title></r:Description></r:RDF></x:xmpmeta>"
) % (b"<a>" * 3000, b"</a>" * 3000)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"<x:xmpmeta", "cannot be read"),
        (b"\xff\xfe\x00garbage", "cannot be read"),
        (b"", "cannot be read"),
        (b"<html/>", "it is no XMP"),
        (b"<?xml version='1.0' encoding='x-none'?><a/>", "unknown encoding"),
        (DEEP, "recursion"),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "it declares a document type"),
    ],
)
def test_a_broken_sidecar_is_a_note(content: bytes, words: str, raw: Path) -> None:
    raw.with_name("IMG.xmp").write_bytes(content)
    found = read(raw)
    assert found.make == "Sony"
    assert len(found.notes) == 1
    assert "IMG.xmp" in found.notes[0]
    assert words in found.notes[0]


def test_too_many_words_are_left_out_and_said(raw: Path) -> None:
    path = sidecar(raw)
    path.write_text(path.read_text("utf-8").replace("river", "river " * 10_000), encoding="utf-8")
    found = read(raw)
    assert set(found.xmp) == CARRIED - {"dc:subject"}
    assert found.notes == ("the sidecar's dc:subject is too long for a photo's XMP and is left out",)


def test_a_flood_of_long_names_is_one_short_note(raw: Path) -> None:
    flood = " ".join(f'dc:{"n" * 300}{number}="x"' for number in range(20_000))
    path = sidecar(raw)
    path.write_text(path.read_text("utf-8").replace('dc:format="image/x"', flood), encoding="utf-8")
    found = read(raw)
    names = ", ".join([f"dc:{'n' * 37}..."] * 3)
    [note] = found.notes
    told = re.fullmatch(rf"the sidecar's {re.escape(names)} and (\d+) more are too long .* and are left out", note)
    assert told is not None
    assert int(told[1]) + 3 + len(found.xmp) == 20_000 + len(CARRIED)
    assert sum(len(text.encode()) for text in found.xmp.values()) <= LARGEST_XMP


def test_xmp_inside_the_raw_is_read_and_the_sidecar_wins(shared: Path, tmp_path: Path) -> None:
    path = Path(shutil.copy(shared / "raws" / "broken" / "exiv2_canon_r6_pruned.cr3", tmp_path / "IMG.cr3"))
    assert read_metadata(path).exif[18246] == 0
    sidecar(path, kind="CR3")
    assert read_metadata(path).exif[18246] == 5


SAYS = """<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:exif="http://ns.adobe.com/exif/1.0/"
 xmlns:dc="http://purl.org/dc/elements/1.1/" {said}>{more}</rdf:Description></rdf:RDF></x:xmpmeta>"""


def says(raw: Path, said: str, more: str = "") -> None:
    raw.with_suffix(".xmp").write_text(SAYS.replace("{said}", said).replace("{more}", more), encoding="utf-8")


CAMERAS = {
    1: "N", 2: [53, 30, 0], 3: "E", 4: [10, 0, 0], 5: [0], 6: [8], 7: [22, 5, 9], 11: [2], 17: [45], 29: "2026:11:29",
}  # fmt: skip
GEOTAGGED = Source("own", lambda _path, _raw: Found(gps=CAMERAS))


@pytest.mark.parametrize(
    ("latitude", "longitude", "more", "tags"),
    [
        ("54,19.5N", "10,8.25W", "", {1: "N", 2: (54, Fraction(39, 2), 0), 3: "W", 4: (10, Fraction(33, 4), 0)}),
        (
            "5,0,30S", "110,0.0E", 'exif:GPSAltitudeRef="1" exif:GPSAltitude="25/2"',
            {1: "S", 2: (5, 0, 30), 3: "E", 4: (110, 0, 0), 5: 1, 6: Fraction(25, 2)},
        ),
    ],
)  # fmt: skip
def test_a_sidecars_position_takes_the_place_of_the_cameras(latitude, longitude, more, tags, raw) -> None:
    """All of it: the height and the measurement belong to another place. Time and direction stay."""
    assert set(read_metadata(raw, None, (GEOTAGGED,)).gps) == set(CAMERAS)
    stays = {7: (22, 5, 9), 17: 45, 29: "2026:11:29"}
    says(raw, f'exif:GPSLatitude="{latitude}" exif:GPSLongitude="{longitude}" {more}')
    found = read_metadata(raw, None, (GEOTAGGED,))
    assert found.gps == {**stays, **tags}
    assert (found.sources["GPSLatitude"], found.sources["GPSTimeStamp"]) == ("IMG.xmp", "own")


@pytest.mark.parametrize("said", ['exif:GPSLatitude="54,19.5N"', 'exif:GPSLatitude="54" exif:GPSLongitude="10,8.25W"'])
def test_half_a_position_is_none(said: str, raw: Path) -> None:
    says(raw, said)
    assert set(read_metadata(raw, None, (GEOTAGGED,)).gps) == set(CAMERAS)


@pytest.mark.parametrize(("rating", "stars"), [("-1", 0), ("3", 3), ("0", 0), ("5.0", 5)])
def test_a_rejected_photo_has_no_stars_and_no_share_of_another_rating(rating, stars, raw) -> None:
    own = Source("own", lambda _path, _raw: Found(exif={18246: [4], 18249: [75], 270: "Old harbour"}))
    assert {18246, 18249} <= set(read_metadata(raw, None, (own,)).exif)
    title = '<rdf:Alt><rdf:li xml:lang="x-default">New harbour – at night</rdf:li></rdf:Alt>'
    says(raw, f'xmp:Rating="{rating}"', f"<dc:description>{title}</dc:description>")
    exif = read_metadata(raw, None, (own,)).exif
    assert (exif[18246], exif.get(18249), exif[270]) == (stars, None, "New harbour – at night")


@pytest.mark.parametrize("rating", ["", "many", "nan", "6", "1e999"])
def test_a_rating_that_is_none_leaves_the_raws_own(rating: str, raw: Path) -> None:
    own = Source("own", lambda _path, _raw: Found(exif={18246: [4], 18249: [75]}))
    says(raw, f'xmp:Rating="{rating}"')
    exif = read_metadata(raw, None, (own,)).exif
    assert (exif[18246], exif[18249]) == (4, 75)
