"""The processes that decode raws, kept for the next command where the tests' own process runs it.

A command starts such a process and ends it; it needs a second to load. Here one that is idle is left for the next
command of the same environment, which it would inherit, and follows it into its folder. One that a file brought down
is ended, as ever.
"""

import os
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from multiprocessing.util import Finalize
from pathlib import Path
from typing import Any

import pytest

from darkdiff_cli.decoder import Decoder

Key = tuple[str, frozenset[tuple[str, str]]]
_idle: dict[Key, list[tuple[SpawnProcess, Connection, bool]]] = defaultdict(list)
"""Processes, the pipes to them, and whether they are loaded."""


def _end() -> None:
    for kept in _idle.values():
        for process, _, _ in kept:
            process.kill()


Finalize(None, _end, exitpriority=0)


@contextmanager
def kept_decoders() -> Iterator[None]:
    """`Decoder`s take an idle process where there is one, and leave theirs when they are closed."""
    start, run, close = Decoder.start, Decoder.run, Decoder.close
    at_work = set[int]()

    def start_kept(decoder: Decoder) -> None:
        idle = _idle[_key(decoder)]
        while idle:
            process, pipe, loaded = idle.pop()
            if process.is_alive():
                decoder.process, decoder.pipe, decoder.loaded = process, pipe, loaded
                decoder.ending = Finalize(decoder, process.kill, exitpriority=0)
                run_kept(decoder, Path.cwd(), os.chdir, Path.cwd())
                return
        start(decoder)

    def run_kept(decoder: Decoder, *arguments: Any) -> Any:
        at_work.add(id(decoder))
        try:
            return run(decoder, *arguments)
        finally:
            at_work.discard(id(decoder))

    def close_kept(decoder: Decoder) -> None:
        process, pipe = decoder.process, decoder.pipe
        if process is None or pipe is None or id(decoder) in at_work or not process.is_alive():
            close(decoder)  # in the middle of a file: that is a failure
            return
        decoder.ending.cancel()
        _idle[_key(decoder)].append((process, pipe, decoder.loaded))
        decoder.process, decoder.pipe, decoder.loaded = None, None, False

    with pytest.MonkeyPatch.context() as patch:
        replacements: dict[str, Callable[..., Any]] = {"start": start_kept, "run": run_kept, "close": close_kept}
        for name, replacement in replacements.items():
            patch.setattr(Decoder, name, replacement)
        yield


def _key(decoder: Decoder) -> Key:
    """What a process inherits as it is started."""
    inherited = {name: value for name, value in os.environ.items() if name != "PYTEST_CURRENT_TEST"}
    return decoder.module, frozenset(inherited.items())
