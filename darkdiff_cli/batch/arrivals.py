"""Raws that arrive while a batch runs (`batch --watch`): each is taken once it is whole."""

import time
from collections.abc import Callable, Sequence

from darkdiff_cli.batch.jobs import Job
from darkdiff_cli.batch.plan import Plan
from darkdiff_cli.errors import DarkdiffError

SETTLED = 3.0  # seconds for which a file's size and time must have stayed the same: then nobody is copying it


class Arrivals:
    """Looks at a folder again and again.

    A file that is still being copied changes its size or its time; it waits. One that changes after it was taken, for
    a slow copy stood still, is a new file to the ledger and is taken again.

    Args:
        find: every raw of the folder now.
        plan: which of some jobs are to be done, by the ledger.
        clock: seconds; as `time.monotonic`.
    """

    def __init__(
        self,
        find: Callable[[], Sequence[Job]],
        plan: Callable[[Sequence[Job]], Plan],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.find, self.plan, self.clock = find, plan, clock
        self._since: dict[str, tuple[str, float]] = {}  # identity of each file by name, and since when it has it
        self._taken: set[str] = set()

    def look(self) -> Plan:
        """What is to be done of the files that have become whole since the last look."""
        now, whole = self.clock(), []
        for job in self.find():
            try:
                identity = job.identity(checksum=False)
            except DarkdiffError:  # it has gone again
                continue
            known, since = self._since.get(job.relative, ("", now))
            if identity != known:
                self._since[job.relative] = (identity, now)
            elif now - since >= SETTLED and identity not in self._taken:
                whole.append(job)
                self._taken.add(identity)
        return self.plan(whole) if whole else Plan([], 0, [])
