"""Photos that flow through `batch`: how many a minute, how busy the device is, and what a photo waits for."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from darkdiff_cli.batch.claims import Task
from darkdiff_cli.batch.engines.local import work_through
from darkdiff_cli.batch.jobs import find_jobs
from darkdiff_cli.batch.run import BatchRun
from darkdiff_cli.batch.settings import WorkerSettings
from darkdiff_cli.batch.steps import Decoded, Finished, Made, Step, Times
from darkdiff_cli.batch.worker import Worker
from darkdiff_cli.enhancer import Enhancer, EnhanceSettings
from darkdiff_cli.errors import InputError
from darkdiff_cli.evaluation.speed.marks import Marks
from darkdiff_cli.evaluation.speed.memory import PeakMemory
from darkdiff_cli.interrupt import StopRequest

STEPS: tuple[Step, ...] = ("decode", "networks", "write")
TIMEOUT = 600.0  # seconds to decode one raw; a large one on a slow machine is no failure here


@dataclass(frozen=True)
class Flow:
    """What was seen of several photos; the first is left out, since it starts the machine.

    Attributes:
        photos: how many were counted.
        seconds: from the end of the one before them to the end of the last.
        photos_a_minute: the rate.
        share_busy: share of the seconds in which the networks ran.
        work: seconds of work on a photo by step, the mean.
        waits: seconds for which a photo waited before a step, the mean.
        idle: seconds for which the networks waited for a step: for the photo to be decoded, or for the one before to be
            written; the mean of a photo.
        gigabytes: peak of memory, see `PeakMemory`; that of the process which decodes is not in it.
    """

    photos: int
    seconds: float
    photos_a_minute: float
    share_busy: float
    work: dict[Step, float]
    waits: dict[Step, float]
    idle: dict[Step, float]
    gigabytes: float

    @classmethod
    def of(cls, photos: Sequence[Times], ran: Sequence[float], gigabytes: float) -> "Flow":
        """Count two photos or more.

        Args:
            photos: when each step of them took place, in order.
            ran: seconds for which the networks ran for each.
            gigabytes: peak of memory.
        """
        counted = photos[1:]
        seconds = counted[-1]["write"][1] - photos[0]["write"][1]
        decoding, writing = list[float](), list[float]()
        for last, this in zip(photos, counted, strict=False):
            free, begun = last["networks"][1], this["networks"][0]
            decoding.append(min(max(this["decode"][1] - free, 0.0), begun - free))
            writing.append(begun - free - decoding[-1])
        return cls(
            photos=len(counted),
            seconds=seconds,
            photos_a_minute=60 * len(counted) / seconds,
            share_busy=min(sum(ran[1:]) / seconds, 1.0),
            work={step: fmean(times[step][1] - times[step][0] for times in counted) for step in STEPS},
            waits={
                "networks": fmean(times["networks"][0] - times["decode"][1] for times in counted),
                "write": fmean(times["write"][0] - times["networks"][1] for times in counted),
            },
            idle={"decode": fmean(decoding), "write": fmean(writing)},
            gigabytes=gigabytes,
        )


def run_flow(enhancer: Enhancer, settings: EnhanceSettings, raw: Path, photos: int, begin: Callable[[], None]) -> Flow:
    """Let `batch` make a raw into photos, in a folder beside it.

    Args:
        enhancer: the loaded model.
        settings: of the photos.
        raw: the file.
        photos: how many are counted; one more is made before them.
        begin: called when the networks come to a photo.

    Raises:
        InputError: a photo could not be made.
    """
    folder = raw.parent / f"{raw.stem} MP"
    folder.mkdir()
    for number in range(photos + 1):
        os.link(raw, folder / f"{number:04d}.dng")
    jobs = find_jobs(folder, folder / "darkdiff", ".jpg")
    watcher, memory = _Watcher(begin), PeakMemory(enhancer.pipeline.device)
    batch = BatchRun([Task(job, job.relative) for job in jobs], folder / "darkdiff", watcher)
    words = WorkerSettings(enhancer.model, settings, TIMEOUT, previews=True)
    with StopRequest() as stop:
        try:
            worker = _Timed(words, enhancer)
            with worker:
                work_through(batch, worker, str(enhancer.pipeline.device), stop)
        finally:
            batch.close()
    if batch.stopped is not None:
        raise KeyboardInterrupt
    return Flow.of(watcher.times, worker.ran, memory.gigabytes())


class _Watcher:
    """Keeps when each photo was worked on."""

    def __init__(self, begin: Callable[[], None]) -> None:
        self.begin, self.times = begin, list[Times]()

    def began(self, worker: str, file: str) -> None:  # noqa: ARG002
        """The networks are at a file."""
        self.begin()

    def finished(self, worker: str, finished: Finished) -> None:  # noqa: ARG002
        """A photo is done.

        Raises:
            InputError: it has failed.
        """
        if finished.entry.error is not None:
            raise InputError(finished.entry.error)
        self.times.append(finished.times)

    def skipped(self) -> None:
        """Nobody else works on these files."""

    def waits(self, what: str) -> None:
        """So there is nobody to wait for."""


class _Timed(Worker):
    """A worker whose device is watched."""

    def __init__(self, settings: WorkerSettings, enhancer: Enhancer) -> None:
        super().__init__(settings, enhancer=enhancer)
        self.marks, self.ran = Marks(enhancer.pipeline.device), list[float]()

    def run_networks(self, decoded: Decoded) -> Made:
        """As `Worker.run_networks`."""
        self.marks.start()
        made = super().run_networks(decoded)
        self.marks.mark("networks")
        self.ran.append(self.marks.seconds()["networks"])
        return made
