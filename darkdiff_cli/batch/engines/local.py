"""A batch in this process: the networks never wait for the disk, decoding and writing overlap with them."""

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace

from darkdiff_cli.batch.claims import Task
from darkdiff_cli.batch.run import INTERRUPTED, BatchRun, Stop
from darkdiff_cli.batch.settings import WorkerSettings
from darkdiff_cli.batch.steps import Decoded, Made
from darkdiff_cli.batch.worker import Worker
from darkdiff_cli.errors import DarkdiffError

PREFETCH = 2  # the photo that the networks are at and the next: what bounds the memory, whatever the folder's size


def run_here(batch: BatchRun, settings: WorkerSettings, device: str, stop: Stop) -> None:
    """Work through a batch with one model, and close it.

    Args:
        batch: the run.
        settings: of the worker but for its device.
        device: "auto", "cpu", "cuda", "cuda:N" or "mps".
        stop: looked at between two files.

    Raises:
        SettingsError: no such model or device.
    """
    with ExitStack() as stack:
        stack.callback(batch.close)
        work_through(batch, stack.enter_context(Worker(replace(settings, device=device))), device, stop)


def work_through(batch: BatchRun, worker: Worker, name: str, stop: Stop) -> None:
    """Let the photos flow: while the networks are at one, the next are decoded and the one before it is written.

    A request to stop is honoured after the current file; files decoded ahead are dropped.

    Args:
        batch: the run.
        worker: does the steps.
        name: of the worker.
        stop: looked at between two files.
    """
    with ThreadPoolExecutor(1) as reader, ThreadPoolExecutor(1) as writer:
        ahead: deque[tuple[Task, Future[Decoded]]] = deque()
        writing: Future[None] | None = None
        while batch.stopped is None:
            while len(ahead) < PREFETCH and (task := batch.next_task()) is not None:
                ahead.append((task, reader.submit(worker.decode, task)))
            if not ahead and writing is not None:
                writing.result()
                writing = None
            if not ahead and batch.wait(stop):
                continue
            if stop.requested:
                batch.stop(INTERRUPTED)
            if not ahead or stop.requested:
                break
            task, decoding = ahead.popleft()
            batch.begin(name, task)
            made = _made(worker, decoding)
            if writing is not None:
                writing.result()
            writing = writer.submit(_write, batch, name, worker, task, made)
            del made, decoding  # large, and not needed any more while the networks are at the next
        if writing is not None:
            writing.result()


def _made(worker: Worker, decoding: "Future[Decoded]") -> Made | DarkdiffError:
    try:
        return worker.run_networks(decoding.result())
    except DarkdiffError as error:
        return error


def _write(batch: BatchRun, name: str, worker: Worker, task: Task, made: Made | DarkdiffError) -> None:
    batch.finish(name, worker.write(task, made))
