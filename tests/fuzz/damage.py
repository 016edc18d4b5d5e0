"""Ways to damage any file: bytes flipped, zeroed, cut, doubled, spliced, and numbers made huge."""

import random
from collections.abc import Callable, Sequence

Mutator = Callable[[bytearray, random.Random], None]
"""Damages content in place."""

NUMBERS = (0, 1, 2, 3, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x10000, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFE, 0xFFFF_FFFF)
"""Where arithmetic of 8, 16 and 32 bits goes wrong."""


def place(content: bytearray, rng: random.Random) -> int:
    """A place in the content, half of the time among its first 2,000 bytes, where the headers are."""
    return rng.randrange(max(min(len(content), 2000) if rng.random() < 0.5 else len(content), 1))


def flip_bits(content: bytearray, rng: random.Random) -> None:
    for _ in range(rng.choice((1, 1, 2, 8, 64))):
        if content:
            content[place(content, rng)] ^= 1 << rng.randrange(8)


def random_bytes(content: bytearray, rng: random.Random) -> None:
    start, length = place(content, rng), rng.choice((1, 2, 4, 16, 256))
    content[start : start + length] = rng.randbytes(len(content[start : start + length]))


def zero_range(content: bytearray, rng: random.Random) -> None:
    start, length = place(content, rng), rng.choice((4, 64, 1000, 100_000))
    content[start : start + length] = bytes(len(content[start : start + length]))


def cut_off(content: bytearray, rng: random.Random) -> None:
    del content[place(content, rng) :]


def take_out(content: bytearray, rng: random.Random) -> None:
    start = place(content, rng)
    del content[start : start + rng.choice((1, 2, 4, 100, 5000))]


def double_range(content: bytearray, rng: random.Random) -> None:
    start = place(content, rng)
    part = content[start : start + rng.choice((1, 4, 12, 500))]
    at = place(content, rng)
    content[at:at] = part


def number(content: bytearray, rng: random.Random) -> None:
    """A number of 16 or 32 bits in either byte order, at an even place."""
    size = rng.choice((2, 4))
    at = place(content, rng) // 2 * 2
    value = rng.choice(NUMBERS) & ((1 << 8 * size) - 1)
    content[at : at + size] = value.to_bytes(size, rng.choice(("little", "big")))[: len(content) - at]


MUTATORS: Sequence[Mutator] = (flip_bits, random_bytes, zero_range, cut_off, take_out, double_range, number)


def spliced(content: bytes, other: bytes, rng: random.Random) -> bytearray:
    """The beginning of one file and the end of another."""
    return bytearray(content[: rng.randrange(len(content) + 1)] + other[rng.randrange(len(other) + 1) :])


def damaged(content: bytes, rng: random.Random, mutators: Sequence[Mutator] = MUTATORS, most: int = 3) -> bytes:
    """The content after one to `most` of the mutators."""
    changed = bytearray(content)
    for _ in range(rng.randint(1, most)):
        rng.choice(mutators)(changed, rng)
    return bytes(changed)
