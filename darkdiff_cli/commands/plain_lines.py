"""Progress where stderr is no terminal: a plain line a minute, for logs and pipes."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from darkdiff_cli.commands.console import tell

MINUTE = 60.0  # seconds between two lines; a run that is shorter writes none
TICK = 1.0  # seconds between two looks at the clock


class PlainLines:
    """A line a minute on stderr, without codes for a terminal.

    Args:
        line: what there is to say; None for nothing.
        clock: seconds; as `time.monotonic`.
    """

    def __init__(self, line: Callable[[], str | None], clock: Callable[[], float] = time.monotonic) -> None:
        self.line, self.clock = line, clock
        self._last, self._lock = clock(), threading.Lock()

    def look(self) -> None:
        """Write a line where the last one is a minute old and there is something to say."""
        with self._lock:
            now = self.clock()
            if now - self._last >= MINUTE and (line := self.line()) is not None:
                self._last = now
                tell(line)

    def tick(self, ended: threading.Event) -> None:
        """Look until the run has ended: one photo may take longer than a minute."""
        while not ended.wait(TICK):
            self.look()


@contextmanager
def plain_lines(line: Callable[[], str | None]) -> Iterator[PlainLines]:
    """Write what `line` says once a minute for as long as the block runs."""
    lines, ended = PlainLines(line), threading.Event()
    ticking = threading.Thread(target=lines.tick, args=(ended,), daemon=True)
    ticking.start()
    try:
        yield lines
    finally:
        ended.set()
        ticking.join()
