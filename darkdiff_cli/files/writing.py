"""Write a file that is there whole or not at all."""

import hashlib
import os
import secrets
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from darkdiff_cli.errors import OutputError
from darkdiff_cli.files.faults import output_error

PARTIAL = ".{}.{}.partial"  # the target by a digest, so that it fits wherever the target's own name does; a random word
TRIES = 5  # to write a file that others write too


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
