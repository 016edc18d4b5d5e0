"""Write a finished photo in any format, with profile and metadata, atomically."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from darkdiff_cli.capture import CaptureMetadata
from darkdiff_cli.colour import CameraColours
from darkdiff_cli.errors import OutputError
from darkdiff_cli.files import atomically, check_name
from darkdiff_cli.formats import Format, check_format
from darkdiff_cli.gamut import OutsideSrgb
from darkdiff_cli.photo.boxed import write_avif, write_jxl
from darkdiff_cli.photo.content import Photo
from darkdiff_cli.photo.dng import write_dng
from darkdiff_cli.photo.exr import write_exr
from darkdiff_cli.photo.pillow_files import write_jpeg, write_png, write_webp
from darkdiff_cli.photo.provenance import Provenance
from darkdiff_cli.photo.settings import PhotoSettings
from darkdiff_cli.photo.tiff import write_tiff

WRITERS: dict[Format, Callable[[Path, Photo], None]] = {
    "jpeg": write_jpeg, "tiff": write_tiff, "png": write_png, "avif": write_avif, "jxl": write_jxl, "webp": write_webp,
    "exr": write_exr, "dng": write_dng,
}  # fmt: skip


def check_target(path: Path, overwrite: bool, option: str = "-o") -> None:
    """Check, before the work starts, that the output can be written.

    Args:
        path: the output.
        overwrite: an existing file may be replaced.
        option: that names the output.

    Raises:
        OutputError: the file exists and may not be overwritten or is no file, its name is too long, or its folder is
            missing or read-only.
    """
    check_name(path)
    if os.path.isdir(path):
        raise OutputError(f"{path}: is a folder; give a file name with {option}.")
    if os.path.exists(path) and not os.path.isfile(path):
        raise OutputError(f"{path}: is a device or a pipe, and no file; give a file name with {option}.")
    if os.path.lexists(path) and not overwrite:
        raise OutputError(f"{path}: exists already; add --overwrite to replace it.")
    if not os.path.isdir(path.parent):
        raise OutputError(f"{path.parent}: no such folder; create it or choose another with {option}.")
    if not os.access(path.parent, os.W_OK):
        raise OutputError(f"{path.parent}: cannot be written to; choose another folder with {option}.")


def write_photo(
    path: Path,
    srgb_01: NDArray[np.float32],
    capture: CaptureMetadata,
    provenance: Provenance,
    settings: PhotoSettings,
    camera: CameraColours | None = None,
    outside: OutsideSrgb | None = None,
) -> None:
    """Write an upright picture atomically: the file is complete or absent.

    Args:
        path: target file.
        srgb_01: (h, w, 3) sRGB in [0, 1].
        capture: what is known about the shot, written to EXIF and XMP.
        provenance: how the picture was made, written to EXIF and XMP.
        settings: format, bit depth, colour space, compression, quality, whether the position is written and an existing
            file may be replaced.
        camera: how the camera sees colours, for a DNG; None stands for a camera that sees sRGB.
        outside: upright, what of the light is outside sRGB, for a format and a colour space that can hold it.

    Raises:
        SettingsError: a bit depth, a colour space, a compression or a quality that the format does not have, or a
            package is missing.
        OutputError: the file exists already, the folder is read-only, or the disk is full.
    """
    check_format(settings.photo_format, settings.bit_depth, settings.colour, settings.compression, settings.quality)
    check_target(path, settings.overwrite)
    capture = capture if settings.gps else capture.without_position()
    photo = Photo(srgb_01, capture, provenance, settings, camera or CameraColours(), outside)
    write = WRITERS[settings.photo_format]
    atomically(path, lambda partial: write(partial, photo), make_folder=False)
