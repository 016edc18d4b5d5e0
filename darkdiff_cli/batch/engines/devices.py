"""A batch on several devices of this machine: a process for each, sharing the work by their claims."""

import multiprocessing
from collections.abc import Iterator, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from multiprocessing.synchronize import Event
from pathlib import Path

import torch

from darkdiff_cli.batch.claims import Task
from darkdiff_cli.batch.engines.local import Stop, run_here
from darkdiff_cli.batch.ledger import Entry
from darkdiff_cli.batch.run import BatchRun
from darkdiff_cli.batch.settings import WorkerSettings
from darkdiff_cli.batch.steps import Finished
from darkdiff_cli.batch.tally import Tally
from darkdiff_cli.errors import DarkdiffError, SettingsError
from darkdiff_cli.interrupt import ignore_interrupts, signals_held
from darkdiff_models.devices import pick_device

ROUNDS = 3  # a process that dies leaves its file to the others; what it leaves at the end is tried in another round
POLL = 0.5  # seconds


def parse_devices(words: str) -> list[str]:
    """The devices of `--devices`: "auto", "all" for every GPU, or a list such as "cuda:0,cuda:2"."""
    if words != "all":
        return [word.strip() for word in words.split(",") if word.strip()] or ["auto"]
    return [f"cuda:{number}" for number in range(torch.cuda.device_count())] or ["auto"]


def check_devices(devices: Sequence[str]) -> None:
    """Look at all devices before any works: else one would begin with photos before another is found to be missing.

    Raises:
        SettingsError: one is not there.
    """
    for device in devices:
        try:
            pick_device(device)
        except ValueError as error:
            raise SettingsError(f"{error}.") from error


def run_on_devices(
    tasks: Sequence[Task], output: Path, settings: WorkerSettings, devices: Sequence[str], tally: Tally, stop: Stop
) -> str | None:
    """Work through a batch with a process for each device.

    Args:
        tasks: to do.
        output: root of the photos.
        settings: of every worker but for the device.
        devices: two or more.
        tally: told of everything.
        stop: looked at all the time; each process then finishes its current file.

    Returns:
        Why the run ended early, or None.

    Raises:
        SettingsError: no such model or device.
    """
    remaining = {task.key: task for task in tasks}
    for _ in range(ROUNDS):
        crew = _Crew(list(remaining.values()), output, settings, devices)
        try:
            for worker, message in crew.messages(stop):
                if isinstance(message, Finished):
                    if remaining.pop(message.task.key, None) is not None:  # several may find that a photo is kept
                        tally.finished(worker, message)
                else:
                    tally.began(worker, message)
        finally:
            crew.end()
        if crew.stopped is not None:
            return crew.stopped
        if not crew.died:
            for _ in remaining:  # another run has them
                tally.skipped()
            return None
    for task in remaining.values():  # not for the ledger: the next run tries them again
        words = f"{task.job.source}: its process died {ROUNDS} times; look at the memory, or give fewer --devices."
        tally.finished("", Finished(task, Entry(task.key, task.job.relative, task.job.photo, "failed", words)))
    return None


class _Crew:
    """The processes of one round."""

    def __init__(self, tasks: list[Task], output: Path, settings: WorkerSettings, devices: Sequence[str]) -> None:
        context = multiprocessing.get_context("spawn")  # neither CUDA nor LibRaw's threads survive a fork
        self.event = context.Event()
        self.stopped: str | None = None
        self.died = False
        self.processes: dict[Connection, SpawnProcess] = {}
        self.names: dict[Connection, str] = {}
        threads = max(1, torch.get_num_threads() // len(devices))
        for number, device in enumerate(devices):
            ours, theirs = context.Pipe(duplex=False)
            words = tasks, output, settings, device, threads, theirs, self.event
            process = context.Process(target=_work, args=words)
            with signals_held():
                process.start()
            theirs.close()
            self.processes[ours] = process
            self.names[ours] = device if devices.count(device) == 1 else f"{device} ({number + 1})"

    def messages(self, stop: Stop) -> Iterator[tuple[str, "str | Finished"]]:
        """(worker, file begun or task finished) until every process has ended."""
        while self.processes:
            if stop.requested:
                self.event.set()
            for pipe in wait(list(self.processes), POLL):
                assert isinstance(pipe, Connection)
                try:
                    message = pipe.recv()
                except (EOFError, OSError):
                    self._ended(pipe)
                    continue
                if isinstance(message, DarkdiffError):
                    self.event.set()
                    raise message
                if isinstance(message, _Stopped):
                    self.stopped = str(message)
                    self.event.set()
                else:
                    yield self.names[pipe], message

    def end(self) -> None:
        """Kill processes that are still alive; their claims are then free."""
        for process in self.processes.values():
            process.kill()
            process.join()

    def _ended(self, pipe: Connection) -> None:
        process = self.processes.pop(pipe)
        process.join()
        self.died = self.died or process.exitcode != 0
        pipe.close()


class _Stopped(str):
    """Why a process ended early."""


class _Messenger:
    """The watcher inside a worker process: sends events to the parent."""

    def __init__(self, pipe: Connection) -> None:
        self.pipe = pipe

    def began(self, worker: str, file: str) -> None:  # noqa: ARG002
        self.pipe.send(file)

    def finished(self, worker: str, finished: Finished) -> None:  # noqa: ARG002
        self.pipe.send(finished)

    def skipped(self) -> None:
        """Another process has the file; the parent counts it at the end."""

    def waits(self, what: str) -> None:
        """Others may still be at work, which the parent shows."""


class _ParentStop:
    """A stop that the parent asked for, or that its death makes necessary."""

    def __init__(self, event: Event) -> None:
        self.event = event

    @property
    def requested(self) -> bool:
        parent = multiprocessing.parent_process()
        return self.event.is_set() or (parent is not None and not parent.is_alive())


def _work(
    tasks: list[Task], output: Path, settings: WorkerSettings, device: str, threads: int, pipe: Connection, event: Event
) -> None:
    ignore_interrupts()
    torch.set_num_threads(threads)
    batch = BatchRun(tasks, output, _Messenger(pipe))
    with suppress(BrokenPipeError):  # the parent is gone, and so is the reason to work
        try:
            run_here(batch, settings, device, _ParentStop(event))
        except DarkdiffError as error:
            pipe.send(error)
        if batch.stopped is not None:
            pipe.send(_Stopped(batch.stopped))
