"""TIFF of 8 or 16 bits, or of 32-bit floats of linear light."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tifffile

from darkdiff_cli.photo.content import Photo
from darkdiff_cli.photo.exif import (
    DESCRIPTION,
    DPI,
    EXIF_POINTER,
    GPS_POINTER,
    INCH,
    SOFTWARE,
    Entry,
    capture_tags,
    directory_bytes,
    gps_tags,
    image_tags,
    pointer_entry,
)
from darkdiff_cli.photo.maker_notes import file_with_maker_notes

XMP_TAG = 700
TIFFFILE_WRITES = {DESCRIPTION, SOFTWARE}  # in parameters of their own
PLACEHOLDER = 1  # tifffile refuses to write the two pointers, so each is written under the next unused tag number first
Extra = tuple[int, int | str, int, Any, bool]
"""A tag as tifffile takes it: number, type, count, value, and that only the first page has it."""


def write_tiff(path: Path, photo: Photo) -> None:
    """Write a TIFF with deflate."""
    bits = photo.settings.bit_depth
    linear = bits == 32
    tifffile.imwrite(
        path,
        photo.light() if linear else photo.levels(bits),
        byteorder="<",
        photometric="rgb",
        compression="zlib",
        rowsperstrip=64,
        iccprofile=photo.profile(linear),
        metadata=None,
        **directory(photo),
    )
    append_directories(path, photo)


def directory(photo: Photo) -> dict[str, Any]:
    """What tifffile writes into the first directory of a photo, as its keywords; `append_directories` does the rest."""
    xmp, image = photo.xmp(), image_tags(photo.capture, photo.provenance)
    tags: list[Extra] = [(XMP_TAG, "B", len(xmp), xmp, True)]
    tags += [_extra(number, entry) for number, entry in image.items() if number not in TIFFFILE_WRITES]
    tags += [(pointer + PLACEHOLDER, "I", 1, 0, True) for pointer in _directories(photo)]
    words = {"description": image[DESCRIPTION][1], "software": image[SOFTWARE][1]}
    return words | {"resolution": (DPI, DPI), "resolutionunit": INCH, "extratags": tags}


def append_directories(path: Path, photo: Photo) -> None:
    """Append the EXIF and GPS directories, turn their placeholders into pointers to them, and add maker notes."""
    directories = _directories(photo)
    with tifffile.TiffFile(path) as tiff:
        entries = {pointer: tiff.pages.first.tags[pointer + PLACEHOLDER].offset for pointer in directories}
    with path.open("rb+") as file:
        for pointer, tags in directories.items():
            offset = file.seek(0, os.SEEK_END)
            offset += file.write(b"\x00" * (offset % 2))
            file.write(directory_bytes(tags, offset))
            file.seek(entries[pointer])
            file.write(pointer_entry(pointer, offset))
    if photo.capture.maker_notes:
        path.write_bytes(file_with_maker_notes(path.read_bytes(), photo.capture.maker_notes))


def _directories(photo: Photo) -> Mapping[int, Mapping[int, Entry]]:
    gps = {GPS_POINTER: gps_tags(photo.capture)} if photo.capture.gps else {}
    return {EXIF_POINTER: capture_tags(photo.capture, photo.is_srgb)} | gps


def _extra(number: int, entry: Entry) -> Extra:
    kind, value = entry
    return number, kind, len(value) if isinstance(value, bytes) else 1, value, True
