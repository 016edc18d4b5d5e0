"""One tag at a time: what is kept, in which type, and what is broken."""

from fractions import Fraction

import pytest

from darkdiff_cli.capture import EXIF, GPS
from darkdiff_cli.raw.metadata.values import Ratio, clean


@pytest.mark.parametrize(
    ("number", "found", "kept"),
    [
        (271, b"SONY  \x00junk", "SONY"),
        (271, b"   ", None),
        (36867, b"0000:00:00 00:00:00", "0000:00:00 00:00:00"),
        (42036, "Voigtländer", "Voigtländer"),
        (42036, b"Voigtl\xc3\xa4nder", "Voigtländer"),
        (42036, b"Voigtl\xe4nder", "Voigtländer"),
        (33432, b"\xa9 Jane", "© Jane"),
        (42033, b"x" * 9000, None),
        (33434, [Ratio(10, 300)], Fraction(1, 30)),
        (33434, [Ratio(0, 1)], None),
        (33434, [Ratio(1, 0)], None),
        (33434, [Ratio(-1, 3)], None),
        (33434, [], None),
        (37380, [Ratio(-2, 3)], Fraction(-2, 3)),
        (37380, [Ratio(0, 6)], Fraction(0)),
        (42034, [Ratio(24, 1), Ratio(70, 1), Ratio(0, 0), Ratio(0, 0)], (24, 70, None, None)),
        (42034, [Ratio(0, 0)] * 4, None),
        (42034, [Ratio(24, 1)], None),
        (34855, [65535], 65535),
        (34855, [0], None),
        (34855, [70000], None),
        (34866, [204800], 204800),
        (37385, [0], 0),
        (34850, ["x"], None),
        (37510, b"ASCII\x00\x00\x00at night \x00", "at night"),
        (37510, b"UNICODE\x00\xfc\x00b\x00", "üb"),
        (37510, b"UNICODE\x00\x00\xfc\x00b", "üb"),
        (37510, 'charset="Ascii" at night', "at night"),
        (37510, b"ASCII\x00\x00\x00" + b" " * 40, None),
        (40091, "Nacht".encode("utf-16-le") + b"\x00\x00", "Nacht"),
        (41728, b"\x03", b"\x03"),
    ],
)
def test_clean(number: int, found: object, kept: object) -> None:
    assert clean(number, EXIF[number], found) == kept


@pytest.mark.parametrize(
    ("number", "found", "kept"),
    [
        (2, [Ratio(48, 1), Ratio(8, 1), Ratio(1234, 100)], (48, 8, Fraction(617, 50))),
        (2, [Ratio(48, 1), Ratio(8, 1), Ratio(0, 0)], None),
        (6, [Ratio(0, 0)], None),
        (6, [Ratio(0, 1)], Fraction(0)),
        (0, [2, 3, 0, 0], (2, 3, 0, 0)),
        (5, [0], 0),
        (31, [3.5], Fraction(7, 2)),
    ],
)
def test_clean_gps(number: int, found: object, kept: object) -> None:
    assert clean(number, GPS[number], found) == kept
