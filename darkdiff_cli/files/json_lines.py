"""A file of JSON lines that grows."""

import json
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from darkdiff_cli.errors import OutputError
from darkdiff_cli.files.faults import input_error, output_error
from darkdiff_cli.files.writing import atomically


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
        found = []
        for line in whole.splitlines():
            with suppress(ValueError, RecursionError):
                found.append(json.loads(line))
        return [value for value in found if isinstance(value, dict)]

    def keep(self, wanted: Callable[[Mapping[str, Any]], bool]) -> None:
        """Leave out the lines that are not wanted; no other process is writing. The file is the old one or the new.

        Args:
            wanted: whether an object stays.

        Raises:
            InputError, OutputError: the file cannot be read or written.
        """
        if self.path.is_symlink():  # which `append` refuses
            return
        found = JsonLines(self.path).read_new()
        kept = [value for value in found if wanted(value)]
        if len(kept) < len(found):
            text = "".join(json.dumps(value) + "\n" for value in kept)
            atomically(self.path, lambda partial: partial.write_bytes(text.encode()))
            self._read = 0

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
