"""Raws that arrive while a batch runs (`batch --watch`): each is taken once it is whole, and a copy is waited for."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from darkdiff_cli.batch.claims import is_claimed
from darkdiff_cli.batch.jobs import Job
from darkdiff_cli.batch.place import gone
from darkdiff_cli.batch.plan import Plan
from darkdiff_cli.batch.steps import Finished
from darkdiff_cli.errors import DarkdiffError, InputError
from darkdiff_cli.raw.damage import zeros_at_end

UNRATED = 10.0  # seconds between two looks at a raw that has too few stars
SETTLED = 3.0  # seconds for which a file's size and time must have stayed the same before it is looked at
PATIENCE = 300.0  # seconds without a change after which a file that looks unfinished is judged as it is


@dataclass
class _Seen:
    """A file as it is now.

    Attributes:
        state: its size and time.
        since: when it got them.
        due: when it is looked at.
        pause: seconds before the next look.
        is_taken: nothing more is to be done about it as it is.
    """

    state: str
    since: float
    due: float
    pause: float = SETTLED
    is_taken: bool = False


class Arrivals:
    """Looks at a folder again and again.

    A file that is still being copied changes its size or its time; it waits. A copy that stands still looks like a
    damaged file: it cannot be decoded, or ends in zeros. It is looked at again after pauses that double, and has failed
    only once it has not changed for PATIENCE. One that changes after it was taken is taken again, and one that has too
    few stars is looked at again and again.

    Args:
        folder: of the raws.
        find: every raw of the folder now.
        plan: which of some jobs are to be done, by the ledger.
        say: called with a sentence about each file that is waited for, once.
        clock: seconds; as `time.monotonic`.
    """

    def __init__(
        self,
        folder: Path,
        find: Callable[[], Sequence[Job]],
        plan: Callable[[Sequence[Job]], Plan],
        say: Callable[[str], object],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.folder, self.find, self.plan, self.say, self.clock = folder, find, plan, say, clock
        self._seen: dict[str, _Seen] = {}  # by name
        self._said: set[str] = set()
        self._looked = False

    def look(self) -> Plan:
        """What is to be done of the files that have become whole since the last look.

        Raises:
            InputError: the folder is not there any more, or cannot be read.
        """
        now, whole = self.clock(), []
        for job in self._jobs():
            try:
                state = job.state(checksum=False)
                seen = self._seen.get(job.relative)
                if seen is None or seen.state != state:
                    # What comes later has come just now, whatever the clocks of this machine and of the drive say.
                    still = 0.0 if self._looked else _unchanged_for(job.source)
                    self._seen[job.relative] = _Seen(state, now - still, now + SETTLED)
                elif not seen.is_taken and now >= seen.due:
                    if zeros_at_end(job.source) and self._waits(job, "ends in zeros"):
                        continue
                    seen.is_taken = True
                    whole.append(job)
            except (DarkdiffError, OSError):  # it has gone again
                continue
        self._looked = True
        plan = self.plan(whole) if whole else Plan([], 0, [])
        for name in plan.left_out:  # it may get more
            self._seen[name].due, self._seen[name].is_taken = now + UNRATED, False
        return plan

    def awaits(self, finished: Finished) -> bool:
        """Whether a file that could not be decoded may still be on its way; it is then looked at again.

        So is one that changed: it comes up anew.
        """
        if finished.is_changed:
            return True
        job, reason = finished.task.job, finished.entry.error or ""
        what, _, _ = reason.removeprefix(f"{job.source}: ").rstrip(".").partition("; ")  # without what to do about it
        return finished.is_unreadable and self._waits(job, what)

    def left(self, finished: Sequence[str]) -> list[str]:
        """Raws of the folder that nothing became of, and that no other run is at; none of a folder that has gone.

        Args:
            finished: names of those that something became of.
        """
        known = set(finished)
        try:
            jobs = self._jobs()
        except InputError:
            return []
        tasks = self.plan([job for job in jobs if job.relative not in known]).tasks
        return [task.job.relative for task in tasks if not is_claimed(task)]

    def _jobs(self) -> Sequence[Job]:
        try:
            return self.find()
        except InputError as error:
            if self._looked and not self.folder.exists():
                raise InputError(gone(self.folder)) from error
            raise

    def _waits(self, job: Job, reason: str) -> bool:
        """Put the next look at a file off; False where it has not changed for too long."""
        seen, now = self._seen[job.relative], self.clock()
        if now - seen.since >= PATIENCE:
            return False
        seen.pause *= 2
        seen.due, seen.is_taken = min(now + seen.pause, seen.since + PATIENCE), False
        if job.relative not in self._said:
            self._said.add(job.relative)
            self.say(f"{job.source}: {reason}; it may not be whole yet, and is waited for.")
        return True


def _unchanged_for(path: Path) -> float:
    """Seconds since a file changed, by its times; a copy may bring an old one of the two with it.

    Raises:
        OSError: it is gone.
    """
    stat = path.stat()
    return max(0.0, time.time() - max(stat.st_mtime, stat.st_ctime))
