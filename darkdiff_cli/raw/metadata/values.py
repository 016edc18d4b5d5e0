"""From what a source says about a tag to a clean value of the tag's own type, or to nothing."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from darkdiff_cli.capture import Kind, Tag, Value

Texts = str | bytes
LONGEST = 8000  # bytes of a text; all of a photo's EXIF has to fit into 65,533
TOP = {"byte": 2**8 - 1, "short": 2**16 - 1, "long": 2**32 - 1, "rational": 2**32 - 1, "signed": 2**31 - 1}
ZERO_IS_UNKNOWN = frozenset({33434, 33437, 34855, 34865, 34866, 34867, 37386, 41989})
DNG_TAGS = {50708: 272, 50735: 42033, 50736: 42034}  # UniqueCameraModel, CameraSerialNumber, LensInfo: also under these


@dataclass
class Found:
    """What one source says about a file.

    Attributes:
        exif, gps: tags by number: text, bytes, or a sequence of numbers, rationals with numerator and denominator.
        maker_notes: tags of the maker under exiv2's names.
        xmp: the XMP packet inside the file.
    """

    exif: dict[int, Any] = field(default_factory=dict)
    gps: dict[int, Any] = field(default_factory=dict)
    maker_notes: dict[str, str] = field(default_factory=dict)
    xmp: bytes | None = None


@dataclass(frozen=True)
class Ratio:
    """A rational number as it stands in a file, 0/0 included."""

    numerator: int
    denominator: int


def clean(number: int, tag: Tag, found: Any) -> Value | None:
    """The value of a tag, None where it is broken, empty, or the zero that cameras write for "unknown"."""
    try:
        value = READERS[tag.kind](found, tag)
    except (ArithmeticError, TypeError, ValueError, LookupError):
        return None
    empty = value in ("", b"", ()) or (number in ZERO_IS_UNKNOWN and not value)
    return None if empty else value


def text_of(found: Texts) -> str:
    """Text in UTF-8 or, where it is none, in Latin-1, up to its first NUL; "" where it holds nothing."""
    data = found.encode("utf-8", "surrogateescape") if isinstance(found, str) else bytes(found)
    data = data.split(b"\x00")[0].strip()
    if len(data) > LONGEST:
        raise ValueError("too long")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    return "".join(c for c in text if c.isprintable() or c in "\n\t").strip()


def comment_of(found: Texts) -> str:
    """Text of a value that begins with an EXIF character code (EXIF 3.0, 4.6.6.5): text as it is, bytes decoded."""
    if isinstance(found, str):
        return text_of(re.sub(r'^charset="?\w+"? ', "", found))  # exiv2's way to name the code
    code, data = bytes(found[:8]), bytes(found[8:])
    if code == b"UNICODE\x00":
        order = "utf-16-be" if data[0::2].count(0) > data[1::2].count(0) else "utf-16-le"
        return text_of(data.decode(order, "ignore").lstrip("\ufeff"))
    if code in (b"ASCII\x00\x00\x00", bytes(8)):
        return text_of(data)
    return text_of(data.decode("iso2022_jp", "ignore")) if code.startswith(b"JIS") else text_of(bytes(found))


def _windows(found: Any, _tag: Tag) -> str:
    return text_of(found if isinstance(found, str) else bytes(found).decode("utf-16-le").split("\x00")[0])


def _numbers(found: Any, tag: Tag) -> Value:
    values = _counted([int(value) for value in _sequence(found)], tag)
    if not all(0 <= value <= TOP[tag.kind] for value in values):
        raise ValueError("out of range")
    return values[0] if len(values) == 1 else tuple(values)


def _rationals(found: Any, tag: Tag) -> Value:
    values = [_fraction(value, tag) for value in _counted(_sequence(found), tag)]
    if all(value is None for value in values):
        raise ValueError("0/0")
    return values[0] if len(values) == 1 and values[0] is not None else tuple(values)


def _fraction(value: Any, tag: Tag) -> Fraction | None:
    unknown = not value.denominator if hasattr(value, "denominator") else value != value
    if unknown and tag.name == "LensSpecification":  # the standard's way to say that an f-number is unknown
        return None
    if hasattr(value, "denominator"):
        fraction = Fraction(value.numerator, value.denominator)
    else:
        fraction = Fraction(value).limit_denominator(1_000_000)
    if abs(fraction.numerator) > TOP[tag.kind] or fraction.denominator > TOP[tag.kind]:
        fraction = fraction.limit_denominator(10_000)
    if abs(fraction) > TOP[tag.kind] or (fraction < 0 and tag.kind == "rational"):
        raise ValueError("out of range")
    return fraction


def _counted(values: Sequence[Any], tag: Tag) -> Sequence[Any]:
    if len(values) < max(tag.length, 1):
        raise ValueError("too few numbers")
    return values[: tag.length] if tag.length else values


def _sequence(found: Any) -> Sequence[Any]:
    return found if isinstance(found, list | tuple | bytes) else [found]


READERS: dict[Kind, Callable[[Any, Tag], Value]] = {
    "text": lambda found, _tag: text_of(found),
    "comment": lambda found, _tag: comment_of(found),
    "windows": _windows,
    "undefined": lambda found, _tag: bytes(found)[:LONGEST],
    "byte": _numbers,
    "short": _numbers,
    "long": _numbers,
    "rational": _rationals,
    "signed": _rationals,
}
