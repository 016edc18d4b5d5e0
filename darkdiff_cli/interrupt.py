"""Stop on SIGINT or SIGTERM between two pieces of work instead of at once."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker
from types import FrameType, TracebackType
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM)
CAN_HOLD = hasattr(signal, "pthread_sigmask")  # Windows has no signals that another process sends


def ignore_interrupts() -> None:
    """Ignore both in a process that works for the main one, which handles them and ends it with `kill`.

    A terminal's Ctrl-C, systemd and the schedulers of clusters send them to every process of a program.
    """
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    if CAN_HOLD:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)


@contextmanager
def signals_held() -> Iterator[None]:
    """Hold both back while a process is started: it inherits that, and lives until it can `ignore_interrupts`."""
    if not CAN_HOLD:
        yield
        return
    resource_tracker.ensure_running()  # as the first start would do, and end the holding by it
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class StopRequest:
    """Within this context the first signal sets `requested`; a second Ctrl-C raises KeyboardInterrupt.

    A second SIGTERM asks for nothing new: torchrun hands on the one that a scheduler has sent to all processes.
    """

    def __init__(self) -> None:
        self.requested = False
        self.previous: dict[signal.Signals, Any] = {}

    def __enter__(self) -> "StopRequest":
        self.previous = {number: signal.signal(number, self._handle) for number in SIGNALS}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self.previous.items():
            signal.signal(number, handler)

    def _handle(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002
        if self.requested and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.requested = True
