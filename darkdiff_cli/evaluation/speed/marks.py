"""Marks on a device's own timeline: where its time goes, without making it wait."""

import time
from collections import defaultdict
from typing import Any

import torch


class Marks:
    """Seconds between marks, by name.

    On CUDA a mark is an event among the kernels: it passes when the device has done what was launched before it. So
    the program runs ahead of the device as it always does, and a mark after work of the processor (reading data) counts
    only what the device waited for. Elsewhere a mark is the time at which it is set.

    Args:
        device: of the networks.
    """

    def __init__(self, device: torch.device) -> None:
        self.device, self.cuda = device, device.type == "cuda"
        self._set: list[tuple[str, Any]] = []

    def start(self) -> None:
        """Begin: what was marked before does not count."""
        self._set = [("", self._now())]

    def mark(self, name: str) -> None:
        """What took place since the last mark was this."""
        self._set.append((name, self._now()))

    def seconds(self) -> dict[str, float]:
        """Seconds by name since the start; waits for the device."""
        if self.cuda:
            self._set[-1][1].synchronize()
        found: dict[str, float] = defaultdict(float)
        for (_, before), (name, now) in zip(self._set, self._set[1:], strict=False):
            found[name] += before.elapsed_time(now) / 1000 if self.cuda else now - before
        return dict(found)

    def _now(self) -> Any:
        """An event that is recorded, or the time in seconds."""
        if not self.cuda:
            return time.perf_counter()
        event = torch.cuda.Event(enable_timing=True)
        event.record(torch.cuda.current_stream(self.device))
        return event
