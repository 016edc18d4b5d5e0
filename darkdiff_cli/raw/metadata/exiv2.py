"""All tags by exiv2, maker notes included, where the optional package pyexiv2 is installed."""

import re
from pathlib import Path
from typing import Any

from darkdiff_cli.capture import EXIF, GPS, Tag
from darkdiff_cli.raw.metadata.exif import with_dng_names
from darkdiff_cli.raw.metadata.values import DNG_TAGS, Found, Ratio

GROUPS = {"Image": EXIF, "Photo": EXIF, "GPSInfo": GPS}
NUMBERS = {  # also those that exiv2 has no name for, since they lie in another directory than the standard's
    group: {name: number for number, tag in table.items() for name in (tag.name, f"0x{number:04x}")}
    for group, table in GROUPS.items()
}
DNG_NAMES = {"UniqueCameraModel": 50708, "CameraSerialNumber": 50735, "LensInfo": 50736}
NO_MAKER = re.compile(r"Image\d*|SubImage\d*|SubThumb\d*|Photo|GPSInfo|Iop|Thumbnail|MpfInfo|PanasonicRaw|.*Preview.*")
WHOLE, BYTE_ORDER = "Exif.Photo.MakerNote", "Exif.MakerNote.ByteOrder"
POINTERS = ("Exif.MakerNote.Offset", "Exif.Nikon3.Preview")  # into the raw
BYTES = "latin-1"  # exiv2's text one character a byte, whatever its encoding


def read(path: Path, _raw: Any) -> Found:
    """Every tag that exiv2 knows.

    Raises:
        ImportError, RuntimeError: no pyexiv2, or no file that exiv2 reads.
    """
    import pyexiv2

    pyexiv2.set_log_level(4)
    with pyexiv2.ImageData(path.read_bytes()) as image:  # by content, since a file's name may be no UTF-8
        tags, xmp = image.read_exif(encoding=BYTES), image.read_raw_xmp(encoding=BYTES).encode(BYTES)
    found = Found(xmp=xmp or None)
    for key, text in tags.items():
        _, group, name = key.split(".", 2)
        number = NUMBERS.get(group, {}).get(name)
        if number is not None:
            place = found.gps if group == "GPSInfo" else found.exif
            if group != "Image" or number not in place:
                place[number] = _value(GROUPS[group][number], text)
        elif group == "Image" and name in DNG_NAMES:
            number = DNG_NAMES[name]
            found.exif[number] = _value(EXIF[DNG_TAGS[number]], text)
        elif key not in POINTERS and not NO_MAKER.fullmatch(group):
            found.maker_notes[key] = text
    if found.maker_notes.keys() <= {BYTE_ORDER}:  # a maker whose format exiv2 does not know: the bytes, or nothing
        found.maker_notes = {key: tags[key] for key in (BYTE_ORDER, WHOLE) if WHOLE in tags and key in tags}
    return with_dng_names(found)


def _value(tag: Tag, text: str) -> Any:
    """exiv2's text as what stands in the file: bytes of text, or numbers."""
    if tag.kind == "windows":  # pyexiv2 has decoded it
        return text
    if tag.kind == "comment":
        return text.encode(BYTES).decode("utf-8", "surrogateescape")
    if tag.kind == "text":
        return text.encode(BYTES)
    if tag.kind == "undefined":
        return bytes(int(word) for word in text.split())
    if tag.kind in ("rational", "signed"):
        return [Ratio(*map(int, word.split("/"))) for word in text.split()]
    return [int(word) for word in text.split()]
