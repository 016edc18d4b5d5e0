"""Which runs are alive: on this machine by a lock of the operating system, on another one by its signs of life.

Machines that share a drive do not always see each other's locks, so a run also touches a file every few seconds.
Whether that goes on is seen by looking twice, by this machine's monotonic clock: no clock is compared with another.
"""

import os
import secrets
import socket
import threading
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Literal

from filelock import FileLock, Timeout

HEARTBEAT = 10.0  # seconds between two signs of life
STALE = 120.0  # seconds without one that end a run on another machine; a network drive may show them a minute late
ASKING = 0.1  # seconds for which another run may hold a lock that it only asks about, as this one does
SUFFIX = ".run"

Life = Literal["alive", "dead", "unclear"]


def this_machine() -> str:
    """A word for this machine since it was started; its containers share it, as they share its locks."""
    with suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    return f"{socket.gethostname()}-{uuid.getnode():x}"


class Presence:
    """The file of a run in the folder of the claims: held locked, and touched every few seconds.

    Args:
        folder: of the claims; it is there.
        machine: a word for this machine, see `this_machine`.
        clock: seconds; as `time.monotonic`.

    Raises:
        OSError: the folder cannot be written to; FileNotFoundError where another run has just tidied it away.
    """

    def __init__(self, folder: Path, machine: str, clock: Callable[[], float] = time.monotonic) -> None:
        self.folder, self.machine, self.clock = folder, machine, clock
        self.run = f"{machine}_{os.getpid()}_{secrets.token_hex(8)}"
        self._seen: dict[Path, tuple[object, float, bool]] = {}  # what a file was like, since when, whether it changed
        self._file = folder / f"{self.run}{SUFFIX}"
        self._lock = FileLock(self._file, thread_local=False)  # given back by another thread
        try:
            self._lock.acquire(timeout=0)
            self._file.stat()
        except (Timeout, FileNotFoundError) as error:  # another run tidied it away before it was locked
            self._lock.release()
            raise FileNotFoundError(str(self._file)) from error
        for path in folder.glob(f"*{SUFFIX}"):  # a first look; the second is at the end
            self.life_by(path)
        self._ended = threading.Event()
        self._beating = threading.Thread(target=self._beat_on, daemon=True)
        self._beating.start()

    def life_of(self, run: str) -> Life:
        """Whether a run is alive; "unclear" where it has not been looked at for long enough.

        Args:
            run: as its claims name it.
        """
        if run == self.run:
            return "alive"
        path = self.folder / f"{run}{SUFFIX}"
        if run.rsplit("_", 2)[0] == self.machine and (locked := _is_locked(path)) is not None:
            return "alive" if locked else "dead"
        return self.life_by(path)

    def life_by(self, path: Path) -> Life:
        """Whether the run is alive that a file belongs to, by whether the file changes."""
        now, state = self.clock(), _state(path)
        known, since, changed = self._seen.get(path, (state, now, False))
        if state != known:
            since, changed = now, True
        self._seen[path] = state, since, changed
        if now - since >= STALE:
            return "dead"
        return "alive" if changed else "unclear"

    def beat(self) -> None:
        """Give a sign of life."""
        with suppress(OSError):  # a drive may be away for a while
            os.utime(self._file)

    def end(self) -> None:
        """Remove the file, and those of dead runs."""
        self._ended.set()
        self._beating.join()
        for path in self.folder.glob(f"*{SUFFIX}"):
            if self.life_of(path.stem) == "dead":
                with suppress(OSError):
                    path.unlink()
        with suppress(OSError):  # Windows deletes no open file; its locks do it when they are released
            self._file.unlink()
        self._lock.release()

    def _beat_on(self) -> None:
        while not self._ended.wait(HEARTBEAT):
            self.beat()


def _is_locked(path: Path) -> bool | None:
    """Whether a process of this machine holds a file locked; None where that cannot be asked: of another user's."""
    if not path.exists():
        return False
    lock = FileLock(path)
    try:
        lock.acquire(timeout=ASKING, poll_interval=ASKING / 10)
    except Timeout:
        return True
    except OSError:
        return None
    finally:
        lock.release()
    return False


def _state(path: Path) -> tuple[int, int] | None:
    """Size and time of a file; None where there is none. It is opened, so that a network drive looks again."""
    try:
        if not path.is_file():  # opening a pipe would wait for ever
            return None
        with path.open("rb") as file:
            stat = os.fstat(file.fileno())
    except OSError:
        return None
    return stat.st_size, stat.st_mtime_ns
