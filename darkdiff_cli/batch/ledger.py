"""The record of a batch: one JSON line for each finished or failed file, only ever appended to."""

import hashlib
import json
import os
import sys
from collections.abc import Collection
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from darkdiff_cli.errors import OutputError
from darkdiff_cli.files import JsonLines

NAME = "darkdiff-ledger.jsonl"
LARGEST = 1e9  # of a ratio, or of the seconds of a photo


@dataclass(frozen=True, slots=True)
class Entry:
    """What became of one input under one group of settings.

    Attributes:
        key: of input and settings, see `job_key`.
        source, output: relative to the batch's folders.
        status: "done" or "failed".
        error: one sentence for a failure.
        ratio: amplification ratio that was used.
        seconds: of work on it; what it waited for others does not count.
        notes: what had to be done otherwise than asked for.
        folder: the batch's folder of a raw that was done, absolute.
        model: that made the photo; of a hub model with the revision, owner/name@commit.
        arithmetic: that its last bits depend on: device, precision, threads and torch's version.
        state: of the raw that was done, see `Job.state`.
    """

    key: str
    source: str
    output: str
    status: Literal["done", "failed"]
    error: str | None = None
    ratio: float | None = None
    seconds: float | None = None
    notes: tuple[str, ...] = ()
    folder: str = ""
    model: str = ""
    arithmetic: str = ""
    state: str = ""

    def __post_init__(self) -> None:
        # What thousands of photos have in common is held once.
        for name in ("folder", "model", "arithmetic"):
            object.__setattr__(self, name, sys.intern(getattr(self, name)))
        object.__setattr__(self, "notes", tuple(map(sys.intern, self.notes)))


class Ledger:
    """The ledger file of an output folder; several processes may append to it.

    Each line reaches the disk before the next file begins. What a power cut tore is passed over, see `JsonLines`.

    Args:
        folder: of the outputs.
    """

    def __init__(self, folder: Path) -> None:
        self._lines = JsonLines(folder / NAME)
        self._found: dict[str, Entry] = {}
        self._made: dict[str, Entry] = {}

    def checked(self) -> "Ledger":
        """This ledger; what stands in its place and is none is refused, before its photos are taken for others'.

        Raises:
            OutputError: it is a link, a folder or a pipe.
        """
        path = self._lines.path
        if path.is_symlink():
            raise OutputError(f"{path}: is a link, which is not written through; remove it.")
        if os.path.lexists(path) and not os.path.isfile(path):
            raise OutputError(f"{path}: is no file, so that no photo can be recorded; move it away.")
        return self

    def entries(self) -> dict[str, Entry]:
        """The newest entry of each key, in the order of their lines; later calls read only what was appended since."""
        for line in self._lines.read_new():
            entry = _entry(line)
            if entry is not None:
                known = self._found.pop(entry.key, None)
                if known == entry:
                    entry = known  # of this run, which holds it already
                self._found[entry.key] = entry
                if entry.status == "done":
                    self._made[entry.output] = entry
        return self._found

    def made(self, photo: str) -> Entry | None:
        """How a photo was made last, under whatever settings; None where it never was."""
        self.entries()
        return self._made.get(photo)

    def photos(self) -> Collection[Entry]:
        """How each photo was made last."""
        self.entries()
        return self._made.values()

    def revision(self, model: str) -> str | None:
        """The revision of a hub model that made the newest photos here; None where it made none."""
        used = (entry.model.partition("@") for entry in reversed(self.entries().values()))
        return next((revision for name, _, revision in used if name == model and revision), None)

    def append(self, entry: Entry) -> None:
        """Add a line and wait until it is on the disk.

        Raises:
            OutputError: the ledger cannot be written.
        """
        self._lines.append(asdict(entry), sync=True)
        self._found[entry.key] = entry


def _entry(line: dict[str, Any]) -> Entry | None:
    """The entry of a line; None where it is damaged, or of another program."""
    try:
        entry = Entry(**{**line, "notes": tuple(line.get("notes", ()))})
    except TypeError:
        return None
    texts = (
        entry.key,
        entry.source,
        entry.output,
        entry.folder,
        entry.model,
        entry.arithmetic,
        entry.state,
        *entry.notes,
        entry.error or "",
    )
    numbers = (number for number in (entry.ratio, entry.seconds) if number is not None)
    usable = (
        all(isinstance(text, str) for text in texts)
        and entry.status in ("done", "failed")
        and all(isinstance(number, int | float) and 0 <= number < LARGEST for number in numbers)
    )
    return entry if usable else None


def job_key(identity: str, settings: dict[str, Any], model: str) -> str:
    """A digest of everything that decides a photo: the input, the settings, the model."""
    words = json.dumps([identity, settings, model], sort_keys=True, default=str)
    return hashlib.blake2b(words.encode(), digest_size=16).hexdigest()
