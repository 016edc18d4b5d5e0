"""The few fields that LibRaw itself knows of a shot, where nothing else reads the file's EXIF."""

from datetime import datetime
from pathlib import Path
from typing import Any

from darkdiff_cli.raw.metadata.values import TOP, Found

UNKNOWN = datetime(1980, 1, 1)  # LibRaw gives the start of Unix time for a missing date
RECOMMENDED = 2  # EXIF SensitivityType: the sensitivity is the recommended exposure index


def read(_path: Path, raw: Any) -> Found:
    """Exposure, focal length, date, artist and lens of a decoded raw.

    Args:
        raw: an open `rawpy.RawPy`, or None.

    Raises:
        Exception: the installed rawpy has no such fields, or there is no raw.
    """
    other, lens, found = raw.other, raw.lens, Found()
    found.exif = {33434: other.shutter_speed, 33437: other.aperture, 37386: other.focal_length, 315: other.artist}
    iso = round(other.iso_speed)
    if iso > TOP["short"]:
        found.exif |= {34864: RECOMMENDED, 34866: iso}
    found.exif[34855] = min(iso, TOP["short"])
    if other.timestamp.replace(tzinfo=None) > UNKNOWN:
        found.exif[36867] = other.timestamp.strftime("%Y:%m:%d %H:%M:%S")
    found.exif |= {42035: lens.make, 42036: lens.model}
    if lens.max_focal > 0:
        found.exif[42034] = [lens.min_focal, lens.max_focal, float("nan"), float("nan")]
    return found
