"""What is known about a shot, from every source that knows something of it."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from darkdiff_cli.capture import EXIF, GPS, CaptureMetadata, Tag, Value
from darkdiff_cli.capture.metadata import NAMED
from darkdiff_cli.raw.metadata import exif, exiftool, exiv2, libraw
from darkdiff_cli.raw.metadata.position import STAYS
from darkdiff_cli.raw.metadata.sidecar import read_xmp
from darkdiff_cli.raw.metadata.values import Found, clean

RATING, RATING_PERCENT = 18246, 18249
ESSENTIAL = frozenset(NAMED.values()) - {NAMED["lens"]}  # where these are known, nobody else needs to be asked


class Source(NamedTuple):
    """Something that reads metadata.

    Attributes:
        name: for the user.
        read: from the path and the open `rawpy.RawPy` (or None) to what it says; it may raise anything.
    """

    name: str
    read: Callable[[Path, Any], Found]


EXIV2 = Source("exiv2", exiv2.read)
EXIFTOOL = Source("exiftool", exiftool.read)
OWN_EXIF = Source("ExifRead", exif.read_own)
BLOCKS = Source("ExifRead, block in the file", exif.read_blocks)
LIBRAW = Source("LibRaw", libraw.read)
SOURCES = (EXIV2, EXIFTOOL, OWN_EXIF, BLOCKS, LIBRAW)


def read_metadata(path: Path, raw: Any = None, sources: Sequence[Source] = SOURCES) -> CaptureMetadata:
    """Read everything that is known about a shot, the XMP sidecar beside it included.

    The sources are asked in their order until one has read the file's EXIF. The first that knows a tag gives it; a tag
    that it calls broken (0/0) is left out. Nothing here is an error: a raw without metadata can be developed.

    Args:
        path: raw file.
        raw: the same file as an open and decoded `rawpy.RawPy`, for what LibRaw knows.
        sources: in the order in which they are believed.
    """
    tags: dict[int, Value | None] = {}
    gps: dict[int, Value | None] = {}
    names: dict[str, str] = {}
    maker_notes: Mapping[str, str] = {}
    packet: tuple[str, bytes] | None = None
    for source in sources:
        try:
            found = source.read(path, raw)
        except Exception:  # not installed, or the file is broken for it: the next may know
            continue
        _take(tags, EXIF, found.exif, names, source.name)
        _take(gps, GPS, found.gps, names, source.name)
        maker_notes = maker_notes or found.maker_notes
        if packet is None and found.xmp is not None:
            packet = source.name, found.xmp
        if tags.keys() >= ESSENTIAL:
            break
    xmp = read_xmp(path, packet)
    known = {number: value for number, value in tags.items() if value is not None} | xmp.exif
    if RATING in xmp.exif:
        known.pop(RATING_PERCENT, None)  # of another rating
    where = {number: value for number, value in gps.items() if value is not None}
    if xmp.gps:
        where = {number: value for number, value in where.items() if number in STAYS} | xmp.gps
    return CaptureMetadata(
        **{name: _plain(known.pop(number, None)) for name, number in NAMED.items()},
        exif=known,
        gps=where,
        maker_notes=maker_notes,
        xmp=xmp.properties,
        orientation=xmp.orientation,
        sources=names | xmp.sources,
        notes=xmp.notes,
    )


def _take(
    known: dict[int, Value | None], table: Mapping[int, Tag], found: Mapping[int, Any], names: dict[str, str], name: str
) -> None:
    """Take in what is new; a broken tag is remembered as None, so that no later source makes a guess at it."""
    for number, tag in table.items():
        if number in found and number not in known:
            known[number] = value = clean(number, tag, found[number])
            if value is not None:
                names[tag.name] = name


def _plain(value: Any) -> Any:
    """A rational as a float; text and whole numbers as they are."""
    return value if isinstance(value, str | int | None) else float(value)
