"""Ways to damage a TIFF that know its structure: directories, and the type, count, value and place of every tag."""

import random
import struct
from collections.abc import Sequence
from dataclasses import dataclass

from tests.fuzz.damage import NUMBERS, Mutator, place

SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
POINTERS = (330, 34665, 34853)  # SubIFDs, EXIF, GPS
LAYOUT = (254, 256, 257, 258, 259, 262, 273, 274, 277, 278, 279, 284, 322, 323, 324, 325, 339)
OF_DNG = (
    33421, 33422, 50706, 50711, 50712, 50713, 50714, 50715, 50716, 50717, 50718, 50719, 50720, 50721, 50727, 50728,
    50729, 50730, 50778, 50829, 50830, 51008, 51009, 51022, 51125,
)  # fmt: skip
MAKERS = (
    b"Canon", b"NIKON CORPORATION", b"SONY", b"PENTAX", b"OLYMPUS", b"Panasonic", b"SAMSUNG", b"Hasselblad", b"Kodak",
    b"Phase One", b"Leaf", b"Mamiya", b"EPSON", b"FUJIFILM", b"Leica", b"Ricoh", b"RED", b"Apple", b"Sinar",
)  # fmt: skip
MOST = 40  # directories of a file


@dataclass(frozen=True)
class Entry:
    """A tag of a directory.

    Attributes:
        at: where its 12 bytes are.
        order: "<" or ">".
        code, kind, count: as they stand there.
    """

    at: int
    order: str
    code: int
    kind: int
    count: int

    def data(self, content: bytes) -> tuple[int, int]:
        """Where its values are and how many bytes they have, whether inside the entry or elsewhere."""
        size = SIZES.get(self.kind, 1) * self.count
        return (self.at + 8 if size <= 4 else _number(content, self.at + 8, self.order)), size


def entries(content: bytes) -> list[Entry]:
    """The tags of all directories that can be reached; none of what is no TIFF."""
    order = {b"II": "<", b"MM": ">"}.get(bytes(content[:2]))
    if order is None or len(content) < 8:
        return []
    waiting, seen, found = [_number(content, 4, order)], set[int](), list[Entry]()
    while waiting and len(seen) < MOST:
        start = waiting.pop()
        if start == 0 or start in seen or start + 2 > len(content):
            continue
        seen.add(start)
        (count,) = struct.unpack_from(f"{order}H", content, start)
        for at in range(start + 2, min(start + 2 + 12 * count, len(content) - 11), 12):
            entry = Entry(at, order, *struct.unpack_from(f"{order}HHI", content, at))
            found.append(entry)
            if entry.code in POINTERS:
                data, size = entry.data(content)
                waiting += [_number(content, data + step, order) for step in range(0, min(size, 16), 4)]
        waiting.append(_number(content, start + 2 + 12 * count, order))
    return found


def _number(content: bytes, at: int, order: str) -> int:
    return int(struct.unpack_from(f"{order}I", content, at)[0]) if 0 <= at <= len(content) - 4 else 0


def _chosen(content: bytearray, rng: random.Random) -> Entry | None:
    """Any tag, more often one that says how the picture lies in the file or what a DNG means."""
    found = entries(content)
    weighty = [entry for entry in found if entry.code in (*LAYOUT, *OF_DNG)]
    among = weighty if weighty and rng.random() < 0.7 else found
    return rng.choice(among) if among else None


def _put(content: bytearray, at: int, form: str, value: int) -> None:
    size = struct.calcsize(form)
    if 0 <= at <= len(content) - size:
        struct.pack_into(form, content, at, value & ((1 << 8 * size) - 1))


def change_type(content: bytearray, rng: random.Random) -> None:
    if entry := _chosen(content, rng):
        _put(content, entry.at + 2, f"{entry.order}H", rng.choice((*range(19), 129, 255, 65535)))


def change_count(content: bytearray, rng: random.Random) -> None:
    if entry := _chosen(content, rng):
        value = rng.choice((*NUMBERS, entry.count + 1, entry.count - 1, entry.count * 2, rng.randrange(300)))
        _put(content, entry.at + 4, f"{entry.order}I", value)


def change_value(content: bytearray, rng: random.Random) -> None:
    """One of a tag's numbers, in the tag's own type."""
    if entry := _chosen(content, rng):
        start, size = entry.data(content)
        width = {1: "B", 2: "H", 4: "I", 8: "I"}[SIZES.get(entry.kind, 1)]
        step = struct.calcsize(width)
        at = start + step * rng.randrange(max(min(size, 4000) // step, 1))
        _put(content, at, entry.order + width, rng.choice((*NUMBERS, rng.randrange(70_000), rng.getrandbits(32))))


def change_offset(content: bytearray, rng: random.Random) -> None:
    """Lead a tag's values elsewhere: into itself, its directory, the end of the file, or beyond it."""
    if entry := _chosen(content, rng):
        size = len(content)
        value = rng.choice((0, entry.at, entry.at + 8, size - 1, size, size + 4, 0xFFFF_FFF0, rng.randrange(size + 1)))
        _put(content, entry.at + 8, f"{entry.order}I", value)


def fill_values(content: bytearray, rng: random.Random) -> None:
    """All of a tag's values alike: zeros, ones, or not a number."""
    if entry := _chosen(content, rng):
        start, size = entry.data(content)
        part = rng.choice((b"\0", b"\xff", b"\x7f\xc0", b"\x01", bytes((rng.randrange(256),))))
        size = min(size, len(content) - start)
        if size > 0:
            content[start : start + size] = (part * size)[:size]


def change_code(content: bytearray, rng: random.Random) -> None:
    """Drop a tag, or make another of it."""
    if entry := _chosen(content, rng):
        _put(content, entry.at, f"{entry.order}H", rng.choice((65_000, *LAYOUT, *OF_DNG)))


def repeat_entry(content: bytearray, rng: random.Random) -> None:
    """Write a tag over another one."""
    found = entries(content)
    if len(found) > 1:
        one, other = rng.sample(found, 2)
        content[other.at : other.at + 12] = content[one.at : one.at + 12]


def change_directory(content: bytearray, rng: random.Random) -> None:
    """The number of a directory's tags, or where the next one is: often a loop."""
    order = {b"II": "<", b"MM": ">"}.get(bytes(content[:2]), "<")
    start = _number(content, 4, order)
    if rng.random() < 0.3:
        _put(content, start, f"{order}H", rng.choice((0, 1, 255, 65_535)))
    elif start + 2 <= len(content):
        (count,) = struct.unpack_from(f"{order}H", content, start)
        _put(content, start + 2 + 12 * count, f"{order}I", rng.choice((start, start + 12, 8, place(content, rng))))


def other_maker(content: bytearray, rng: random.Random) -> None:
    """A raw of another maker, without the mark of a DNG half of the time: decoders of single cameras."""
    maker = rng.choice(MAKERS)
    for entry in entries(content):
        start, size = entry.data(content)
        if entry.code in (271, 272) and start + size <= len(content):
            content[start : start + size] = maker[:size].ljust(size, b"\0")
        if entry.code == 50706 and rng.random() < 0.5:
            _put(content, entry.at, f"{entry.order}H", 65_000)


MUTATORS: Sequence[Mutator] = (
    change_type, change_count, change_value, change_value, change_value, change_offset, fill_values, change_code,
    repeat_entry, change_directory, other_maker,
)  # fmt: skip
