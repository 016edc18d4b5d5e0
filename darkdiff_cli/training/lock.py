"""One training in a folder at a time: two would overwrite each other's checkpoints and logs."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from accelerate import Accelerator
from accelerate.utils import broadcast_object_list
from filelock import FileLock, Timeout

from darkdiff_cli.errors import SettingsError
from darkdiff_cli.files import output_error

NAME = ".darkdiff-train.lock"
_WITHOUT = ("ENOSYS", "ENOTSUP", "EOPNOTSUPP", "ENOLCK", "EINVAL")
WITHOUT_LOCKS = tuple(getattr(errno, name) for name in _WITHOUT if hasattr(errno, name))
"""What the system says of a drive that knows no locks; there a training goes on without one."""


@contextmanager
def sole_training(output: Path, accelerator: Accelerator) -> Iterator[None]:
    """Hold a run's folder, by its main process, whose end gives it back in any case. Leaves no empty folder.

    Args:
        output: folder of the run; it is made where it is missing.
        accelerator: this process; all of them begin together, or none does.

    Raises:
        SettingsError: another training holds it, or it cannot be written to.
    """
    lock, made = FileLock(output / NAME), list[Path]()
    fault = _taken(lock, output, made) if accelerator.is_main_process else None
    [fault] = broadcast_object_list([fault])
    try:
        if fault is not None:
            raise SettingsError(fault)
        yield
    finally:
        if lock.is_locked:
            with suppress(OSError):  # Windows deletes no open file
                (output / NAME).unlink()
            lock.release()
        for folder in made:
            with suppress(OSError):  # something is in it
                folder.rmdir()


def _taken(lock: FileLock, output: Path, made: list[Path]) -> str | None:
    """Take the lock and return None, or what hinders it.

    Args:
        lock: of the folder.
        output: the folder.
        made: takes the folders that had to be made, the innermost first.
    """
    while True:
        try:
            if output.exists() and not output.is_dir():
                return f"{output}: is no folder; choose another --output."
            made[:] = made or [folder for folder in (output, *output.parents) if not folder.exists()]
            output.mkdir(parents=True, exist_ok=True)
            lock.acquire(timeout=0)
        except Timeout:
            return f"{output}: another training is at work here; wait until it has ended, or choose another --output."
        except NotImplementedError:  # as older versions of filelock say it
            return None
        except OSError as error:
            return None if error.errno in WITHOUT_LOCKS and output.is_dir() else str(output_error(output, error))
        if (output / NAME).exists():  # else a training that has just ended took it away
            return None
        lock.release()
