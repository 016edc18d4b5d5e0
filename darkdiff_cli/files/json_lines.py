"""A file of JSON lines that grows."""

import json
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from darkdiff_cli.errors import OutputError
from darkdiff_cli.files.faults import input_error, output_error


class JsonLines:
    """A file with one JSON object a line that is appended to, by one process or by several.

    Each line is one write. A line that was cut off by a power cut or a full disk is passed over, and so is one that
    holds anything but an object.

    Args:
        path: of the file; it is made by the first line.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._read = 0  # bytes

    def read_new(self) -> list[dict[str, Any]]:
        """The objects that were appended since the last call; the first call gives all of them.

        Raises:
            InputError: the file cannot be read.
        """
        try:
            if not self.path.is_file():
                return []
            with self.path.open("rb") as file:
                file.seek(self._read)
                whole = file.read()
        except OSError as error:
            raise input_error(self.path, error) from error
        whole = whole[: whole.rfind(b"\n") + 1]  # the rest may still be in the writing
        self._read += len(whole)
        return [value for line in whole.splitlines() if (value := _object(line)) is not None]

    def cut(self, ends: Callable[[Mapping[str, Any]], bool]) -> None:
        """Cut the file off before the first object of some kind; no other process is writing. It needs no room.

        Args:
            ends: whether an object and all after it are to go.

        Raises:
            OutputError: the file cannot be read or written.
        """
        if self.path.is_symlink() or not self.path.is_file():  # `append` says what is wrong
            return
        try:
            with self.path.open("rb+") as file:
                place = 0
                for line in file:
                    if (value := _object(line)) is not None and ends(value):
                        file.truncate(place)
                        break
                    place += len(line)
        except OSError as error:
            raise output_error(self.path, error) from error
        self._read = min(self._read, place)

    def append(self, value: Mapping[str, Any], sync: bool) -> None:
        """Add a line, on a line of its own even where the one before was cut off.

        Args:
            value: the object.
            sync: wait until it is on the disk.

        Raises:
            OutputError: the file cannot be written, or the disk is full.
        """
        line = (json.dumps(value) + "\n").encode()
        if self.path.is_symlink():  # it may lead to any file of the user's
            raise OutputError(f"{self.path}: is a link, which is not written through; remove it.")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("ab+") as file:
                if file.tell() > 0:
                    file.seek(-1, os.SEEK_END)
                    line = line if file.read(1) == b"\n" else b"\n" + line
                file.write(line)
                file.flush()
                if sync:
                    os.fsync(file.fileno())
        except OSError as error:
            raise output_error(self.path, error) from error


def _object(line: bytes) -> dict[str, Any] | None:
    """The object of a line; None where it holds none."""
    with suppress(ValueError, RecursionError):
        value = json.loads(line)
        return value if isinstance(value, dict) else None
    return None
