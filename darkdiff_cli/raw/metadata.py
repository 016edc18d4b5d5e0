"""Capture settings from a raw file's EXIF, read by ExifRead (LibRaw gives too few of them)."""

import contextlib
import logging
from pathlib import Path
from typing import Any

import exifread

from darkdiff_cli.capture import CaptureMetadata

GPS_TAGS = {
    "GPSLatitudeRef": 1, "GPSLatitude": 2, "GPSLongitudeRef": 3, "GPSLongitude": 4, "GPSAltitudeRef": 5,
    "GPSAltitude": 6, "GPSTimeStamp": 7, "GPSImgDirectionRef": 16, "GPSImgDirection": 17, "GPSDate": 29,
}  # fmt: skip


def read_metadata(path: Path) -> CaptureMetadata:
    """Read make, model, lens, exposure, date and position from a raw file's EXIF.

    A raw whose EXIF cannot be parsed can still be developed: it gives empty metadata and never an error.
    """
    logging.getLogger("exifread").setLevel(logging.CRITICAL)
    tags: dict[str, object] = {}
    with contextlib.suppress(Exception), path.open("rb") as file:
        tags = dict(exifread.process_file(file, details=False))
    iso = _number(_first(tags, "EXIF ISOSpeedRatings", "Image ISOSpeedRatings", "EXIF PhotographicSensitivity"))
    return CaptureMetadata(
        make=_text(_first(tags, "Image Make")),
        model=_text(_first(tags, "Image Model")) or _text(_first(tags, "Image UniqueCameraModel")),
        lens=_text(_first(tags, "EXIF LensModel", "Image LensModel")),
        exposure_time=_number(_first(tags, "EXIF ExposureTime", "Image ExposureTime")),
        aperture=_number(_first(tags, "EXIF FNumber", "Image FNumber")),
        iso=int(iso) if iso else None,
        focal_length=_number(_first(tags, "EXIF FocalLength", "Image FocalLength")),
        date=_text(_first(tags, "EXIF DateTimeOriginal", "Image DateTimeOriginal", "Image DateTime")),
        gps={number: _gps_value(tags[f"GPS {name}"]) for name, number in GPS_TAGS.items() if f"GPS {name}" in tags},
    )


def _first(tags: dict[str, object], *names: str) -> object | None:
    return next((tags[name] for name in names if name in tags), None)


def _values(tag: object) -> list[Any]:
    values = getattr(tag, "values", [])
    return list(values) if isinstance(values, list | tuple) else [values]


def _number(tag: object | None) -> float | None:
    """First value of a tag as a positive float; None for zero, which cameras write for "unknown"."""
    values = _values(tag)
    try:
        value = float(values[0])
    except (IndexError, TypeError, ValueError, ZeroDivisionError):
        return None
    return value if value > 0 else None


def _text(tag: object | None) -> str | None:
    text = str(tag).replace("\x00", "").strip() if tag is not None else ""
    return text or None


def _gps_value(tag: object) -> object:
    values = _values(tag)
    if values and isinstance(values[0], str):
        return _text(tag)
    numbers = tuple(float(v) for v in values)
    return numbers[0] if len(numbers) == 1 else numbers
