"""OpenEXR of linear light, half or full floats."""

import errno
import os
import re
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from darkdiff_cli.capture import CaptureMetadata, Value
from darkdiff_cli.photo.content import Photo

LARGEST_HEADER = 1 << 20  # bytes
ARTIST, EXPOSURE_BIAS, BELOW_SEA, ALTITUDE = 315, 37380, 5, 6
TIME_ZONES = (36881, 36880)  # EXIF's OffsetTimeOriginal, and OffsetTime where a camera writes no other
BIAS = "Exif:ExposureBiasValue"  # OpenEXR has no name for it: OpenImageIO's, which other programs read
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
        "expTime": capture.exposure_time, "aperture": capture.aperture, "isoSpeed": _number(capture.iso),
        "nominalFocalLength": capture.focal_length, "owner": capture.exif.get(ARTIST),
        "utcOffset": _seconds_to_utc(capture), BIAS: _number(capture.exif.get(EXPOSURE_BIAS)), **_position(capture),
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
    height = _number(capture.gps.get(ALTITUDE))
    if height is not None:
        found["altitude"] = -height if capture.gps.get(BELOW_SEA) == 1 else height
    return found


def _seconds_to_utc(capture: CaptureMetadata) -> float | None:
    """What is added to the local time of the shot for UTC, as OpenEXR has it: -32400 of EXIF's "+09:00"."""
    for tag in TIME_ZONES:
        parts = re.fullmatch(r"([+-])(\d\d):(\d\d)", str(capture.exif.get(tag, "")).strip())
        if parts is not None:
            seconds = 3600.0 * int(parts[2]) + 60.0 * int(parts[3])
            return seconds if parts[1] == "-" else 0.0 - seconds
    return None


def _number(value: Value | None) -> float | None:
    return float(value) if isinstance(value, int | float | Fraction) else None
