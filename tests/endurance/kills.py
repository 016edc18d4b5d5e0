"""A batch is killed at random moments, again and again, and in the end it is as if nothing had happened."""

import json
import random
import shutil
import signal
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import psutil

from darkdiff_cli.batch.album.previews import FOLDER as PREVIEWS
from darkdiff_cli.batch.claims import FOLDER as CLAIMS
from darkdiff_cli.batch.ledger import NAME
from darkdiff_cli.commands.batch_options import PAGE
from tests.endurance import given

Engine = Literal["local", "devices", "ray"]
WORDS: dict[Engine, tuple[object, ...]] = {
    "local": ("--device", "cpu"),
    "devices": ("--devices", "cpu,cpu"),
    "ray": ("--engine", "ray", "--workers", 2),
}
PHOTOS = 4
MOST = 3  # kills of one batch before it may go on to its end
PATIENCE = 600.0  # seconds for a batch; a machine with much to do is slow
LAST = 20.0  # seconds in which what outlived its parent has to end


@dataclass
class Found:
    """What the rounds came to.

    Attributes:
        kills: by what was killed: all processes at once, or one of a kind.
        late: batches that had ended before the moment came.
        failures: what was not as if nothing had happened.
    """

    kills: Counter[str] = field(default_factory=Counter)
    late: int = 0
    failures: list[str] = field(default_factory=list)


class Rounds:
    """Batches of one engine over one folder of raws.

    Args:
        place: an empty folder for everything.
        engine: where the batches run.
        seed: of the moments and of who is killed.
    """

    def __init__(self, place: Path, engine: Engine, seed: int) -> None:
        self.place, self.engine, self.found = place, engine, Found()
        self.random, self.log = random.Random(f"{engine} {seed}"), place / "log"
        self.model, self.night = given.model(place), place / "night"
        for number in range(PHOTOS):
            given.raw(self.night / f"IMG_{number}.dng", number)
        self.inputs = _inputs(self.night)
        straight = self.start(place / "straight")
        assert straight.wait(PATIENCE) == 0, self.log.read_text()
        self.seconds = time.monotonic() - straight.began
        self.expected = _photos(place / "straight")
        assert len(self.expected) == PHOTOS

    def start(self, output: Path, *more: object) -> given.Program:
        """A batch over the raws."""
        words = "batch", self.night, "-o", output, "--model", self.model, "--ratio", 100, *WORDS[self.engine], *more
        return given.Program(words, self.log)

    def run(self, kills: int) -> Found:
        """Kill so often, and look at each batch at its end."""
        while (before := self.found.kills.total()) < kills:
            output = self.place / f"killed-{before}"
            self.log.write_text("")
            for _ in range(self.random.randint(1, MOST)):
                self._killed(output)
            said = self._ended(output)
            if said is not None:
                self.found.failures.append(f"{output.name} ({self.engine}): {said}")
            shutil.rmtree(output, ignore_errors=True)
        return self.found

    def _killed(self, output: Path) -> None:
        """Start a batch and kill it, or one of its processes, once some photos are there, or at any time."""
        program = self.start(output, "--retry-failed")
        moment = self.random.uniform(0, self.seconds)
        photos = self.random.choice([None, *range(PHOTOS)])
        if photos is not None:
            moment = self.random.uniform(0, 0.3)
            while not program.ended() and len(_photos(output)) < photos:
                time.sleep(0.002)
        end = time.monotonic() + moment
        while time.monotonic() < end and not program.ended():
            time.sleep(0.001)
        if program.ended():
            self.found.late += 1
            return
        family = program.family()
        kinds = {kind: [process for process in family if _kind(process, program) == kind] for kind in KINDS}
        kind = self.random.choice(["all", "all", "parent", *(kind for kind in KINDS if kinds[kind])])
        victims = family if kind == "all" else [program.process] if kind == "parent" else kinds[kind][:1]
        for victim in victims:
            with suppress(psutil.NoSuchProcess):
                victim.send_signal(signal.SIGKILL)
        self.found.kills[kind] += 1
        program.wait(PATIENCE)  # where its parent lives, it goes on; what outlives the parent is not waited for

    def _ended(self, output: Path) -> str | None:
        """What is not as it must be after the last run; None where all is well."""
        code = self.start(output, "--retry-failed").wait(PATIENCE)
        if code != 0:
            return f"exit code {code}: {self.log.read_text()[-2000:]}"
        end = time.monotonic() + LAST
        while (output / CLAIMS).exists() and time.monotonic() < end:  # of what outlived a parent, and ends by itself
            time.sleep(0.1)
        if _photos(output) != self.expected:
            return "the photos are others"
        if _inputs(self.night) != self.inputs:
            return "the raws are others"
        stray = {path.name for path in output.iterdir()} - {NAME, PAGE, PREVIEWS, *self.expected}
        if stray or len(list((output / PREVIEWS).iterdir())) != PHOTOS:
            return f"stray files: {stray} {sorted(path.name for path in output.rglob('*'))}"
        lines = [json.loads(line) for line in (output / NAME).read_text().splitlines()]
        done = sorted(line["source"] for line in lines if line["status"] == "done")
        if done != sorted(path.name for path in self.inputs):
            return f"the ledger holds {done}"
        return None


KINDS = ("decoder", "device", "ray worker")


def _kind(process: psutil.Process, program: given.Program) -> str:
    """What a process of a batch does."""
    with suppress(psutil.Error):
        words = " ".join(process.cmdline())
        if "ray::RayWorker" in words:
            return "ray worker"
        if "spawn_main" in words:
            under = process.parent() == program.process
            return "device" if under and "--devices" in program.words else "decoder"
    return ""


def _photos(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("*.jpg")}


def _inputs(folder: Path) -> dict[Path, tuple[bytes, int]]:
    return {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in sorted(folder.rglob("*"))}
