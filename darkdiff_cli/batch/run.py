"""One run of a batch: which task comes next, and what became of each, whatever engine does the work."""

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from darkdiff_cli.batch.claims import Claims, Task
from darkdiff_cli.batch.exposure_lock import ExposureLock
from darkdiff_cli.batch.ledger import Entry, Ledger
from darkdiff_cli.batch.pace import Pace
from darkdiff_cli.batch.plan import Plan
from darkdiff_cli.batch.worker import Finished
from darkdiff_cli.errors import OutputError

Report = Callable[[Mapping[str, str], "Summary"], None]
"""(the file that each worker is at, counts so far)."""
Keep = Callable[[Entry], None]
"""Takes in what became of a file."""

More = Callable[[], Sequence[Task]]
"""Tasks that have come up."""

INTERRUPTED = "interrupted"
RAWS, OTHERS = "raws", "a run on another machine"  # that a run waits for
UNREAD = 3  # files in a row that a drive does not give: then it is not these files
POLL = 1.0  # seconds between two looks for more tasks


@dataclass
class Summary:
    """What became of a batch.

    Attributes:
        total: files that this run has to do, less those that another run turns out to have.
        done, failed: entries of this run.
        skipped: files that an earlier run settled, or that another run is working on.
        stopped: why the run ended early, or None.
        lock: the exposure that all photos share, or None.
        pace: how fast this run makes photos.
        waiting: what for, while there is nothing to do; else nothing.
        failed_before: how many of the skipped failed in an earlier run.
        kept: how many failed because another file has the photo's name.
        stop: tells whether the run is to end early.
    """

    total: int = 0
    done: list[Entry] = field(default_factory=list)
    failed: list[Entry] = field(default_factory=list)
    skipped: int = 0
    stopped: str | None = None
    lock: ExposureLock | None = None
    pace: Pace = field(default_factory=Pace)
    waiting: str = ""
    failed_before: int = 0
    kept: int = 0
    stop: "Stop | None" = None

    @property
    def left(self) -> int:
        """Files that are still to be done."""
        return self.total - len(self.done) - len(self.failed)

    def add(self, plan: Plan) -> None:
        """Take in what is to be done, and what is settled or cannot be done."""
        self.total += len(plan.tasks) + len(plan.lost)
        self.failed += plan.lost
        self.skipped += plan.settled
        self.failed_before += plan.failed_before
        self.kept += plan.kept


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


class Stop(Protocol):
    """A request to stop, such as Ctrl-C."""

    @property
    def requested(self) -> bool:
        """Whether a stop was requested."""


class Tally:
    """The watcher that counts, shows progress and hands results on."""

    def __init__(self, summary: Summary, report: Report, keep: Keep) -> None:
        self.summary, self.report, self.keep = summary, report, keep
        self._at: dict[str, str] = {}

    def planned(self, plan: Plan) -> None:
        """Count what is to be done, and hand on what cannot be."""
        self.summary.add(plan)
        for entry in plan.lost:
            self.keep(entry)

    def began(self, worker: str, file: str) -> None:
        """Show where the worker is."""
        self._at[worker] = file
        self.summary.waiting = ""
        self.summary.pace.began(worker, file)
        self.report(self._at, self.summary)

    def finished(self, worker: str, finished: Finished) -> None:
        """Count the file."""
        entry = finished.entry
        self.summary.pace.finished(worker, entry.source, entry.status == "done")
        (self.summary.failed if entry.status == "failed" else self.summary.done).append(entry)
        self.keep(entry)
        if self._at.get(worker) == entry.source:
            del self._at[worker]
        self.report(self._at, self.summary)

    def skipped(self) -> None:
        """Count the file, which is none of this run's any more."""
        self.summary.skipped += 1
        self.summary.total -= 1

    def waits(self, what: str) -> None:
        """Show what the run waits for."""
        self.summary.waiting = what
        self.report({}, self.summary)


class BatchRun:
    """Hands out tasks and takes in results; safe to call from several threads.

    Args:
        tasks: to do, in order.
        output: root of the photos.
        watcher: told of everything.
        more: gives the tasks that have come up since; None for a batch that ends with the last of `tasks`.
    """

    def __init__(self, tasks: Sequence[Task], output: Path, watcher: Watcher, more: More | None = None) -> None:
        self.ledger, self.watcher, self.more = Ledger(output), watcher, more
        self.claims = Claims(output, self.ledger)
        self.stopped: str | None = None
        self._tasks, self._unclear = deque(tasks), list[Task]()
        self._lock, self._begun, self._unread = threading.Lock(), False, 0

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
                if taken == "theirs":
                    self.watcher.skipped()
                else:
                    self._unclear.append(task)
            return None

    def wait(self, stop: Stop) -> bool:
        """Wait for more tasks; False where none will come, or a stop was requested.

        They come from whoever watches a folder, and from a run on another machine that may have died.
        """
        while self.stopped is None and not stop.requested:
            if self.more is not None and (tasks := self.more()):
                self._tasks.extend(tasks)
                return True
            if self._unclear:
                self.watcher.waits(OTHERS)
                time.sleep(POLL)
                self._tasks.extend(self._unclear)
                self._unclear.clear()
                return True
            if self.more is None:
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
            self._unread = self._unread + 1 if finished.unread else 0
            if finished.stop is not None:
                self.stop(finished.stop)
            elif self._unread == UNREAD:
                folder = finished.task.job.folder
                self.stop(
                    f"{folder}: {UNREAD} files in a row cannot be read; check the drive, and run the batch again."
                )
            if finished.stop is not None or finished.unread:
                self.claims.drop(finished.task)  # not for the ledger: the next run tries it again
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
