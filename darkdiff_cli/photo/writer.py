"""Write a finished photo: JPEG or TIFF, with profile and metadata, atomically."""

import io
import os
import struct
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image, ImageCms

from darkdiff_cli.capture import CaptureMetadata
from darkdiff_cli.errors import OutputError
from darkdiff_cli.files import atomically
from darkdiff_cli.photo.exif import build_exif, capture_tags, directory_bytes, gps_tags
from darkdiff_cli.photo.provenance import Provenance
from darkdiff_cli.photo.settings import PhotoSettings

JPEG_QUALITY = 95
EXIF_POINTER, GPS_POINTER, XMP_TAG = 34665, 34853, 700
PLACEHOLDER = 1  # tifffile refuses to write the two pointers, so each is written under the next unused tag number first


def check_target(path: Path, overwrite: bool) -> None:
    """Check, before the work starts, that the output can be written.

    Raises:
        OutputError: the file exists and may not be overwritten, or its folder is missing or read-only.
    """
    if path.is_dir():
        raise OutputError(f"{path}: is a folder; give a file name with -o.")
    if path.exists() and not overwrite:
        raise OutputError(f"{path}: exists already; add --overwrite to replace it.")
    if not path.parent.is_dir():
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
        capture: the camera's settings, written to EXIF.
        provenance: how the picture was made, written to EXIF and XMP.
        settings: format, bit depth, and whether an existing file may be replaced.

    Raises:
        ValueError: a bit depth that the format does not have.
        OutputError: the file exists already, the folder is read-only, or the disk is full.
    """
    bit_depth = settings.bit_depth
    if bit_depth not in ((8,) if settings.photo_format == "jpeg" else (8, 16)):
        raise ValueError(f"{settings.photo_format} has no bit depth of {bit_depth}")
    check_target(path, settings.overwrite)
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
    Image.fromarray(pixels).save(
        buffer,
        format="JPEG",
        quality=JPEG_QUALITY,
        subsampling=0,
        optimize=True,
        icc_profile=srgb_profile(),
        exif=build_exif(capture, provenance),
        xmp=provenance.xmp(),
    )
    path.write_bytes(buffer.getbuffer())


def _write_tiff(path: Path, pixels: NDArray[Any], capture: CaptureMetadata, provenance: Provenance) -> None:
    xmp = provenance.xmp()
    texts = [(271, capture.make), (272, capture.model), (306, capture.date)]
    tags: list[tuple[Any, ...]] = [(code, "s", 0, text, True) for code, text in texts if text is not None]
    tags += [(XMP_TAG, "B", len(xmp), xmp, True), (274, "H", 1, 1, True), (EXIF_POINTER + PLACEHOLDER, "I", 1, 0, True)]
    directories = {EXIF_POINTER: capture_tags(capture)}
    if capture.gps:
        tags.append((GPS_POINTER + PLACEHOLDER, "I", 1, 0, True))
        directories[GPS_POINTER] = gps_tags(capture)
    tifffile.imwrite(
        path,
        pixels,
        byteorder="<",
        photometric="rgb",
        compression="zlib",
        rowsperstrip=64,
        iccprofile=srgb_profile(),
        description=provenance.sentence(),
        software=provenance.software,
        metadata=None,
        extratags=tags,
    )
    _append_directories(path, directories)


def _append_directories(path: Path, directories: dict[int, dict[int, object]]) -> None:
    """Append the EXIF and GPS directories, and turn their placeholders into pointers to them."""
    with tifffile.TiffFile(path) as tiff:
        entries = {pointer: tiff.pages.first.tags[pointer + PLACEHOLDER].offset for pointer in directories}
    with path.open("rb+") as file:
        for pointer, tags in directories.items():
            offset = file.seek(0, os.SEEK_END)
            offset += file.write(b"\x00" * (offset % 2))
            file.write(directory_bytes(tags, offset))
            file.seek(entries[pointer])
            file.write(struct.pack("<HHII", pointer, 4, 1, offset))
