"""A batch on this machine: decoding and writing overlap with the networks, and every file is claimed first."""

import shutil
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

from filelock import FileLock, Timeout

from darkdiff_cli.engines.decoder import Decoder
from darkdiff_cli.engines.jobs import Job
from darkdiff_cli.engines.ledger import Entry, Ledger
from darkdiff_cli.enhancer import Enhanced, Enhancer, EnhanceSettings
from darkdiff_cli.errors import DarkdiffError, MemoryLimitError, OutputError
from darkdiff_cli.interrupt import StopRequest
from darkdiff_cli.raw import RawFrame

Progress = Callable[[str, int, int, "Summary"], None]
"""(file, done, in all, counts so far)."""

PREFETCH = 2  # frames decoded ahead: what bounds the memory, whatever the folder's size
FULL = 20_000_000  # bytes; with less left, a failed write means a full disk
CLAIMS = ".darkdiff-claims"


@dataclass
class Summary:
    """What became of a batch.

    Attributes:
        done, failed: entries of this run.
        skipped: files that an earlier run had finished, or that another run is working on.
        stopped: why the run ended early, or None.
    """

    done: list[Entry] = field(default_factory=list)
    failed: list[Entry] = field(default_factory=list)
    skipped: int = 0
    stopped: str | None = None


@dataclass
class _Claimed:
    job: Job
    key: str
    lock: FileLock
    frame: "Future[tuple[RawFrame, float]]"
    began: float


class LocalBatch:
    """Runs jobs one after the other through one loaded model.

    Args:
        enhancer: the model.
        settings: of every photo.
        ledger: of the output folder.
        output: root of the photos.
        timeout: seconds that the decoder may take for one file.
    """

    def __init__(
        self, enhancer: Enhancer, settings: EnhanceSettings, ledger: Ledger, output: Path, timeout: float
    ) -> None:
        self.enhancer, self.settings, self.ledger, self.output = enhancer, settings, ledger, output
        self.timeout = timeout
        self.summary = Summary()

    def run(self, jobs: Sequence[tuple[Job, str]], report: Progress) -> Summary:
        """Work through jobs and their keys, which the ledger does not hold as finished yet.

        Ctrl-C ends the run after the current file; the ones decoded ahead are dropped.
        """
        total, count = len(jobs), 0
        with ExitStack() as stack:
            stop = stack.enter_context(StopRequest())
            decoder = stack.enter_context(Decoder(self.timeout))
            reader, writer = (stack.enter_context(ThreadPoolExecutor(1)) for _ in range(2))
            stack.callback(self._clean)
            waiting = self._claim(jobs, decoder, reader)
            ahead: deque[_Claimed] = deque()
            writing: Future[None] | None = None
            while self.summary.stopped is None:
                while len(ahead) < PREFETCH and (claimed := next(waiting, None)) is not None:
                    ahead.append(claimed)
                if not ahead:
                    break
                if stop.requested:
                    self.summary.stopped = "interrupted"
                    break
                current = ahead.popleft()
                report(current.job.relative, count, total, self.summary)
                picture = self._picture(current)
                if writing is not None:
                    writing.result()
                writing = writer.submit(self._finish, current, picture)
                count += 1
            if writing is not None:
                writing.result()
            for claimed in ahead:
                claimed.lock.release()
            report("", count, total, self.summary)
        return self.summary

    def _claim(
        self, jobs: Sequence[tuple[Job, str]], decoder: Decoder, reader: ThreadPoolExecutor
    ) -> Iterator[_Claimed]:
        """Jobs that are this run's, their decoding begun. The operating system frees a dead process's claims."""
        before = dict(self.ledger.entries())
        for job, key in jobs:
            folder = self.output / CLAIMS
            folder.mkdir(parents=True, exist_ok=True)
            lock = FileLock(folder / f"{key}.lock", thread_local=False)  # taken here, given back by the writer
            try:
                lock.acquire(timeout=0)
            except Timeout:
                self.summary.skipped += 1
                continue
            if self.ledger.entries().get(key) is not before.get(key) and job.output.exists():
                lock.release()  # another run finished it since this one began
                self.summary.skipped += 1
                continue
            for partial in job.output.parent.glob(f".{job.output.name}.*.partial"):
                partial.unlink(missing_ok=True)  # of a run that was killed
            ratio = None if self.settings.ratio == "auto" else self.settings.ratio
            frame = reader.submit(decoder.decode, job.source, self.settings.black, ratio)
            yield _Claimed(job, key, lock, frame, time.monotonic())

    def _picture(self, current: _Claimed) -> "Callable[[], Enhanced] | DarkdiffError":
        """The photo, ready to be written; or why there is none. Out of memory, once more with half the tile."""
        try:
            frame, ratio = current.frame.result()
            ratio *= 2.0**self.settings.ev
            try:
                rendered = self.enhancer.render(frame, ratio, self.settings)
            except MemoryLimitError:
                tile = self.settings.tile or int(dict(self.enhancer.pipeline.config)["tile"])
                rendered = self.enhancer.render(frame, ratio, replace(self.settings, tile=max(8, tile // 2)))
        except DarkdiffError as error:
            return error

        def write() -> Enhanced:
            current.job.output.parent.mkdir(parents=True, exist_ok=True)
            return self.enhancer.write(
                current.job.output, frame, ratio, *rendered, replace(self.settings, overwrite=True)
            )

        return write

    def _finish(self, current: _Claimed, picture: "Callable[[], Enhanced] | DarkdiffError") -> None:
        """Write the photo and the ledger's line, then give the claim back."""
        relative = current.job.output.relative_to(self.output).as_posix()
        entry = Entry(current.key, current.job.relative, relative, "done")
        try:
            if isinstance(picture, DarkdiffError):
                raise picture
            result = picture()
            seconds = round(time.monotonic() - current.began, 2)
            entry = replace(entry, ratio=result.ratio, seconds=seconds)
            self.ledger.append(entry)
            self.summary.done.append(entry)
        except (DarkdiffError, OSError) as error:
            entry = replace(entry, status="failed", error=str(error))
            if isinstance(error, OutputError | OSError) and shutil.disk_usage(self.output).free < FULL:
                self.summary.stopped = f"{self.output}: the disk is full; free some space and run the batch again."
            else:
                self.ledger.append(entry)
            self.summary.failed.append(entry)
        finally:
            current.lock.release()

    def _clean(self) -> None:
        """Take away the claims' folder once nobody holds a claim in it."""
        folder = self.output / CLAIMS
        for path in folder.glob("*.lock"):
            lock = FileLock(path)
            try:
                lock.acquire(timeout=0)
            except Timeout:
                continue
            path.unlink(missing_ok=True)
            lock.release()
        try:
            folder.rmdir()
        except OSError:
            return  # another run is at work
