"""How fast a batch makes photos, and how long the rest of it will take."""

import time
from collections.abc import Callable

LEAST = 2  # photos made before a rate is named; and no fewer than there are workers


class Pace:
    """The rate of all workers together, from the photos that they made in this run and from nothing else.

    A photo costs its worker the time from when its networks came to it; but from the worker's result before it where
    that is later, since a photo is written while the networks are at the next one. So the time of files that failed
    does not count, nor that of a worker without work.

    Args:
        clock: seconds; as `time.monotonic`.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self._began: dict[tuple[str, str], float] = {}  # by worker and file
        self._last: dict[str, float] = {}  # result of each worker, a failure too
        self._spent: dict[str, float] = {}  # seconds of each worker on photos that it made
        self._made: dict[str, int] = {}

    def began(self, worker: str, file: str) -> None:
        """A worker's networks are at a file."""
        self._began[worker, file] = self.clock()
        self._made.setdefault(worker, 0)

    def finished(self, worker: str, file: str, made: bool) -> None:
        """A file has become a photo, or failed."""
        now = self.clock()
        began = self._began.pop((worker, file), None)
        if made and began is not None:
            self._made[worker] += 1
            self._spent[worker] = self._spent.get(worker, 0.0) + now - max(began, self._last.get(worker, began))
        self._last[worker] = now

    @property
    def rate(self) -> float | None:
        """Photos a second; None before it has a basis."""
        if sum(self._made.values()) < max(LEAST, len(self._made)):
            return None
        return sum(self._made[worker] / seconds for worker, seconds in self._spent.items() if seconds > 0) or None

    def seconds_left(self, photos: int) -> float | None:
        """How long so many photos will take; None before the rate has a basis."""
        rate = self.rate
        if rate is None:
            return None
        since = min(self.clock() - max(self._last.values()), 1 / rate)  # it counts down between two results
        return max(photos / rate - since, 0.0)
