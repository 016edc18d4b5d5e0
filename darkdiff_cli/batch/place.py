"""The folders of a batch, as it found them: a card may be pulled out, a drive go away, a folder be moved meanwhile."""

import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

from darkdiff_cli.errors import OutputError
from darkdiff_cli.files import FULL, NO_ROOM, number_of

LOW = 20_000_000  # bytes; with less left, a failed write means a full disk, whatever the writer says of it


def gone(folder: Path) -> str:
    """What is said of a folder that has gone."""
    return f"{folder}: is not there any more; put the drive or the folder back, and run the batch again."


class Place:
    """A folder, known again by its device and its number on it. One that is not there yet is known when it is.

    Args:
        folder: the folder.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._known: tuple[int, int] | None = None
        self.has_gone()

    def has_gone(self) -> bool:
        """Whether the path leads to the known folder no more, or that cannot be read."""
        try:
            with os.scandir(self.folder) as entries:
                next(entries, None)
            stat = self.folder.stat()
        except OSError:
            return self._known is not None
        self._known = self._known or (stat.st_dev, stat.st_ino)
        return self._known != (stat.st_dev, stat.st_ino)

    def make_way(self, file: Path) -> None:
        """Make the folders between this one and a file in it.

        Raises:
            OutputError: this one has gone; it is not made anew.
            OSError: one of them cannot be made.
        """
        if self.has_gone():
            raise OutputError(gone(self.folder))
        for parent in reversed(file.relative_to(self.folder).parents[:-1]):
            (self.folder / parent).mkdir(exist_ok=True)

    def refuses(self, error: Exception) -> str | None:
        """Why nothing can be written here any more, after a write has failed; None where the next one may go well.

        Args:
            error: of the write.
        """
        if not isinstance(error, OutputError | OSError):
            return None
        full = NO_ROOM.get(number_of(error) or 0) or (FULL if self._free() < LOW else None)
        if full is not None:
            return f"{self.folder}: {full}; free some space and run the batch again."
        try:
            with tempfile.TemporaryFile(dir=self.folder) as file:
                file.write(b" ")
        except OSError as refusal:
            reason = refusal.strerror or refusal
            return f"{self.folder}: cannot be written to any more ({reason}); run the batch again when it can."
        return None

    def _free(self) -> int:
        """Bytes left; none that count where nobody knows."""
        with suppress(OSError):
            return shutil.disk_usage(self.folder).free
        return LOW
