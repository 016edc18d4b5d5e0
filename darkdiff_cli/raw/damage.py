"""What tells that a file is damaged, each thing one note on the photo: LibRaw's warnings, and an end of zeros.

LibRaw and the libjpeg inside it write their warnings to file descriptor 2, from C; rawpy hands on no callback for
them. While LibRaw works, the descriptor leads into a temporary file, and not into a pipe, which somebody would have to
read meanwhile.

A descriptor belongs to the whole process and not to a thread. This is right nevertheless:

- the commands decode in a process of its own, which shows nothing (`darkdiff_cli/decoder.py`);
- elsewhere a thread may draw the progress meanwhile: it draws on a descriptor of its own (`commands/progress.py`);
- whatever else is written to descriptor 2 meanwhile comes out, in its order, as soon as LibRaw is done;
- one file of a process is decoded at a time: a second thread waits, since neither could tell whose file is damaged.
"""

import os
import re
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

STDERR = 2
OF_LIBRAW = rb"Unexpected end of file|data corrupted at -?\d+|Out of memory in [^\n]*?"
"""What follows a file's name in LibRaw's own warnings."""
OF_LIBJPEG = (
    rb"Premature end of JPEG file|Corrupt JPEG data: [^\n]*?|Inconsistent progression sequence[^\n]*?|"
    rb"Invalid SOS parameters[^\n]*?|Invalid JPEG file structure: [^\n]*?|Not a JPEG file: [^\n]*?|"
    rb"Warning: unknown JFIF revision number[^\n]*?|Warning: thumbnail image size[^\n]*?|"
    rb"Unknown Adobe color transform[^\n]*?|"
    rb"Bogus Huffman table definition|Unsupported (?:JPEG|marker)[^\n]*?"
)
FOUND = "LibRaw found damage in it"
ZEROS = "its end is zeros"
TAIL = 4096  # bytes; where the last of a file are all zero, its space is there and its content is not
BLOCK = 1 << 20  # bytes read at once
LOST = "parts of the picture are missing or wrong"
"""Of `missing_parts`."""
BLACK = ("black level", "the file's black levels", "the masked border")
"""Of `levels`: what is said of a black level begins so."""
_decoding = threading.RLock()


@contextmanager
def overheard(path: Path, heard: list[str]) -> Iterator[None]:
    """Keep LibRaw's warnings from standard error within this block.

    Args:
        path: the file that LibRaw decodes.
        heard: gets the warnings when the block ends, however it ends; each kind once, without the file's name.
    """
    with _decoding:
        diverted = _divert()
        try:
            yield
        finally:
            if diverted is not None:
                warnings, rest = _told_apart(_restore(*diverted), path)
                heard += warnings
                _write(rest)


def zeros_at_end(path: Path) -> int:
    """How many bytes at the end of a file are zero, as those of a copy whose space was reserved and never filled.

    Returns:
        Bytes; 0 where they are fewer than TAIL, which a format may pad with.

    Raises:
        OSError: it cannot be read.
    """
    if not path.is_file():  # a pipe would not open until somebody writes to it
        return 0
    zeros = 0
    with path.open("rb") as file:
        left = file.seek(0, os.SEEK_END)
        while left > 0:
            length = min(BLOCK if zeros else TAIL, left)
            left -= length
            file.seek(left)
            block = file.read(length)
            zeros += len(block) - len(block.rstrip(b"\0"))
            if block.rstrip(b"\0"):
                break
    return zeros if zeros >= TAIL else 0


def damage_notes(heard: Sequence[str], path: Path | None = None) -> tuple[str, ...]:
    """What to tell the user about a damaged file, each thing a note without a full stop.

    Args:
        heard: what LibRaw said about it.
        path: the file, whose end is looked at. It is decoded all the same: the raw of a covered lens may hold zeros.

    Raises:
        OSError: the file cannot be read.
    """
    notes = []
    if heard:
        what = "parts of the picture may be missing or wrong; copy it again from the card"
        notes.append(f"{FOUND} ({', '.join(heard)}): {what}")
    if path is not None and (zeros := zeros_at_end(path)):
        share = f"{zeros:,} bytes, {zeros / path.stat().st_size:.0%} of the file"
        what = "a copy may not have been finished, and parts of the picture may be missing; copy it again from the card"
        notes.append(f"{ZEROS} ({share}): {what}")
    return tuple(notes)


def damage_of(name: str, notes: Sequence[str]) -> Iterator[str]:
    """The notes about damage among those of another file that a photo is made of, with that file's name."""
    return (f"{name}: {note}" for note in notes if note.startswith((FOUND, ZEROS, LOST)))


def doubts_of(name: str, notes: Sequence[str]) -> Iterator[str]:
    """The notes about damage and about the black level of a file that another is put together with, with its name."""
    return (f"{name}: {note}" for note in notes if note.startswith((FOUND, ZEROS, LOST, *BLACK)))


def _divert() -> tuple[int, IO[bytes]] | None:
    """Lead descriptor 2 into a temporary file; None where there is no standard error, or no room for the file."""
    try:
        original = os.dup(STDERR)
    except OSError:
        return None
    try:
        file = tempfile.TemporaryFile()  # noqa: SIM115 (closed by `_restore`)
    except OSError:
        os.close(original)
        return None
    _flush()
    os.dup2(file.fileno(), STDERR)
    return original, file


def _restore(original: int, file: IO[bytes]) -> bytes:
    """Lead descriptor 2 to where it led before; returns what was written meanwhile."""
    _flush()
    os.dup2(original, STDERR)
    os.close(original)
    with file:
        file.seek(0)
        return file.read()


def _told_apart(text: bytes, path: Path) -> tuple[list[str], bytes]:
    """LibRaw's warnings, each kind once whatever numbers are in it, and all other lines as they are."""
    name = re.escape(os.fsencode(path.as_posix()))  # a name may hold line ends
    ours = re.compile(rb"^(?:(?:%b|[^\n]*): (%b)|(%b))\r?\n" % (name, OF_LIBRAW, OF_LIBJPEG), re.MULTILINE)
    kinds: dict[str, str] = {}
    for match in ours.finditer(text):
        words = (match[1] or match[2]).decode(errors="replace")
        kinds.setdefault(re.sub(r"\d+|0x[0-9a-f]+", "", words), words)
    return list(kinds.values()), ours.sub(b"", text)


def _flush() -> None:
    """Bring what Python has still in hand for standard error to where it leads now."""
    with suppress(AttributeError, OSError, ValueError):  # there is none, or it is closed
        sys.stderr.flush()


def _write(rest: bytes) -> None:
    with suppress(OSError):  # nobody reads it any more
        while rest:
            rest = rest[os.write(STDERR, rest) :]
