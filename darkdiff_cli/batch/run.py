"""One run of a batch: which task comes next, and what became of each, whatever engine does the work."""

import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from darkdiff_cli.batch.claims import Claims, Kept, Task
from darkdiff_cli.batch.ledger import Entry, Ledger
from darkdiff_cli.batch.steps import Finished
from darkdiff_cli.errors import InputError, OutputError

INTERRUPTED = "interrupted"
RAWS, OTHERS = "raws", "another run"  # that a run waits for
AWAY = 3  # files in a row that a drive does not give or take: then it is not these files
POLL = 1.0  # seconds between two looks for more tasks


class Watcher(Protocol):
    """Is told of every event of a run."""

    def began(self, worker: str, file: str) -> None:
        """A worker's networks are at a file."""

    def finished(self, worker: str, finished: Finished) -> None:
        """A file is done or has failed, and is in the ledger."""

    def skipped(self) -> None:
        """Another run has a file."""

    def waits(self, what: str) -> None:
        """There is nothing to do until something comes."""


class Incoming(Protocol):
    """Where the tasks of a batch come from that goes on."""

    def more(self) -> Sequence[Task]:
        """Tasks that have come up.

        Raises:
            InputError: none can come any more.
        """

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
        self._tasks, self._unclear = deque(tasks), list[Task]()
        self._lock, self._begun, self._away = threading.Lock(), False, 0

    def stop(self, reason: str) -> None:
        """Hand out no more tasks."""
        self.stopped = self.stopped or reason

    def next_task(self) -> Task | None:
        """The next task, claimed; None when there are none at the moment, see `wait`.

        Raises:
            OutputError: the folder of the photos cannot be written to; where that comes up later, the run is stopped.
        """
        with self._lock:
            while self.stopped is None and self._tasks:
                task = self._tasks.popleft()
                try:
                    taken = self.claims.take(task)
                except OutputError as error:
                    if not self._begun:
                        raise
                    self.stop(str(error))
                    return None
                self._begun = True
                if taken == "ours":
                    return task
                if isinstance(taken, Kept):  # not for the ledger, as what the plan keeps
                    entry = Entry("", task.job.relative, task.job.photo, "failed", str(taken))
                    self.watcher.finished("", Finished(task, entry, is_kept=True))
                elif taken == "theirs":
                    self.watcher.skipped()
                else:
                    self._unclear.append(task)
            return None

    def wait(self, stop: Stop) -> bool:
        """Wait for more tasks; False where none will come, or a stop was requested.

        They come from whoever watches a folder, and from runs that are at a photo of the same name or may have died.
        """
        while self.stopped is None and not stop.requested:
            if self.incoming is not None:
                try:
                    self._tasks.extend(self.incoming.more())
                except InputError as error:  # the folder of the raws has gone
                    self.stop(str(error))
                    return False
                if self._tasks:
                    return True
            if self._unclear:
                self.watcher.waits(OTHERS)
                time.sleep(POLL)
                self._tasks.extend(self._unclear)
                self._unclear.clear()
                return True
            if self.incoming is None:
                return False
            time.sleep(POLL)
        return False

    def begin(self, worker: str, task: Task) -> None:
        """Say that a worker's networks are at a task."""
        with self._lock:
            self.watcher.began(worker, task.job.relative)

    def finish(self, worker: str, finished: Finished) -> None:
        """Take in a result: the ledger first, then the claim is given back."""
        with self._lock:
            if self.incoming is not None and self.incoming.awaits(worker, finished):
                self.claims.drop(finished.task)
                return
            self._away = self._away + 1 if finished.away is not None else 0
            if finished.stop is not None:
                self.stop(finished.stop)
            elif self._away == AWAY:
                what = "read" if finished.away == finished.task.job.folder else "written"
                why = f"{AWAY} files in a row cannot be {what}; check the drive, and run the batch again."
                self.stop(f"{finished.away}: {why}")
            if finished.is_open:
                self.claims.drop(finished.task)  # not for the ledger
            else:
                finished = self._settled(finished)
            self.watcher.finished(worker, finished)

    def _settled(self, finished: Finished) -> Finished:
        """Write a result down; where that fails, it is a failure, and the next run does the file again."""
        try:
            self.claims.settle(finished.task, finished.entry)
        except OutputError as error:
            self.stop(str(error))
            sentence = f"{finished.task.job.source}: is made again by the next run, since this one could not record it."
            return replace(finished, entry=replace(finished.entry, status="failed", error=sentence))
        return finished

    def drop(self, task: Task) -> None:
        """Release a task that was not done."""
        with self._lock:
            self.claims.drop(task)

    def close(self) -> None:
        """Tidy up after the last task."""
        self.claims.close()
