"""The files that a run reads: none of them is ever written to."""

import os
from collections.abc import Iterable
from pathlib import Path

from darkdiff_cli.errors import InputError, SettingsError


class Inputs:
    """The files that a run reads, known by device and number, so under every name and through every link.

    Args:
        paths: of the files; one that is missing does not count.
    """

    def __init__(self, paths: Iterable[Path]) -> None:
        self._known = {found for path in paths if (found := _identity(path)) is not None}

    def __contains__(self, path: Path) -> bool:
        return _identity(path) in self._known

    def refuse(self, path: Path | None, option: str = "-o") -> None:
        """Refuse to write a file that is read.

        Args:
            path: to be written, or None.
            option: that names it.

        Raises:
            SettingsError: it is one of them.
        """
        if path is not None and path in self:
            raise SettingsError(
                f"{path}: is one of the inputs, which are never written to; choose another with {option}."
            )


def check_plain(path: Path) -> None:
    """Refuse what is called as a file and is none: a pipe would not open, and a device would not end.

    Raises:
        InputError: it is there and no plain file.
    """
    if os.path.exists(path) and not os.path.isfile(path):
        raise InputError(f"{path}: is a folder, a device or a pipe, and no file; take it out of the set.")


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        stat = os.stat(path)
    except (OSError, ValueError):
        return None
    return stat.st_dev, stat.st_ino
