"""A stranger's command: how it ends, what it said last, and that it ends at all."""

import os
import signal
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from threading import Thread
from typing import IO

from darkdiff_cli.errors import InputError

TAIL = 4096  # bytes of what it says that are kept
PATIENCE = 1.0  # seconds for its last words: a process that it leaves behind may hold the stream open


def run_command(command: Sequence[str], timeout: float) -> tuple[int, str]:
    """Run a command without input, in a process group of its own, of which nothing goes on after the limit.

    Args:
        command: the program and its arguments.
        timeout: in seconds.

    Returns:
        Its exit code (below zero: the number of the signal that ended it), and the last line on its standard error.

    Raises:
        InputError: it cannot be started, or took longer than the limit.
    """
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=os.name != "nt",
        )
    except (OSError, ValueError) as error:  # the latter: a null character in an argument
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"{command[0]}: cannot be run ({reason}).") from error
    said = bytearray()
    assert process.stderr is not None
    listener = Thread(target=_listen, args=(process.stderr, said), daemon=True)
    listener.start()
    try:
        code = process.wait(timeout)
    except subprocess.TimeoutExpired as error:
        raise InputError(f"{command[0]}: was stopped after {timeout:g} seconds without an end.") from error
    finally:
        if process.returncode is None:  # an interruption too
            _kill(process)
    listener.join(PATIENCE)
    lines = bytes(said).decode(errors="replace").strip().splitlines()
    return code, lines[-1] if lines else ""


def _listen(stream: IO[bytes], said: bytearray) -> None:
    """Keep the end of what a stream gives, however much that is."""
    with stream:
        while part := stream.read1(TAIL):  # type: ignore[attr-defined]
            said += part
            del said[:-TAIL]


def _kill(process: "subprocess.Popen[bytes]") -> None:
    """End a process that has not been waited for, with all that it has started."""
    if os.name == "nt":
        process.kill()
    else:
        with suppress(ProcessLookupError, PermissionError):  # the latter: nobody of the group is left, on a Mac
            os.killpg(process.pid, signal.SIGKILL)
    process.wait()
