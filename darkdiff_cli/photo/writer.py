"""Write a finished photo: JPEG or TIFF, with profile and metadata, atomically."""

import io
import os
import struct
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageFile

from darkdiff_cli.capture import CaptureMetadata
from darkdiff_cli.errors import OutputError
from darkdiff_cli.files import atomically, check_name
from darkdiff_cli.photo.exif import (
    DESCRIPTION,
    EXIF_POINTER,
    GPS_POINTER,
    LARGEST,
    SOFTWARE,
    Entry,
    capture_tags,
    directory_bytes,
    exif_block,
    gps_tags,
    image_tags,
    pointer_entry,
)
from darkdiff_cli.photo.maker_notes import file_with_maker_notes, with_maker_notes
from darkdiff_cli.photo.provenance import Provenance
from darkdiff_cli.photo.settings import PhotoSettings

JPEG_QUALITY = 95
XMP_TAG = 700
TIFFFILE_WRITES = {270, 305}  # description and software, in parameters of their own
PLACEHOLDER = 1  # tifffile refuses to write the two pointers, so each is written under the next unused tag number first


def check_target(path: Path, overwrite: bool) -> None:
    """Check, before the work starts, that the output can be written.

    Raises:
        OutputError: the file exists and may not be overwritten, its name is too long, or its folder is missing or
            read-only.
    """
    check_name(path)
    if os.path.isdir(path):
        raise OutputError(f"{path}: is a folder; give a file name with -o.")
    if os.path.lexists(path) and not overwrite:
        raise OutputError(f"{path}: exists already; add --overwrite to replace it.")
    if not os.path.isdir(path.parent):
        raise OutputError(f"{path.parent}: no such folder; create it or choose another with -o.")
    if not os.access(path.parent, os.W_OK):
        raise OutputError(f"{path.parent}: cannot be written to; choose another folder with -o.")


def write_photo(
    path: Path,
    srgb_01: NDArray[np.float32],
    capture: CaptureMetadata,
    provenance: Provenance,
    settings: PhotoSettings,
) -> None:
    """Write an upright picture atomically: the file is complete or absent.

    Args:
        path: target file.
        srgb_01: (h, w, 3) sRGB in [0, 1].
        capture: what is known about the shot, written to EXIF and XMP.
        provenance: how the picture was made, written to EXIF and XMP.
        settings: format, bit depth, whether the position is written and an existing file may be replaced.

    Raises:
        ValueError: a bit depth that the format does not have.
        OutputError: the file exists already, the folder is read-only, or the disk is full.
    """
    bit_depth = settings.bit_depth
    if bit_depth not in ((8,) if settings.photo_format == "jpeg" else (8, 16)):
        raise ValueError(f"{settings.photo_format} has no bit depth of {bit_depth}")
    check_target(path, settings.overwrite)
    capture = capture if settings.gps else capture.without_position()
    top = 2**bit_depth - 1
    pixels = np.rint(np.clip(srgb_01, 0, 1) * np.float32(top)).astype(np.uint8 if bit_depth == 8 else np.uint16)
    if settings.photo_format == "jpeg":
        atomically(path, lambda partial: _write_jpeg(partial, pixels, capture, provenance))
    else:
        atomically(path, lambda partial: _write_tiff(partial, pixels, capture, provenance))


def srgb_profile() -> bytes:
    """The sRGB ICC profile, by LittleCMS, with a fixed date, so that the same picture gives the same bytes."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    profile[24:36] = struct.pack(">6H", 2000, 1, 1, 0, 0, 0)  # ICC.1:2022, 7.2.8: date and time of creation
    return bytes(profile)


def _write_jpeg(path: Path, pixels: NDArray[Any], capture: CaptureMetadata, provenance: Provenance) -> None:
    buffer = io.BytesIO()  # writing to a file itself, Pillow would not report a full disk at the end
    # Pillow's own guess is too small for a picture of pure noise, and then it says that the file cannot be written.
    ImageFile.MAXBLOCK = max(ImageFile.MAXBLOCK, pixels.nbytes + 2 * LARGEST)
    Image.fromarray(pixels).save(
        buffer,
        format="JPEG",
        quality=JPEG_QUALITY,
        subsampling=0,
        optimize=True,
        icc_profile=srgb_profile(),
        exif=b"Exif\x00\x00" + with_maker_notes(exif_block(capture, provenance), capture.maker_notes),
        xmp=provenance.xmp(capture.xmp),
    )
    path.write_bytes(buffer.getbuffer())


def _write_tiff(path: Path, pixels: NDArray[Any], capture: CaptureMetadata, provenance: Provenance) -> None:
    xmp, image = provenance.xmp(capture.xmp), image_tags(capture, provenance)
    directories = {EXIF_POINTER: capture_tags(capture)} | ({GPS_POINTER: gps_tags(capture)} if capture.gps else {})
    tags: list[tuple[Any, ...]] = [(XMP_TAG, "B", len(xmp), xmp, True)]
    tags += [_extra(number, entry) for number, entry in image.items() if number not in TIFFFILE_WRITES]
    tags += [(pointer + PLACEHOLDER, "I", 1, 0, True) for pointer in directories]
    tifffile.imwrite(
        path,
        pixels,
        byteorder="<",
        photometric="rgb",
        compression="zlib",
        rowsperstrip=64,
        iccprofile=srgb_profile(),
        description=image[DESCRIPTION][1],
        software=image[SOFTWARE][1],
        metadata=None,
        extratags=tags,
    )
    _append_directories(path, directories)
    if capture.maker_notes:
        path.write_bytes(file_with_maker_notes(path.read_bytes(), capture.maker_notes))


def _extra(number: int, entry: Entry) -> tuple[int, int, int, Any, bool]:
    """A tag as tifffile takes it: number, type, count, value, and that only the first page has it."""
    kind, value = entry
    return number, kind, len(value) if isinstance(value, bytes) else 1, value, True


def _append_directories(path: Path, directories: dict[int, dict[int, Entry]]) -> None:
    """Append the EXIF and GPS directories, and turn their placeholders into pointers to them."""
    with tifffile.TiffFile(path) as tiff:
        entries = {pointer: tiff.pages.first.tags[pointer + PLACEHOLDER].offset for pointer in directories}
    with path.open("rb+") as file:
        for pointer, tags in directories.items():
            offset = file.seek(0, os.SEEK_END)
            offset += file.write(b"\x00" * (offset % 2))
            file.write(directory_bytes(tags, offset))
            file.seek(entries[pointer])
            file.write(pointer_entry(pointer, offset))
