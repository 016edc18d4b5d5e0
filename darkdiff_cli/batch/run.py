"""One run of a batch: which task comes next, and what became of each, whatever engine does the work."""

import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from darkdiff_cli.batch.claims import Claims, Task
from darkdiff_cli.batch.ledger import Ledger
from darkdiff_cli.batch.worker import Finished

INTERRUPTED = "interrupted"
POLL = 1.0  # seconds between two looks for more tasks


class Watcher(Protocol):
    """Is told of every event of a run."""

    def began(self, worker: str, file: str) -> None:
        """A worker's networks are at a file."""

    def finished(self, worker: str, finished: Finished) -> None:
        """A file is done or has failed, and is in the ledger."""

    def skipped(self) -> None:
        """Another run has a file."""


class Incoming(Protocol):
    """Where the tasks of a batch come from that goes on."""

    def more(self) -> Sequence[Task]:
        """Tasks that have come up."""

    def awaits(self, worker: str, finished: Finished) -> bool:
        """Whether a worker's task that failed is no failure yet; it then comes up again."""


class Stop(Protocol):
    """A request to stop, such as Ctrl-C."""

    @property
    def requested(self) -> bool:
        """Whether a stop was requested."""


class BatchRun:
    """Hands out tasks and takes in results; safe to call from several threads.

    Args:
        tasks: to do, in order.
        output: root of the photos.
        watcher: told of everything.
        incoming: gives more tasks; None for a batch that ends with the last of `tasks`.
    """

    def __init__(self, tasks: Sequence[Task], output: Path, watcher: Watcher, incoming: Incoming | None = None) -> None:
        self.ledger, self.watcher, self.incoming = Ledger(output), watcher, incoming
        self.claims = Claims(output, self.ledger)
        self.stopped: str | None = None
        self._tasks, self._lock = iter(tasks), threading.Lock()

    def stop(self, reason: str) -> None:
        """Hand out no more tasks."""
        self.stopped = self.stopped or reason

    def next_task(self) -> Task | None:
        """The next task, claimed; None when there are no more."""
        with self._lock:
            while self.stopped is None and (task := next(self._tasks, None)) is not None:
                if self.claims.take(task):
                    return task
                self.watcher.skipped()
            return None

    def wait(self, stop: Stop) -> bool:
        """Wait for more tasks; False where none will come, because nobody watches or a stop was requested."""
        while self.incoming is not None and not stop.requested:
            if tasks := self.incoming.more():
                self._tasks = iter(tasks)
                return True
            time.sleep(POLL)
        return False

    def begin(self, worker: str, task: Task) -> None:
        """Say that a worker's networks are at a task."""
        with self._lock:
            self.watcher.began(worker, task.job.relative)

    def finish(self, worker: str, finished: Finished) -> None:
        """Take in a result: the ledger first, then the claim is given back."""
        task = finished.task
        with self._lock:
            if self.incoming is not None and self.incoming.awaits(worker, finished):
                self.claims.drop(task)
                return
            if finished.disk_full:
                self.claims.drop(task)
                self.stop(f"{task.job.root}: the disk is full; free some space and run the batch again.")
            else:
                self.claims.settle(task, finished.entry)
            self.watcher.finished(worker, finished)

    def drop(self, task: Task) -> None:
        """Release a task that was not done."""
        with self._lock:
            self.claims.drop(task)

    def close(self) -> None:
        """Tidy up after the last task."""
        self.claims.close()
