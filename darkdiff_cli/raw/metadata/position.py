"""The position in a sidecar, as EXIF's GPS tags: a geotagging program has put right what the camera got wrong."""

import re
from collections.abc import Mapping
from fractions import Fraction
from xml.etree.ElementTree import Element

from darkdiff_cli.capture import GPS, Value
from darkdiff_cli.raw.metadata.values import clean

ANGLE = re.compile(r"(\d{1,3}),(\d{1,2}(?:\.\d{1,12})?)(?:,(\d{1,2}(?:\.\d{1,12})?))?([NSEW])")
"""XMP's GPSCoordinate (ISO 16684-1, and XMP Specification part 2): "48,8.2N" or "48,8,12N"."""
LATITUDE, LONGITUDE, ALTITUDE = 2, 4, 6
STAYS = (7, 16, 17, 29)  # of the camera's own: time and date of the fix, direction of the picture


def position(found: Mapping[str, Element]) -> dict[int, Value]:
    """GPS tags by number: latitude, longitude and, where it is there, altitude; empty without both of the first.

    Args:
        found: properties of a sidecar by qualified name.
    """
    text = {name: (found[f"exif:{name}"].text or "").strip() for name in _names() if f"exif:{name}" in found}
    tags: dict[int, object] = {}
    for number, sides in ((LATITUDE, "NS"), (LONGITUDE, "EW")):
        match = ANGLE.fullmatch(text.get(GPS[number].name, ""))
        if match is None or match[4] not in sides:
            return {}
        tags |= {number - 1: match[4], number: [Fraction(part or 0) for part in match.groups()[:3]]}
    if GPS[ALTITUDE].name in text:
        below = text.get(GPS[ALTITUDE - 1].name) == "1"
        tags |= {ALTITUDE - 1: [int(below)], ALTITUDE: [_fraction(text[GPS[ALTITUDE].name])]}
    values = {number: clean(number, GPS[number], value) for number, value in tags.items()}
    return {number: value for number, value in values.items() if value is not None}


def _names() -> list[str]:
    return [GPS[number].name for number in range(1, ALTITUDE + 1)]


def _fraction(text: str) -> Fraction | None:
    """A number or a quotient; None of anything else."""
    try:
        return Fraction(text)
    except (ValueError, ZeroDivisionError):
        return None
