"""What became of a batch, counted while it runs."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from darkdiff_cli.batch.exposure_lock import ExposureLock
from darkdiff_cli.batch.ledger import Entry
from darkdiff_cli.batch.pace import Pace
from darkdiff_cli.batch.plan import Plan
from darkdiff_cli.batch.run import Stop
from darkdiff_cli.batch.steps import Finished

Report = Callable[[Mapping[str, str], "Summary"], None]
"""(the file that each worker is at, counts so far)."""
Keep = Callable[[Entry], None]
"""Takes in what became of a file."""


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
        awaited: failures, by file, of raws that may still be on their way; not counted.
        left: raws that nothing became of before a watch ended.
        left_out: raws that have too few stars.
        outdated: how many of the skipped have a photo that is older than the raw's sidecar.
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
    stop: Stop | None = None
    awaited: dict[str, Entry] = field(default_factory=dict)
    left: list[str] = field(default_factory=list)
    left_out: set[str] = field(default_factory=set)
    outdated: int = 0

    @property
    def to_do(self) -> int:
        """Files that are still to be done."""
        return self.total - len(self.done) - len(self.failed)

    def add(self, plan: Plan) -> None:
        """Take in what is to be done, and what is settled or cannot be done; earlier results of the same files go."""
        again = {*(task.job.relative for task in plan.tasks), *(entry.source for entry in plan.lost)}
        for entries in (self.done, self.failed):
            kept = [entry for entry in entries if entry.source not in again]
            self.total -= len(entries) - len(kept)
            entries[:] = kept
        for source in again:
            self.awaited.pop(source, None)
        self.total += len(plan.tasks) + len(plan.lost)
        self.failed += plan.lost
        self.skipped += plan.settled
        self.failed_before += plan.failed_before
        self.kept += plan.kept
        self.outdated += plan.outdated
        self.left_out = (self.left_out - again).union(plan.left_out)


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
        self.summary.kept += finished.is_kept
        (self.summary.failed if entry.status == "failed" else self.summary.done).append(entry)
        self.keep(entry)
        self._leaves(worker, entry.source)

    def awaited(self, worker: str, finished: Finished) -> None:
        """Take the file out of the count until it comes up again."""
        entry = finished.entry
        self.summary.pace.finished(worker, entry.source, made=False)
        self.summary.total -= 1
        self.summary.awaited[entry.source] = entry
        self._leaves(worker, entry.source)

    def ended(self, left: Callable[[Sequence[str]], list[str]]) -> None:
        """At the end of a watch, count what was waited for as failed, and name the raws that nothing became of.

        Args:
            left: these raws, given those that something became of.
        """
        summary = self.summary
        for entry in summary.awaited.values():
            summary.failed.append(entry)
            summary.total += 1
            self.keep(entry)
        summary.awaited.clear()
        summary.left = left([entry.source for entry in (*summary.done, *summary.failed)])

    def _leaves(self, worker: str, file: str) -> None:
        """Show that a worker is at a file no more."""
        if self._at.get(worker) == file:
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
