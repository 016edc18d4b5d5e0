"""EXIF of the finished photo, its directories built with Pillow."""

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from PIL import TiffTags
from PIL.TiffImagePlugin import IFDRational, ImageFileDirectory_v2

from darkdiff_cli.capture import EXIF, GPS, CaptureMetadata, Kind, Tag, Value
from darkdiff_cli.photo.provenance import Provenance

HEADER = b"II*\x00\x08\x00\x00\x00"  # little-endian TIFF, the first directory directly behind it
TYPES: dict[Kind, int] = {
    "text": TiffTags.ASCII, "comment": TiffTags.UNDEFINED, "windows": TiffTags.BYTE, "byte": TiffTags.BYTE,
    "short": TiffTags.SHORT, "long": TiffTags.LONG, "rational": TiffTags.RATIONAL, "signed": TiffTags.SIGNED_RATIONAL,
    "undefined": TiffTags.UNDEFINED,
}  # fmt: skip
Entry = tuple[int, Any]
"""TIFF type and value of a tag as Pillow takes it; text is bytes of UTF-8 (EXIF 3.0 allows it, readers expect it)."""
LARGEST = 65_533 - 6  # bytes of EXIF in a JPEG, without the "Exif" in front of it
EXIF_POINTER, GPS_POINTER = 34665, 34853
DESCRIPTION, SOFTWARE, DATE_TIME, ORIENTATION, COLOUR_SPACE = 270, 305, 306, 274, 40961
EXIF_VERSION, FLASHPIX_VERSION, GPS_VERSION = 36864, 40960, 0
WIDTH, HEIGHT, COMPONENTS, CHROMA_POSITION = 40962, 40963, 37121, 531
SRGB, UNCALIBRATED = 1, 65535  # values of ColorSpace
LUMA_AND_CHROMA, CENTRED = b"\x01\x02\x03\x00", 1  # values of ComponentsConfiguration and YCbCrPositioning
DPI, INCH = 72, 2  # what the standard says of a picture whose size on paper is unknown
RESOLUTION: dict[int, Entry] = {
    282: (TiffTags.RATIONAL, IFDRational(DPI)), 283: (TiffTags.RATIONAL, IFDRational(DPI)),
    296: (TiffTags.SHORT, INCH),
}  # fmt: skip
"""XResolution, YResolution and ResolutionUnit."""


@dataclass(frozen=True)
class Pixels:
    """What EXIF says of the pixels beside it.

    Attributes:
        width, height: upright.
        is_srgb: whether their values are sRGB's.
        is_jpeg: whether they are a JPEG's luma and chroma.
    """

    width: int
    height: int
    is_srgb: bool
    is_jpeg: bool = False


def image_tags(capture: CaptureMetadata, provenance: Provenance) -> dict[int, Entry]:
    """The image's directory (IFD0); the orientation is 1, since the pixels are upright already.

    The description is the camera's or author's own, and behind it the sentence that says how the picture was made.
    A raw without a DateTime has the time of the shot there.
    """
    tags = {number: value for number, value in capture.tags().items() if EXIF[number].image}
    own = [str(tags[DESCRIPTION])] if DESCRIPTION in tags else []
    tags[DESCRIPTION] = "\n".join([*own, provenance.sentence()])
    entries = {number: entry(EXIF[number], value) for number, value in tags.items()}
    entries[ORIENTATION] = (TiffTags.SHORT, 1)
    entries[SOFTWARE] = (TiffTags.ASCII, provenance.software.encode())
    if capture.date is not None:
        entries.setdefault(DATE_TIME, (TiffTags.ASCII, capture.date.encode()))
    return entries


def capture_tags(capture: CaptureMetadata, is_srgb: bool) -> dict[int, Entry]:
    """The EXIF directory of a picture in sRGB, or in another colour space."""
    tags = {number: value for number, value in capture.tags().items() if not EXIF[number].image}
    entries = {number: entry(EXIF[number], value) for number, value in tags.items()}
    space = SRGB if is_srgb else UNCALIBRATED
    versions: dict[int, Entry] = {
        EXIF_VERSION: (TiffTags.UNDEFINED, b"0232"), FLASHPIX_VERSION: (TiffTags.UNDEFINED, b"0100"),
    }  # fmt: skip
    return entries | versions | {COLOUR_SPACE: (TiffTags.SHORT, space)}


def gps_tags(capture: CaptureMetadata) -> dict[int, Entry]:
    """The GPS directory."""
    version: dict[int, Entry] = {GPS_VERSION: (TiffTags.BYTE, b"\x02\x03\x00\x00")}
    return version | {number: entry(GPS[number], value) for number, value in capture.gps.items()}


def entry(tag: Tag, value: Value) -> Entry:
    """Type and value as they are written."""
    if tag.kind == "text":
        value = str(value).encode()
    elif tag.kind == "comment":
        text = str(value)
        value = b"ASCII\x00\x00\x00" + text.encode() if text.isascii() else b"UNICODE\x00" + text.encode("utf-16-le")
    elif tag.kind == "windows":
        value = str(value).encode("utf-16-le") + b"\x00\x00"
    elif tag.kind in ("rational", "signed"):
        values = value if isinstance(value, tuple) else (value,)
        return TYPES[tag.kind], tuple(_rational(part) for part in values)
    elif tag.kind == "byte":
        value = bytes(int(part) for part in (value if isinstance(value, tuple) else (value,)))  # type: ignore[arg-type]
    return TYPES[tag.kind], value


def directory_bytes(entries: Mapping[int, Entry], offset: int) -> bytes:
    """A little-endian TIFF directory of these tags, for the position `offset` in a file."""
    directory = ImageFileDirectory_v2(HEADER)
    for number, (kind, value) in entries.items():
        directory.tagtype[number] = kind
        directory[number] = value
    return bytes(directory.tobytes(offset))


def exif_block(capture: CaptureMetadata, provenance: Provenance, pixels: Pixels) -> bytes:
    """All three directories as one TIFF block, as a JPEG holds it; the longest values are left out until it fits."""
    image = image_tags(capture, provenance) | RESOLUTION
    own = capture_tags(capture, pixels.is_srgb)
    own |= {WIDTH: (TiffTags.LONG, pixels.width), HEIGHT: (TiffTags.LONG, pixels.height)}
    if pixels.is_jpeg:
        image[CHROMA_POSITION] = TiffTags.SHORT, CENTRED
        own[COMPONENTS] = TiffTags.UNDEFINED, LUMA_AND_CHROMA
    parts = {EXIF_POINTER: own} | ({GPS_POINTER: gps_tags(capture)} if capture.gps else {})
    while len(block := _block(image, parts)) > LARGEST:
        places = [(directory, number) for directory in (image, *parts.values()) for number in directory]
        directory, number = max(places, key=lambda place: len(directory_bytes({place[1]: place[0][place[1]]}, 0)))
        del directory[number]
    return block


def _block(image: Mapping[int, Entry], parts: Mapping[int, Mapping[int, Entry]]) -> bytes:
    pointers: dict[int, Entry] = dict.fromkeys(parts, (TiffTags.LONG, 0))
    offset = len(HEADER) + len(directory_bytes({**image, **pointers}, len(HEADER)))
    behind = b""
    for pointer, part in parts.items():
        pointers[pointer] = (TiffTags.LONG, offset + len(behind))
        behind += directory_bytes(part, offset + len(behind))
    return HEADER + directory_bytes({**image, **pointers}, len(HEADER)) + behind


def pointer_entry(pointer: int, offset: int) -> bytes:
    """The directory entry that points to another directory."""
    return struct.pack("<HHII", pointer, TiffTags.LONG, 1, offset)


def _rational(value: Any) -> IFDRational:
    """A fraction of at most a million parts, or 0/0 for None."""
    if value is None:
        return IFDRational(0, 0)
    fraction = value if isinstance(value, Fraction) else Fraction(value).limit_denominator(1_000_000)
    return IFDRational(fraction.numerator, fraction.denominator)
