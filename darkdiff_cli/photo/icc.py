"""ICC profiles of RGB colour spaces, a matrix and a curve each (ICC.1:2022, version 4)."""

import hashlib
import struct
from collections.abc import Sequence

import numpy as np

from darkdiff_cli.photo.spaces import Curve, Space, adaptation, xyz

PCS_WHITE = (0.9642, 1.0, 0.8249)  # the standard's D50
VERSION = 0x04400000
DATE = (2000, 1, 1, 0, 0, 0)  # fixed, so that the same picture gives the same bytes
CHANNELS = "rgb"


def profile(space: Space, linear: bool = False) -> bytes:
    """The profile of a colour space.

    Args:
        space: its primaries, white point and curve.
        linear: of its linear light instead of its display values.
    """
    to_pcs = adaptation(xyz(space.white), np.array(PCS_WHITE))
    name = f"{space.name}, linear" if linear else space.name
    tags = {b"desc": _text(name), b"cprt": _text("No copyright"), b"wtpt": _xyz(PCS_WHITE)}
    tags[b"chad"] = b"sf32" + bytes(4) + _fixed(to_pcs.ravel().tolist())
    curve = _curve(Curve(1.0) if linear else space.curve)
    for channel, column in zip(CHANNELS, (to_pcs @ space.xyz_from_rgb).T, strict=True):
        tags[f"{channel}XYZ".encode()] = _xyz(column.tolist())
        tags[f"{channel}TRC".encode()] = curve
    return _file(tags)


def _file(tags: dict[bytes, bytes]) -> bytes:
    """Header, table of tags, and their data."""
    start = 128 + 4 + 12 * len(tags)
    table, data = struct.pack(">I", len(tags)), b""
    for name, content in tags.items():
        table += struct.pack(">4sII", name, start + len(data), len(content))
        data += content + bytes(-len(content) % 4)
    head = struct.pack(">I4xI4s4s4s6H4s", start + len(data), VERSION, b"mntr", b"RGB ", b"XYZ ", *DATE, b"acsp")
    head = head.ljust(68, b"\x00") + _fixed(PCS_WHITE)
    whole = head.ljust(128, b"\x00") + table + data
    return whole[:84] + hashlib.md5(whole, usedforsecurity=False).digest() + whole[100:]  # 7.2.18: the profile's ID


def _curve(curve: Curve) -> bytes:
    """parametricCurveType: 0 is a power alone, 3 has a straight part."""
    if curve.c == 0:
        return b"para" + bytes(4) + struct.pack(">Hxx", 0) + _fixed([curve.gamma])
    return b"para" + bytes(4) + struct.pack(">Hxx", 3) + _fixed([curve.gamma, curve.a, curve.b, curve.c, curve.d])


def _text(text: str) -> bytes:
    """multiLocalizedUnicodeType of one text in English."""
    encoded = text.encode("utf-16-be")
    return b"mluc" + bytes(4) + struct.pack(">II4sII", 1, 12, b"enUS", len(encoded), 28) + encoded


def _xyz(values: Sequence[float]) -> bytes:
    return b"XYZ " + bytes(4) + _fixed(values)


def _fixed(values: Sequence[float]) -> bytes:
    """s15Fixed16Number."""
    return struct.pack(f">{len(values)}i", *(int(v) for v in np.rint(np.asarray(values) * 65536)))
