"""OpenEXR of linear light, half or full floats."""

import errno
import os
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from darkdiff_cli.capture import CaptureMetadata
from darkdiff_cli.photo.content import Photo

LARGEST_HEADER = 1 << 20  # bytes
ARTIST, BELOW_SEA, ALTITUDE = 315, 5, 6
GPS_PLACES = {"latitude": (1, 2), "longitude": (3, 4)}  # EXIF's tags of the hemisphere and of degrees, minutes, seconds


def write_exr(path: Path, photo: Photo) -> None:
    """Write an OpenEXR file; it has attributes of its own for EXIF's, primaries for a profile, and text for XMP.

    Raises:
        OSError: the file cannot be written.
    """
    import OpenEXR

    capture = photo.capture
    known: dict[str, Any] = {
        "cameraMake": capture.make, "cameraModel": capture.model, "lensModel": capture.lens, "capDate": capture.date,
        "expTime": capture.exposure_time, "aperture": capture.aperture, "isoSpeed": _float(capture.iso),
        "nominalFocalLength": capture.focal_length, "owner": capture.exif.get(ARTIST), **_position(capture),
    }  # fmt: skip
    header = {name: value for name, value in known.items() if value is not None} | {
        "compression": OpenEXR.ZIP_COMPRESSION,
        "type": OpenEXR.scanlineimage,
        "chromaticities": photo.space.chromaticities,
        "comments": photo.provenance.sentence(),
        "software": photo.provenance.software,
        "xmp": photo.xmp().decode(),
    }
    light = photo.light().astype(np.float16 if photo.settings.bit_depth == 16 else np.float32)
    try:
        with OpenEXR.File(header, {"RGB": light}) as file:
            file.write(os.fspath(path))
        with OpenEXR.File(os.fspath(path)) as file:  # closing a file, OpenEXR does not say that its end was lost
            whole = np.array_equal(file.channels()["RGB"].pixels, light)
    except (RuntimeError, ValueError):
        whole = False
    if not whole:
        path.write_bytes(bytes(2 * light.nbytes + LARGEST_HEADER))  # the system says what is wrong, a full disk mostly
        raise OSError(errno.EIO, os.strerror(errno.EIO))


def _position(capture: CaptureMetadata) -> dict[str, float | None]:
    """Degrees north and east, and metres above the sea, of what is known in full."""
    found: dict[str, float | None] = {}
    for name, (hemisphere, angle) in GPS_PLACES.items():
        side, parts = capture.gps.get(hemisphere), capture.gps.get(angle)
        if isinstance(parts, tuple) and side in ("N", "E", "S", "W") and None not in parts:
            degrees = sum(float(part or 0) / 60**place for place, part in enumerate(parts))
            found[name] = -degrees if side in ("S", "W") else degrees
    height = capture.gps.get(ALTITUDE)
    if isinstance(height, int | float | Fraction):
        found["altitude"] = -float(height) if capture.gps.get(BELOW_SEA) == 1 else float(height)
    return found


def _float(value: int | None) -> float | None:
    return None if value is None else float(value)
