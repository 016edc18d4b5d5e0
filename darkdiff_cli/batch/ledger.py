"""The record of a batch: one JSON line for each finished or failed file, only ever appended to."""

import hashlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

NAME = "darkdiff-ledger.jsonl"


@dataclass(frozen=True, slots=True)
class Entry:
    """What became of one input under one group of settings.

    Attributes:
        key: of input and settings, see `job_key`.
        source, output: relative to the batch's folders.
        status: "done" or "failed".
        error: one sentence for a failure.
        ratio: amplification ratio that was used.
        seconds: from decoding to writing.
    """

    key: str
    source: str
    output: str
    status: Literal["done", "failed"]
    error: str | None = None
    ratio: float | None = None
    seconds: float | None = None


class Ledger:
    """The ledger file of an output folder; several processes may append to it.

    Each line is one write to a file opened for appending, and reaches the disk before the next file begins. A line
    that a power cut tore is passed over, and the next one starts on a line of its own.

    Args:
        folder: of the outputs.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / NAME
        self._found: dict[str, Entry] = {}
        self._read = 0  # bytes taken in; later calls read only what was appended since

    def entries(self) -> dict[str, Entry]:
        """The newest entry of each key."""
        if not self.path.is_file():
            return self._found
        with self.path.open("rb") as file:
            file.seek(self._read)
            whole = file.read()
        whole = whole[: whole.rfind(b"\n") + 1]
        self._read += len(whole)
        for line in whole.splitlines():
            try:
                entry = Entry(**json.loads(line))
            except (ValueError, TypeError):
                continue
            self._found[entry.key] = entry
        return self._found

    def append(self, entry: Entry) -> None:
        """Add a line and wait until it is on the disk."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        line = (json.dumps(asdict(entry)) + "\n").encode()
        with self.path.open("ab+") as file:
            if file.tell() > 0:
                file.seek(-1, os.SEEK_END)
                line = line if file.read(1) == b"\n" else b"\n" + line
            file.write(line)
            file.flush()
            os.fsync(file.fileno())


def job_key(identity: str, settings: dict[str, Any], model: str) -> str:
    """A digest of everything that decides a photo: the input, the settings, the model."""
    words = json.dumps([identity, settings, model], sort_keys=True, default=str)
    return hashlib.blake2b(words.encode(), digest_size=16).hexdigest()
