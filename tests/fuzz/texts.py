"""Ways to damage files of text (JSON, YAML, TOML, XML) and the JSON head of safetensors."""

import json
import random
import re
import struct
from collections.abc import Sequence
from typing import Any

from tests.fuzz.damage import MUTATORS as BYTES
from tests.fuzz.damage import Mutator, damaged

WORD = re.compile(rb'"[^"\n]*"|[\w.+-]+')
DEEP = 20_000
WORDS = (
    b"", b"null", b"-1", b"0", b"1e999", b"NaN", b"-Infinity", b"9" * 5000, b"2024-13-45", b"0x_", b"[]", b"{}",
    b"[[", b"}}", b'"', b"'", b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b"\xed\xa0\x80", b"&a [*a, *a]", b"*missing",
    b"!!python/name:os.system", b"<<: 1", b": :", b"\t", b"\r\n", b"../../x", b"/dev/null", b"off", b"\xe2\x80\xae",
    b"<!DOCTYPE x [<!ENTITY a 'b'>]>", b"<x>", b"</x>", b"&a;", b"&#0;", b"]]>", b"xmlns:z=''", b"encoding='x-none'",
    b"encoding='utf-16'", b"a" * 100_000, b"[" * DEEP, b"{\"a\":" * DEEP, b"<a>" * DEEP, b"(" * 3000,
)  # fmt: skip
"""What a parser may stumble over."""
VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2, 7, 1 << 31, 1 << 63, 10**400, 0.5, float("nan"), float("inf"), "", "x", "a\x00b",
    "\ud800", "../../x", [], [1], [None], {}, {"x": 1}, [[]], "darkdiff_models", "torch.float64", [1, 2, 3, 4],
)  # fmt: skip


def other_word(content: bytearray, rng: random.Random) -> None:
    """Another word or number in the place of one, in or behind its quotes."""
    found = list(WORD.finditer(content))
    if found:
        match = rng.choice(found)
        content[match.start() : match.end()] = rng.choice(WORDS)


def words_exchanged(content: bytearray, rng: random.Random) -> None:
    """Two words of the file change places."""
    found = list(WORD.finditer(content))
    if len(found) > 1:
        first, second = sorted(rng.sample(found, 2), key=lambda match: match.start())
        one, other = bytes(first[0]), bytes(second[0])
        content[second.start() : second.end()] = one
        content[first.start() : first.end()] = other


def put_in(content: bytearray, rng: random.Random) -> None:
    """A word that stands nowhere."""
    at = rng.randrange(len(content) + 1)
    content[at:at] = rng.choice(WORDS)


def lines_changed(content: bytearray, rng: random.Random) -> None:
    """A line doubled, taken out, put elsewhere, or moved to the right."""
    lines = content.split(b"\n")
    at, other = rng.randrange(len(lines)), rng.randrange(len(lines))
    way = rng.randrange(4)
    if way == 0:
        lines.insert(other, lines[at])
    elif way == 1:
        del lines[at]
    elif way == 2:
        lines[at], lines[other] = lines[other], lines[at]
    else:
        lines[at] = b"  " + lines[at]
    content[:] = b"\n".join(lines)


MUTATORS: Sequence[Mutator] = (*BYTES, *(other_word,) * 7, *(words_exchanged,) * 3, put_in, *(lines_changed,) * 3)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The keys that lead to every value inside a value of JSON."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [found for key, part in inside for found in ((*path, key), *places(part, (*path, key)))]


def other_value(document: Any, rng: random.Random) -> Any:
    """A value of JSON in which one value is another, has another name, or is missing."""
    found = places(document)
    if not found:
        return rng.choice(VALUES)
    *parents, last = rng.choice(found)
    place = document
    for key in parents:
        place = place[key]
    way = rng.random()
    if way < 0.7:
        place[last] = rng.choice(VALUES)
    elif way < 0.85 or isinstance(place, list):
        del place[last]
    else:
        place[rng.choice(("x", "_class_name", "", "dtype"))] = place.pop(last)
    return document


def json_damaged(content: bytes, rng: random.Random) -> bytes:
    """A JSON file with other values, or with another text."""
    if rng.random() < 0.3:
        return damaged(content, rng, MUTATORS)
    return json.dumps(other_value(json.loads(content), rng), indent=2).encode()


def safetensors_damaged(content: bytes, rng: random.Random) -> bytes:
    """A safetensors file (length of the head, head as JSON, values) with damage to one of its parts."""
    (length,) = struct.unpack_from("<Q", content)
    head, values, way = content[8 : 8 + length], content[8 + length :], rng.random()
    if way < 0.2:
        length = rng.choice((0, 1, length - 1, length + 1, 100_000_001, 1 << 62, (1 << 64) - 1))
        return struct.pack("<Q", length) + head + values
    if way < 0.8:
        head = json_damaged(head, rng)
        return struct.pack("<Q", len(head)) + head + values
    return damaged(content, rng)
