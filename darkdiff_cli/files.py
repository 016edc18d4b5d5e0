"""Two ways to write: a file that is there whole or not at all, and a file of JSON lines that grows; one to read."""

import errno
import filecmp
import hashlib
import json
import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from darkdiff_cli.errors import DriveError, InputError, OutputError
from darkdiff_cli.names import windows_refuses

PARTIAL = ".{}.{}.partial"  # the target by a digest, so that it fits wherever the target's own name does; a random word
MOST_ON_WINDOWS = 259  # characters of a path: MAX_PATH counts a null character too
TRIES = 5  # to write a file that others write too
FULL = "the disk is full"
NO_ROOM = {errno.ENOSPC: FULL, errno.EDQUOT: "your quota on this disk is used up"}
"""What is said of the system's numbers for a disk that takes nothing more."""
_DRIVE = ("EIO", "ESTALE", "ENOTCONN", "ENODEV", "ENXIO", "ETIMEDOUT", "EHOSTDOWN", "EHOSTUNREACH", "EREMOTEIO")
OF_A_DRIVE = tuple(getattr(errno, name) for name in _DRIVE if hasattr(errno, name))  # Windows has not all of them
"""The system's numbers for a card with a bad spot, a drive that is away, and a network that is down."""


def atomically(path: Path, write: Callable[[Path], object], make_folder: bool = True) -> None:
    """Let `write` fill a partial file in the target's folder, then rename it to the target.

    Whatever happens in between, the target is the old file or the new one. The content is on the disk before the
    rename, so that holds after a power cut too. The partial file of a process that is killed stays behind, see
    `remove_partials`.

    Args:
        path: the target; an existing file is replaced.
        write: given the path of the partial file.
        make_folder: make the target's folder where it is missing; no, where that means that somebody has moved it.

    Raises:
        OutputError: the folder is read-only, the disk is full, or `write` raised another OSError.
    """
    partial = path.with_name(PARTIAL.format(_digest(path.name), secrets.token_hex(4)))
    try:
        if make_folder:
            path.parent.mkdir(parents=True, exist_ok=True)
        write(partial)
        with partial.open("rb+") as file:
            os.fsync(file.fileno())
        os.replace(partial, path)
    except OSError as error:
        raise output_error(path, error) from error
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


def atomically_by_any(path: Path, write: Callable[[Path], object]) -> None:
    """As `atomically`, for a file that any of several runs writes: what killed ones left of it is removed.

    A run that writes it in this very moment may lose its partial file by that; it writes another.

    Args:
        path, write: as in `atomically`.

    Raises:
        OutputError: as `atomically`.
    """
    with suppress(OSError):
        remove_partials(path)
    for left in reversed(range(TRIES)):
        try:
            atomically(path, write)
            return
        except OutputError as error:
            if left == 0 or not isinstance(error.__cause__, FileNotFoundError):
                raise


def remove_partials(path: Path) -> None:
    """Remove what killed processes left behind; the caller knows that nobody is writing there now.

    Args:
        path: a target of `atomically`, or a folder of targets.
    """
    folder, digest = (path, "?" * 16) if path.is_dir() else (path.parent, _digest(path.name))
    for partial in folder.glob(PARTIAL.format(digest, "?" * 8)):
        partial.unlink(missing_ok=True)


def _digest(name: str) -> str:
    return hashlib.blake2b(os.fsencode(name), digest_size=8).hexdigest()


def check_name(path: Path) -> None:
    """Check that a file can be called so where it is to be written, whether its folder is there already or not.

    Raises:
        OutputError: the name is longer than the file system allows, or Windows has no such names or so long paths.
    """
    place = path.absolute().parent
    while not os.path.isdir(place) and place != place.parent:
        place = place.parent
    try:
        longest = os.pathconf(place, "PC_NAME_MAX")
    except (AttributeError, OSError, ValueError):  # Windows
        longest = 255
    if len(os.fsencode(path.name)) > longest:
        raise OutputError(f"{path}: this name is longer than {longest} bytes; rename the raw, or give a name with -o.")
    if os.name == "nt":
        check_windows(path, _long_paths())


def check_windows(path: Path, long_paths: bool) -> None:
    """Check that Windows takes a path.

    Args:
        path: of a file to write, as `atomically` does, with a partial file beside it.
        long_paths: this Windows takes paths of more than 260 characters.

    Raises:
        OutputError: it does not.
    """
    why = windows_refuses(path.name)
    if why is not None:
        raise OutputError(f"{path}: {why}, which no file on Windows may; rename the raw, or give a name with -o.")
    folder = str(path.absolute().parent)
    length = len(folder) + 1 + max(len(path.name), len(PARTIAL.format("?" * 16, "?" * 8)))
    if length > MOST_ON_WINDOWS and not long_paths:
        raise OutputError(
            f"{path}: is longer than the {MOST_ON_WINDOWS} characters that this Windows takes; choose a folder nearer "
            "to the drive with -o, or allow long paths in Windows."
        )


def _long_paths() -> bool:
    """Whether this Windows takes paths of more than 260 characters."""
    import ctypes

    try:
        return bool(ctypes.windll.ntdll.RtlAreLongPathsEnabled())  # type: ignore[attr-defined]
    except (AttributeError, OSError):  # before Windows 10
        return False


def same_file(first: Path, second: Path) -> bool:
    """Whether two paths lead to one file or folder; False where either is missing or out of reach."""
    try:
        return first.samefile(second)
    except OSError:
        return False


def same_content(first: Path, second: Path) -> bool:
    """Whether two files hold the same bytes; False where either is missing or cannot be read."""
    try:
        return filecmp.cmp(first, second, shallow=False)  # which asks for their sizes first
    except OSError:
        return False


@contextmanager
def unchanged(path: Path) -> Iterator[None]:
    """Make sure that a file is the same before and after it is read: not replaced, not written to.

    Raises:
        InputError: it has changed; whatever else the reading raised is a consequence.
    """
    before = _state(path)
    try:
        yield
    except Exception as error:
        if before is not None and _state(path) != before:
            raise _changed(path) from error
        raise
    if before is not None and _state(path) != before:
        raise _changed(path)


def _changed(path: Path) -> InputError:
    return InputError(f"{path}: was changed while it was read; run it again when nobody writes to it.")


def _state(path: Path) -> tuple[int, int, int] | None:
    """Inode, size and time of a file; None where there is none."""
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_ino, stat.st_size, stat.st_mtime_ns


class JsonLines:
    """A file with one JSON object a line that is only ever appended to, by one process or by several.

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


def input_error(path: Path, error: OSError, what: str = "cannot be read") -> InputError:
    """Say in one sentence why a file or a folder cannot be read: for want of a permission, or by its drive's fault.

    Args:
        path: the file or the folder.
        error: as the system raised it.
        what: of it.
    """
    if isinstance(error, PermissionError) or error.errno in (errno.ENAMETOOLONG, errno.ELOOP):
        return InputError(f"{path}: {what} ({error.strerror}); check its path and permissions.")
    return DriveError(f"{path}: {what} ({error.strerror or error}); check the card or the drive, and try again.")


def number_of(error: BaseException) -> int | None:
    """The system's number of an error, or of the one that it was raised for."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, OSError):
        cause = cause.__cause__
    return None if cause is None else cause.errno


def output_error(path: Path, error: OSError) -> OutputError:
    """Say in one sentence why a file or a folder cannot be written.

    Args:
        path: the file or the folder.
        error: as the system raised it.
    """
    full = {**NO_ROOM, errno.EFBIG: FULL}.get(error.errno or 0)  # the last is said of one file alone
    if full is not None:
        return OutputError(f"{path}: {full}; free some space or choose another folder.")
    return OutputError(f"{path}: cannot be written ({error.strerror or error}); choose another folder.")
