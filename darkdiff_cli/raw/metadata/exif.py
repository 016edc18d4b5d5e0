"""EXIF by ExifRead: of raws that are TIFF files, and of the TIFF blocks inside those that are none (RAF, CR3, MRW)."""

import logging
import re
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

import exifread

from darkdiff_cli.raw.metadata.values import DNG_TAGS, Found

HEAD = 1 << 20  # bytes from the start in which cameras write their EXIF
HEADERS = (b"II*\x00", b"MM\x00*")
XMP_PACKET = re.compile(rb"<x:xmpmeta.*?</x:xmpmeta>", re.DOTALL)
EIGHT = (b"\x08\x00\x00\x00", b"\x00\x00\x00\x08")  # where the directory begins


def read_own(path: Path, _raw: Any, maker_notes: bool = True) -> Found:
    """EXIF of a raw that is built as a TIFF file: DNG, ARW, NEF, CR2, PEF, ORF, RW2, ...

    Raises:
        Exception: whatever ExifRead makes of a broken file.
    """
    with path.open("rb") as file:
        tags = _tags(file, maker_notes)
        found = _found(tags)
        packet = tags.get("Image ApplicationNotes")
        if packet is not None:
            file.seek(packet.field_offset)  # ExifRead itself reads no more than 1,000 numbers
            found.xmp = file.read(packet.field_length)
    return found


def read_blocks(path: Path, _raw: Any, maker_notes: bool = True) -> Found:
    """EXIF of the TIFF blocks inside a file: in the boxes of a CR3, in the preview of a RAF, in an MRW.

    Raises:
        Exception: whatever ExifRead makes of a broken file.
    """
    with path.open("rb") as file:
        head = file.read(HEAD)
    whole = Found()
    for block, box in _boxes(head) if head[4:8] == b"ftyp" else _first(head):
        found = _found(_tags(BytesIO(block), maker_notes), only_gps=box == b"CMT4")
        whole.exif = {**found.exif, **whole.exif}
        whole.gps = {**found.gps, **whole.gps}
    packet = XMP_PACKET.search(head)
    whole.xmp = packet[0] if packet else None
    return whole


def _boxes(head: bytes) -> Iterator[tuple[bytes, bytes]]:
    """IFD0, EXIF and GPS of a CR3, each a TIFF block in a box of its own: the block and the box's name."""
    for name in (b"CMT1", b"CMT2", b"CMT4"):
        start = head.find(name) + len(name)
        if start >= len(name) and head[start : start + 4] in HEADERS:
            size = int.from_bytes(head[start - 8 : start - 4], "big")  # of the box, its head of 8 bytes included
            yield head[start : start + size - 8], name


def _first(head: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The first block behind the start whose header is TIFF's, the directory directly behind it."""
    places = [head.find(header + eight, 1) for header, eight in zip(HEADERS, EIGHT, strict=True)]
    if found := [place for place in places if place > 0]:
        yield head[min(found) :], b""


def _tags(file: BinaryIO, maker_notes: bool) -> dict[str, Any]:
    logging.getLogger("exifread").setLevel(logging.CRITICAL)
    try:
        return dict(exifread.process_file(file, details=maker_notes, extract_thumbnail=False))
    except Exception:  # maker notes that ExifRead stumbles over: without them, and without the user comment
        return dict(exifread.process_file(file, details=False, extract_thumbnail=False))


def _found(tags: dict[str, Any], only_gps: bool = False) -> Found:
    found = Found()
    for key, tag in tags.items():
        group, number = key.split(" ")[0], getattr(tag, "tag", None)
        if number is None or "SubIFD" in key:
            continue
        if group == "GPS" or (only_gps and group == "Image"):
            found.gps.setdefault(number, tag.values)
        elif group == "EXIF":
            found.exif[number] = tag.values
        elif group == "Image":
            found.exif.setdefault(number, tag.values)
    return with_dng_names(found)


def with_dng_names(found: Found) -> Found:
    """Let the names that a DNG has for serial number, lens and model stand for EXIF's where these are missing."""
    for dng, exif in DNG_TAGS.items():
        if dng in found.exif:
            found.exif.setdefault(exif, found.exif[dng])
    return found
