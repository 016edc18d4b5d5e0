"""All tags by the command `exiftool`, where it is on the PATH."""

import json
import os
import shutil
import subprocess
from base64 import b64decode
from pathlib import Path
from typing import Any

from darkdiff_cli.capture import EXIF, GPS, Tag
from darkdiff_cli.raw.metadata.exif import with_dng_names
from darkdiff_cli.raw.metadata.values import Found

SECONDS = 30
# Numbers as numbers, with tag numbers; what is no UTF-8 as it is, and no pictures.
TAGS = ("-json", "-b", "-n", "-D", "-G1", "-IFD0:all", "-ExifIFD:all", "-GPS:all", "--Preview:all")
AS_BYTES = "base64:"
PACKET = ("-XMP", "-b")


def read(path: Path, _raw: Any) -> Found:
    """The tags of IFD0, the EXIF and the GPS directory, and the XMP packet.

    Raises:
        FileNotFoundError: there is no such command.
        OSError, SubprocessError, ValueError: it fails, hangs, or answers with something else.
    """
    command = shutil.which("exiftool")
    if command is None:
        raise FileNotFoundError("exiftool")
    [tags] = json.loads(_answer(command, TAGS, path).decode("utf-8", "surrogateescape"))
    found = Found(xmp=_answer(command, PACKET, path) or None)
    for key, entry in tags.items():
        if not isinstance(entry, dict) or not isinstance(entry.get("id"), int):
            continue
        group, number = key.split(":")[0], entry["id"]
        if group == "GPS" and number in GPS:
            found.gps[number] = _value(GPS[number], entry["val"])
        elif group == "ExifIFD":
            found.exif[number] = _value(EXIF.get(number), entry["val"])
        elif group == "IFD0":
            found.exif.setdefault(number, _value(EXIF.get(number), entry["val"]))
    return with_dng_names(found)


def _answer(command: str, options: tuple[str, ...], path: Path) -> bytes:
    arguments: list[str | bytes] = [command, *options, os.fsencode(path.absolute())]
    run = subprocess.run(arguments, capture_output=True, check=True, timeout=SECONDS, stdin=subprocess.DEVNULL)
    return run.stdout


def _value(tag: Tag | None, value: Any) -> Any:
    """exiftool's value as what stands in the file: angles in degrees, minutes and seconds, lists as lists."""
    if isinstance(value, str) and value.startswith(AS_BYTES):
        return b64decode(value.removeprefix(AS_BYTES))
    if tag is None or tag.kind in ("text", "comment", "windows"):
        return str(value)
    if tag.kind == "undefined":
        return bytes([value]) if isinstance(value, int) else str(value).encode()
    if tag.name == "GPSTimeStamp":
        return [float(part) for part in str(value).split(":")]
    if tag.length == 3 and isinstance(value, int | float):
        return degrees(abs(value))
    return [_number(word) for word in str(value).split()]


def degrees(angle: float) -> list[float]:
    """Whole degrees, whole minutes, and seconds to a ten-thousandth (3 mm on the ground)."""
    seconds = round(angle * 3600, 4)
    return [seconds // 3600, seconds % 3600 // 60, round(seconds % 60, 4)]


def _number(word: str) -> float:
    return float("nan") if word in ("undef", "inf") else float(word)
