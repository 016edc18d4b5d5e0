"""One batch over thousands of raws: memory, file handles and the time of a photo stay what they were."""

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from darkdiff_cli.batch.ledger import NAME
from tests.endurance import given

EVERY = 100  # photos between two looks
BROKEN = 20  # one raw in so many is broken
DIFFERENT = 50  # raws that are different; the others are the same files under other names


@dataclass(frozen=True)
class Look:
    """What a batch is like after some photos.

    Attributes:
        photos: lines in the ledger.
        seconds: of a processor that a photo took since the look before, in both processes: other work does not count.
        megabytes: resident memory by process: the program, its decoder.
        handles: open files by process.
    """

    photos: int
    seconds: float
    megabytes: tuple[float, ...]
    handles: tuple[int, ...]

    def __str__(self) -> str:
        memory = " and ".join(f"{value:.1f}" for value in self.megabytes)
        handles = " and ".join(map(str, self.handles))
        each = f"{1000 * self.seconds:.0f} ms of a processor a photo"
        return f"{self.photos} photos: {each}, {memory} MB, {handles} open files"


def make_raws(folder: Path, count: int) -> None:
    """Small raws, one in twenty of them broken: cut short, or no raw at all."""
    for number in range(count):
        path = folder / f"IMG_{number:06d}.dng"
        if number % BROKEN == BROKEN - 1:
            path.write_bytes((folder / "IMG_000000.dng").read_bytes()[:3000] if number % 3 else b"no raw at all")
        elif number < DIFFERENT:
            given.raw(path, number)
        else:
            first = number % DIFFERENT
            os.link(folder / f"IMG_{first - (first % BROKEN == BROKEN - 1):06d}.dng", path)


def watched(place: Path, count: int) -> Iterator[Look]:
    """A batch over so many raws, looked at every hundred of them.

    Raises:
        RuntimeError: it did not end as it must: with 1, for the broken ones.
    """
    make_raws(place / "night", count)
    words = "batch", place / "night", "-o", place / "out", "--model", given.model(place), "--ratio", 100
    program = given.Program((*words, "--device", "cpu", "--quiet"), place / "log")
    ledger, photos, since = place / "out" / NAME, 0, 0.0
    while not program.ended():
        time.sleep(0.05)
        lines = ledger.read_bytes().count(b"\n") if ledger.exists() else 0
        if lines < photos + EVERY:
            continue
        now = since
        with suppress(psutil.Error):
            family = [process for process in program.family() if "resource_tracker" not in " ".join(process.cmdline())]
            memory = tuple(process.memory_info().rss / 1e6 for process in family)
            now = sum(sum(process.cpu_times()[:2]) for process in family)
            if now < since:  # the decoder has ended
                continue
            yield Look(lines, (now - since) / (lines - photos), memory, tuple(process.num_fds() for process in family))
        photos, since = lines, now
    done = ledger.read_bytes().count(b'"done"')
    if (program.code, done) != (1, count - count // BROKEN):
        raise RuntimeError(f"exit code {program.code}, {done} photos: {(place / 'log').read_text()[-2000:]}")


def dry(place: Path, count: int) -> float:
    """The bytes of memory that each of so many raws costs `batch --dry-run`, beyond what a few cost."""
    model, most = given.model(place), []
    for folder, files in ((place / "few", 10), (place / "many", count)):
        folder.mkdir()
        for number in range(files):
            (folder / f"IMG_{number:06d}.dng").touch()
        program = given.Program(("batch", folder, "--model", model, "--dry-run"), place / "log")
        held = 0
        while not program.ended():
            with suppress(psutil.Error):
                held = max(held, program.process.memory_info().rss)
            time.sleep(0.01)
        if program.code != 0:
            raise RuntimeError(f"exit code {program.code}: {(place / 'log').read_text()[-2000:]}")
        most.append(held)
    return (most[1] - most[0]) / count
