"""What the system says of a file that it cannot read or write, in one sentence."""

import errno
from pathlib import Path

from darkdiff_cli.errors import DriveError, InputError, OutputError, RefusedError

FULL = "the disk is full"
NO_ROOM = {errno.ENOSPC: FULL, errno.EDQUOT: "your quota on this disk is used up"}
"""What is said of the system's numbers for a disk that takes nothing more."""
_DRIVE = ("EIO", "ESTALE", "ENOTCONN", "ENODEV", "ENXIO", "ETIMEDOUT", "EHOSTDOWN", "EHOSTUNREACH", "EREMOTEIO")
OF_A_DRIVE = tuple(getattr(errno, name) for name in _DRIVE if hasattr(errno, name))  # Windows has not all of them
"""The system's numbers for a card with a bad spot, a drive that is away, and a network that is down."""


def input_error(path: Path, error: OSError, what: str = "cannot be read") -> InputError:
    """Say in one sentence why a file or a folder cannot be read: for want of a permission, or by its drive's fault.

    Args:
        path: the file or the folder.
        error: as the system raised it.
        what: of it.
    """
    of_the_path = f"{path}: {what} ({error.strerror}); check its path and permissions."
    if isinstance(error, PermissionError):
        return RefusedError(of_the_path)
    if error.errno in (errno.ENAMETOOLONG, errno.ELOOP):
        return InputError(of_the_path)
    return DriveError(f"{path}: {what} ({error.strerror or error}); check the card or the drive, and try again.")


def why_missing(path: Path) -> str:
    """Say of a path that leads to nothing why it does not, to follow its name in a sentence, without a full stop.

    Raises:
        OSError: the system does not take the path.
    """
    if not path.is_symlink():
        return "no such file; check the path"
    try:
        path.stat()
    except OSError as error:
        if error.errno == errno.ELOOP:
            return "is a link that leads back to itself; give the file"
    return "is a link that leads to no file; check where it leads"


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
