"""What only EXIF says of author, rights, description and rating is in the photo's XMP too, and XMP's own stays."""

from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from xml.etree.ElementTree import Element

import numpy as np
import pytest
from PIL import Image

from darkdiff_cli.capture import CaptureMetadata
from darkdiff_cli.photo import PhotoSettings, Provenance, write_photo
from darkdiff_cli.raw.metadata import OWN_EXIF, read_metadata
from darkdiff_cli.raw.metadata.sidecar import properties
from tests.unit.photo.kinds import ALL

NOTE = Provenance({"model": "tiny", "seed": 7})
PICTURE = np.full((20, 30, 3), 0.5, np.float32)
WORDS = {270: "Brücke & Fluß\n<at night>", 315: "Ann Özil; Bo", 33432: "© Ann & Bo", 18246: 4}
LIST = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"


def xmp_of(path: Path) -> dict[str, Element]:
    content = path.read_bytes()
    return properties(content[content.index(b"<x:xmpmeta") : content.index(b"</x:xmpmeta>") + 12])


def items(element: Element, kind: str) -> list[tuple[str | None, str | None]]:
    """The language and the text of each item of a list of this kind."""
    [whole] = element
    assert whole.tag == LIST + kind
    return [(item.get(LANGUAGE), item.text) for item in whole]


@pytest.mark.parametrize(("kind", "depth", "name"), ALL)
def test_what_only_exif_says_is_in_xmp(kind: str, depth: int, name: str, capture, tmp_path: Path) -> None:
    write_photo(tmp_path / name, PICTURE, replace(capture, exif=WORDS), NOTE, PhotoSettings(kind, depth))
    found = xmp_of(tmp_path / name)
    assert found["xmp:Rating"].text == "4"
    assert items(found["dc:creator"], "Seq") == [(None, "Ann Özil"), (None, "Bo")]
    assert items(found["dc:rights"], "Alt") == [("x-default", "© Ann & Bo")]
    assert items(found["dc:description"], "Alt") == [("x-default", "Brücke & Fluß\n<at night>")]
    assert found["xmp:CreatorTool"].text == f"darkdiff {version('darkdiff')}"


def test_xmp_of_the_raws_own_stays(capture: CaptureMetadata, tmp_path: Path) -> None:
    own = '<dc:creator xmlns:dc="http://purl.org/dc/elements/1.1/">Cy</dc:creator>'
    rejected = '<xmp:Rating xmlns:xmp="http://ns.adobe.com/xap/1.0/">-1</xmp:Rating>'
    shot = replace(capture, exif=WORDS, xmp={"dc:creator": own, "xmp:Rating": rejected})
    write_photo(tmp_path / "a.jpg", PICTURE, shot, NOTE, PhotoSettings())
    found = xmp_of(tmp_path / "a.jpg")
    assert (found["dc:creator"].text, found["xmp:Rating"].text) == ("Cy", "-1")
    assert items(found["dc:rights"], "Alt") == [("x-default", "© Ann & Bo")]


@pytest.mark.parametrize("exif", [{}, {315: " ; "}, {18246: 6}])
def test_nothing_is_made_up(exif: dict, capture: CaptureMetadata, tmp_path: Path) -> None:
    write_photo(tmp_path / "a.jpg", PICTURE, replace(capture, exif=exif), NOTE, PhotoSettings())
    assert not {"xmp:Rating", "dc:creator", "dc:rights", "dc:description"} & xmp_of(tmp_path / "a.jpg").keys()


def test_what_does_not_fit_is_left_out(capture: CaptureMetadata, tmp_path: Path) -> None:
    long = dict.fromkeys((270, 315, 33432), "&" * 7000)  # 35,000 bytes each as XML
    write_photo(tmp_path / "a.jpg", PICTURE, replace(capture, exif=long), NOTE, PhotoSettings())
    assert {"dc:creator", "dc:rights", "dc:description"} & xmp_of(tmp_path / "a.jpg").keys() == {"dc:creator"}
    with Image.open(tmp_path / "a.jpg") as image:
        exif = image.getexif()
    assert [exif[number][:7_000] for number in (315, 33432)] == ["&" * 7_000] * 2


def test_a_raws_words_are_in_both(shared: Path, tmp_path: Path) -> None:
    shot = read_metadata(shared / "raws" / "field" / "full.dng", None, (OWN_EXIF,))
    write_photo(tmp_path / "a.jpg", PICTURE, shot, NOTE, PhotoSettings())
    found = xmp_of(tmp_path / "a.jpg")
    assert found["xmp:Rating"].text == "4"
    assert [items(found[name], kind) for name, kind in (("dc:creator", "Seq"), ("dc:rights", "Alt"))] == [
        [(None, "Jane Doe")],
        [("x-default", "(c) Jane Doe")],
    ]
