"""Decode raws in a process of their own: LibRaw may crash, hang or fill the memory on a broken file.

The process is a guard against accidents, and no sandbox: it runs with the user's rights.
"""

import multiprocessing
import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from multiprocessing.util import Finalize
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

import psutil

from darkdiff_cli.errors import DarkdiffError, DecoderError, MemoryLimitError, UnreadableError, lacking, sentence_of
from darkdiff_cli.interrupt import ignore_interrupts, signals_held

TIMEOUT = 120.0  # seconds; a raw of 100 megapixels takes about ten
MEMORY = 12 * 2**30  # bytes; a raw takes about 20 a photosite, so one of 150 megapixels a quarter of it
OF_FREE = 0.9  # of what the machine has left
LOOK = 0.05  # seconds between two looks at the process's memory
LOADING = 300.0  # seconds that the process may take to start, where the program itself is on a slow drive
NOT_STARTED = "{}: the process that decodes raws does not start; close other programs, and try again."
CANNOT_START = "{}: the process that decodes raws does not start ({}); close other programs, and try again."
KILLED = 5.0  # seconds that a killed process may take to go; one that waits for a dead network drive does not

GONE = (EOFError, BrokenPipeError, ConnectionResetError)  # what a pipe says whose other end has gone

T = TypeVar("T")


class Decoder:
    """A process that reads raw files, started again when a file brings it down.

    Args:
        timeout: seconds that one file may take.
        memory: bytes that the process may take; it never gets more than the machine has free.
        module: what the process imports as soon as it is started.
        option: of the command, that gives a file more seconds.
    """

    def __init__(
        self, timeout: float = TIMEOUT, memory: int = MEMORY, module: str = "darkdiff_cli.raw", option: str = ""
    ) -> None:
        self.timeout, self.memory, self.module = timeout, memory, module
        self.longer = f", or give it longer with {option}" if option else ""
        self.process: SpawnProcess | None = None
        self.pipe: Connection | None = None
        self.loaded = False

    def __enter__(self) -> "Decoder":
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def run(self, path: Path, function: Callable[..., T], *arguments: Any) -> T:
        """Call a function in the process.

        Args:
            path: the file, for what is said where it fails.
            function: of a module; reads the file.
            arguments: its arguments.

        Raises:
            UnreadableError: the file cannot be decoded, takes too long, or brings the process down.
            MemoryLimitError: it does not fit into memory.
            DecoderError: the process does not start, or the machine has not what it needs.
        """
        try:
            pipe = self._loaded(path)
            pipe.send((path, function, arguments))
            answer = self._answer(pipe, path, self.timeout)
        except GONE as error:
            self.close()
            raise UnreadableError(f"{path}: brought the raw decoder down; copy it again from the card.") from error
        except BaseException:  # the process still works on the file, and would answer the next question with it
            self.close()
            raise
        if isinstance(answer, DarkdiffError):
            raise answer
        result: T = answer
        return result

    def _loaded(self, path: Path) -> Connection:
        """The pipe to a process that is ready; one that ends before it is gets a second start.

        Raises:
            DecoderError: that one does not come to it either.
        """
        for trial in (1, 2):
            if self.pipe is None:
                self.start()
            assert self.pipe is not None
            if self.loaded:
                break
            try:
                if (wrong := self._answer(self.pipe, path, LOADING)) is not None:
                    raise DecoderError(CANNOT_START.format(path, wrong))
                self.loaded = True
            except GONE as error:
                self.close()
                if trial == 2:
                    raise DecoderError(NOT_STARTED.format(path)) from error
        assert self.pipe is not None
        return self.pipe

    def _answer(self, pipe: Connection, path: Path, timeout: float) -> Any:
        """What the process says next, within so many seconds."""
        assert self.process is not None
        process = self.process
        most = min(self.memory, _held(process) + int(OF_FREE * psutil.virtual_memory().available))
        end = time.monotonic() + timeout
        while not pipe.poll(LOOK):
            if _held(process) > most:
                raise MemoryLimitError(
                    f"{path}: needs over {most / 1e9:.1f} GB to decode; close other programs, or leave it out."
                )
            if time.monotonic() > end and not self.loaded:
                raise DecoderError(NOT_STARTED.format(path))
            if time.monotonic() > end:
                raise UnreadableError(
                    f"{path}: takes over {self.timeout:g} s to decode; copy it again from the card{self.longer}."
                )
        return pipe.recv()

    def start(self) -> None:
        """Start the process, which takes seconds to load; `run` does it too where there is none."""
        context = multiprocessing.get_context("spawn")  # LibRaw's threads do not survive a fork
        ours, theirs = context.Pipe()
        process = context.Process(target=_serve, args=(theirs, self.module), daemon=True)
        with signals_held():
            process.start()
        # As the program ends, Python would only ask it to go, by a signal that it ignores, and wait.
        self.ending = Finalize(self, process.kill, exitpriority=0)
        theirs.close()
        self.pipe, self.process = ours, process

    def close(self) -> None:
        """End the process; the next file starts another."""
        if self.process is not None:
            self.ending()
            self.process.join(KILLED)
        if self.pipe is not None:
            self.pipe.close()
        self.process, self.pipe, self.loaded = None, None, False


def _held(process: SpawnProcess) -> int:
    """Bytes of memory of a process; none of one that is gone."""
    with suppress(psutil.Error):
        return int(psutil.Process(process.pid).memory_info().rss)
    return 0


def _serve(pipe: Connection, module: str) -> None:
    ignore_interrupts()
    try:
        threading.Thread(target=_end_with_parent, daemon=True).start()
        import_module(module)
    except (ImportError, MemoryError, RuntimeError) as error:  # the last where there can be no more threads
        pipe.send(str(error) or "no memory")
        return
    pipe.send(None)
    while True:
        try:
            request = pipe.recv()
        except EOFError:
            return
        pipe.send(_result(*request))


def _result(path: Path, function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
    """What a function returns, or its failure as one of the program's errors."""
    try:
        return function(*arguments)
    except DarkdiffError as error:
        return error
    except Exception as error:
        what = lacking(error)
        if what == "memory":
            return MemoryLimitError(f"{path}: does not fit into memory; close other programs and try again.")
        if what is not None:
            return DecoderError(sentence_of(error, path))
        if isinstance(error, ImportError):
            return DecoderError(CANNOT_START.format(path, error))
        return UnreadableError(f"{path}: cannot be decoded ({type(error).__name__}: {error}).")


def _end_with_parent() -> None:
    """End when the program is killed, also from within a file that never ends."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
