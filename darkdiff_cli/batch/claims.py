"""Who works on which file: two runs over one folder, on one machine or several, do each file once."""

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from darkdiff_cli.batch.jobs import Job
from darkdiff_cli.batch.ledger import Entry, Ledger
from darkdiff_cli.errors import OutputError
from darkdiff_cli.files import remove_partials

FOLDER = ".darkdiff-claims"


@dataclass(frozen=True, slots=True)
class Task:
    """One file to do.

    Attributes:
        job: the raw and its photo.
        key: of input and settings, see `ledger.job_key`.
        before: what the ledger said about the key when the task was planned, or None.
    """

    job: Job
    key: str
    before: Entry | None = None


def is_claimed(task: Task) -> bool:
    """Whether a run is at a task, or was killed while it was."""
    return _lock_file(task.job.root / FOLDER, task.key).exists()


def _lock_file(folder: Path, key: str) -> Path:
    return folder / f"{key}.lock"


class Claims:
    """The claims of one run: a lock for each file being processed, freed by the operating system if the process dies.

    A lock's file is taken away only after the ledger has the file's line, so whoever locks a file that is already
    gone reads in the ledger that there is nothing left to do.

    Args:
        output: root of the photos.
        ledger: of that folder.
    """

    def __init__(self, output: Path, ledger: Ledger) -> None:
        self.folder, self.ledger = output / FOLDER, ledger
        self._held: dict[str, FileLock] = {}

    def take(self, task: Task) -> bool:
        """Claim a task; False where another run has it or has done it.

        Raises:
            OutputError: the folder of the photos cannot be written to.
        """
        lock = FileLock(_lock_file(self.folder, task.key), thread_local=False)  # given back by another thread
        while True:
            try:
                self.folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:  # a card that is locked, say
                what = f"cannot be written to ({error.strerror}); give another folder with -o."
                raise OutputError(f"{self.folder.parent}: {what}") from error
            try:
                lock.acquire(timeout=0)
                break
            except Timeout:
                return False
            except FileNotFoundError:  # another run has just tidied the folder away
                continue
        self._held[task.key] = lock
        now = self.ledger.entries().get(task.key)
        if now != task.before and now is not None and (now.status == "failed" or task.job.output.exists()):
            self.settle(task)  # another run did it since this one was planned
            return False
        remove_partials(task.job.output)  # of a run that was killed
        return True

    def settle(self, task: Task, entry: Entry | None = None) -> None:
        """Give a claim back; with an entry, once that is in the ledger."""
        remove_partials(task.job.output)  # of a worker that was lost and replaced
        if entry is not None:
            self.ledger.append(entry)
        lock = self._held.pop(task.key)
        with suppress(OSError):  # Windows deletes no open file; `close` does it later
            Path(lock.lock_file).unlink()
        lock.release()

    def drop(self, task: Task) -> None:
        """Give back a claim on a file that was not done."""
        remove_partials(task.job.output)
        self._held.pop(task.key).release()

    def close(self) -> None:
        """Release all claims, and remove the lock files that nobody holds.

        Should another run be about to lock such a file in that very moment, a third could do the same photo a second
        time: the same bytes, written whole.
        """
        for key in list(self._held):
            self._held.pop(key).release()
        for path in self.folder.glob("*.lock"):
            lock = FileLock(path)
            with suppress(Timeout, OSError):
                lock.acquire(timeout=0)
                path.unlink()
            lock.release()
        with suppress(OSError):
            self.folder.rmdir()
