"""Decode raws in a process of their own: LibRaw may crash or hang on a broken file, and the batch must not."""

import multiprocessing
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from pathlib import Path

from darkdiff_cli.errors import DarkdiffError, MemoryLimitError, UnreadableError
from darkdiff_cli.interrupt import ignore_interrupts
from darkdiff_cli.raw import Exposure, ExposureSettings, read_exposure


class Decoder:
    """A worker process that reads raw files, started again when a file brings it down.

    Args:
        timeout: seconds that one file may take.
    """

    def __init__(self, timeout: float) -> None:
        self.timeout = timeout
        self.process: SpawnProcess | None = None
        self.pipe: Connection | None = None

    def read(self, path: Path, settings: ExposureSettings) -> Exposure:
        """As `read_exposure`, in the worker process.

        Raises:
            InputError: as `read_exposure`.
            UnreadableError: the file cannot be decoded, takes too long, or brings the decoder down.
            MemoryLimitError: the frame does not fit into memory.
        """
        if self.pipe is None:
            self.start()
        assert self.pipe is not None
        try:
            self.pipe.send((path, settings))
            if not self.pipe.poll(self.timeout):
                self.close()
                raise UnreadableError(f"{path}: takes over {self.timeout:g} s to decode; copy it again from the card.")
            answer = self.pipe.recv()
        except (EOFError, BrokenPipeError, ConnectionResetError) as error:
            self.close()
            raise UnreadableError(f"{path}: brought the raw decoder down; copy it again from the card.") from error
        if isinstance(answer, DarkdiffError):
            raise answer
        assert isinstance(answer, Exposure)
        return answer

    def start(self) -> None:
        """Start the process, which takes seconds to load; `read` does it too where there is none."""
        context = multiprocessing.get_context("spawn")  # LibRaw's threads do not survive a fork
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(theirs,), daemon=True)
        self.process.start()
        theirs.close()

    def close(self) -> None:
        """End the process; the next file starts another."""
        if self.process is not None:
            self.process.kill()
            self.process.join()
        if self.pipe is not None:
            self.pipe.close()
        self.process, self.pipe = None, None


def _serve(pipe: Connection) -> None:
    ignore_interrupts()
    while True:
        try:
            path, settings = pipe.recv()
        except EOFError:
            return
        try:
            pipe.send(read_exposure(path, settings))
        except DarkdiffError as error:
            pipe.send(error)
        except MemoryError:
            pipe.send(MemoryLimitError(f"{path}: does not fit into memory; close other programs and try again."))
        except Exception as error:
            pipe.send(UnreadableError(f"{path}: cannot be decoded ({type(error).__name__}: {error})."))
