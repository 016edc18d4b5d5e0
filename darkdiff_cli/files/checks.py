"""Whether a file may be called so, is another one, or changes while it is read."""

import filecmp
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from darkdiff_cli.errors import ChangedError, InputError, OutputError, UnreadableError
from darkdiff_cli.files.faults import input_error, why_missing
from darkdiff_cli.files.writing import PARTIAL
from darkdiff_cli.names import windows_refuses

MOST_ON_WINDOWS = 259  # characters of a path: MAX_PATH counts a null character too


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


def check_input(path: Path) -> None:
    """Check that there is a file to read, with something in it.

    Raises:
        InputError: it is missing, or out of reach.
        UnreadableError: it is a folder, a device or a pipe, or it is empty.
    """
    try:
        if not path.exists():
            raise InputError(f"{path}: {why_missing(path)}.")
        if path.is_dir():
            raise UnreadableError(f"{path}: is a folder; give the raw files in it.")
        if not path.is_file():
            raise UnreadableError(f"{path}: is a device or a pipe, and no file; give a raw file.")
        if path.stat().st_size == 0:
            raise UnreadableError(f"{path}: the file is empty; copy it again from the card.")
        path.open("rb").close()
    except OSError as error:
        raise input_error(path, error) from error


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


def begins_with_mark(path: Path, mark: bytes, within: int) -> bool:
    """Whether a file has a mark of ours near its beginning, so that it may be replaced.

    Args:
        path: of the file; anything but a plain file has none, and is not opened: a pipe would not open at all.
        mark: what files of this kind alone hold.
        within: so many bytes.
    """
    if not path.is_file():
        return False
    try:
        with path.open("rb") as file:
            return mark in file.read(within)
    except OSError:
        return False


@contextmanager
def unchanged(path: Path) -> Iterator[None]:
    """Make sure that a file is the same before and after it is read: not replaced, not written to.

    Raises:
        ChangedError: it has; whatever else the reading raised is a consequence.
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


def _changed(path: Path) -> ChangedError:
    return ChangedError(f"{path}: was changed while it was read; run it again when nobody writes to it.")


def _state(path: Path) -> tuple[int, int, int] | None:
    """Inode, size and time of a file; None where there is none."""
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_ino, stat.st_size, stat.st_mtime_ns
