"""`batch --min-rating`: which raws have stars enough."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from darkdiff_cli.batch.jobs import Job
from darkdiff_cli.batch.plan import Plan
from darkdiff_cli.raw.metadata.rating import read_stars
from darkdiff_cli.raw.metadata.sidecar import sidecars

State = tuple[tuple[str, int, int], ...]
"""Name, size and time of a raw and of its sidecars."""


class Ratings:
    """Knows the ratings of raws. One is read when it is first asked for, and again once raw or sidecar has changed.

    Args:
        least: stars that a raw must have, 1 to 5; None takes every raw, and reads nothing.
    """

    def __init__(self, least: int | None) -> None:
        self.least = least
        self._known: dict[str, tuple[State, int, tuple[str, ...]]] = {}  # by name

    def chosen(self, jobs: Sequence[Job]) -> tuple[Sequence[Job], tuple[str, ...]]:
        """The jobs of raws with stars enough, and the names of the others; a raw without a rating has none."""
        least = self.least
        if least is None:
            return jobs, ()
        enough = [self._stars(job) >= least for job in jobs]
        kept = [job for job, is_enough in zip(jobs, enough, strict=True) if is_enough]
        return kept, tuple(job.relative for job, is_enough in zip(jobs, enough, strict=True) if not is_enough)

    def planned(self, plan: Callable[[Sequence[Job]], Plan]) -> Callable[[Sequence[Job]], Plan]:
        """A plan of what has stars enough, which names the others.

        Args:
            plan: of any jobs.
        """

        def chosen_plan(jobs: Sequence[Job]) -> Plan:
            chosen, left_out = self.chosen(jobs)
            return replace(plan(chosen), left_out=left_out)

        return chosen_plan

    def notes(self) -> list[str]:
        """Sentences about raws that were left out although somebody may have rated them: a sidecar cannot be read."""
        least = self.least or 0
        return [f"{name}: {note}" for name, (_, stars, said) in self._known.items() if stars < least for note in said]

    def _stars(self, job: Job) -> int:
        state = _state(job.source)
        known = self._known.get(job.relative)
        if known is None or known[0] != state:
            known = self._known[job.relative] = state, *read_stars(job.source)
        return known[1]


def _state(raw: Path) -> State:
    """What changes with a rating; what has gone meanwhile is left out."""
    found = []
    for path in (raw, *sidecars(raw)):
        with suppress(OSError):
            stat = path.stat()
            found.append((path.name, stat.st_size, stat.st_mtime_ns))
    return tuple(found)
