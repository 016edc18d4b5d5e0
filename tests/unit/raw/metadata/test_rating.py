"""The stars of a raw, read quickly: from the same places, in the same order, as the photo gets them."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import tifffile

from darkdiff_cli.raw.metadata import RATING, Source, rating, read_metadata
from darkdiff_cli.raw.metadata.rating import read_stars
from darkdiff_cli.raw.metadata.values import Found

SAYS = """<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/"
 xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/" {said}/></rdf:RDF></x:xmpmeta>"""


def sidecar(path: Path, rating: object, more: str = "") -> None:
    path.write_text(SAYS.replace("{said}", f'xmp:Rating="{rating}" {more}'), encoding="utf-8")


def raw(path: Path, exif: int | None = None, xmp: int | None = None) -> Path:
    """A file built as a raw is, with a rating in its EXIF, in its XMP, in both or in none."""
    packet = SAYS.replace("{said}", f'xmp:Rating="{xmp}"').encode()
    tags = [(700, "B", len(packet), packet, True)] if xmp is not None else []
    tags += [(RATING, "H", 1, exif, True)] if exif is not None else []
    tifffile.imwrite(path, np.zeros((4, 4), dtype=np.uint16), metadata=None, extratags=tags)
    return path


@pytest.mark.parametrize(
    ("exif", "xmp", "stars"), [(None, None, 0), (4, None, 4), (None, 3, 3), (2, 5, 5), (3, -1, 0), (0, None, 0)]
)
def test_a_raw_without_a_sidecar_says_it_itself(exif, xmp, stars: int, tmp_path: Path) -> None:
    path = raw(tmp_path / "IMG.dng", exif, xmp)
    assert read_stars(path)[0] == stars
    assert read_metadata(path).exif.get(RATING, 0) == stars


@pytest.mark.parametrize(("said", "stars"), [("5", 5), ("-1", 0), ("0", 0), ("2.0", 2), ("many", 4), ("7", 4)])
def test_a_sidecar_comes_first_where_it_says_a_rating(said: str, stars: int, tmp_path: Path) -> None:
    path = raw(tmp_path / "IMG.dng", 4)
    sidecar(tmp_path / "IMG.xmp", said)
    assert read_stars(path)[0] == stars
    assert read_metadata(path).exif.get(RATING, 0) == stars


def test_the_more_exact_sidecar_wins_and_one_of_another_raw_does_not_count(tmp_path: Path) -> None:
    path = raw(tmp_path / "IMG.dng")
    sidecar(tmp_path / "IMG.xmp", 5, 'photoshop:SidecarForExtension="ARW"')
    assert read_stars(path)[0] == 0
    sidecar(tmp_path / "IMG.dng.xmp", 3)
    assert read_stars(path)[0] == 3


def test_a_raw_whose_sidecar_says_it_is_not_opened(tmp_path: Path, monkeypatch) -> None:
    opened: list[Path] = []
    monkeypatch.setattr(rating, "QUICK", (Source("own", lambda path, _raw: opened.append(path) or Found()),))
    path = raw(tmp_path / "IMG.dng", 4)
    assert (read_stars(path)[0], opened) == (0, [path])
    sidecar(tmp_path / "IMG.xmp", 3)
    assert (read_stars(path)[0], opened) == (3, [path])


@pytest.mark.parametrize("content", [b"", b"no raw", b"II*\x00\x08\x00\x00\x00\xff\xff"])
def test_what_cannot_be_read_has_no_stars(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "IMG.arw").write_bytes(content)
    (tmp_path / "IMG.xmp").write_bytes(content)
    assert read_stars(tmp_path / "IMG.arw")[0] == 0


def test_no_other_program_is_asked(tmp_path: Path, monkeypatch) -> None:
    """exiftool takes a fifth of a second for a raw."""
    path = raw(tmp_path / "IMG.dng", 2)
    (tmp_path / "exiftool").write_text(f"#!/bin/sh\ntouch {tmp_path}/asked\n")
    (tmp_path / "exiftool").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert read_stars(path)[0] == 2
    assert not (tmp_path / "asked").exists()


def test_a_cr3_says_it_in_the_xmp_of_its_boxes(shared: Path, tmp_path: Path) -> None:
    pruned = (shared / "raws" / "broken" / "exiv2_canon_r6_pruned.cr3").read_bytes()
    told = b"<xmp:Rating>0</xmp:Rating>"
    assert pruned.count(told) == 1
    (tmp_path / "IMG.cr3").write_bytes(pruned.replace(told, told.replace(b"0", b"4")))
    assert read_stars(tmp_path / "IMG.cr3")[0] == 4
    assert (
        read_stars(Path(shutil.copy(shared / "raws" / "broken" / "exiftool_CanonRaw.cr3", tmp_path / "b.cr3")))[0] == 0
    )
