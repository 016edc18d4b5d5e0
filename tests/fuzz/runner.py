"""Run cases of a kind: each is drawn from its own number alone, so that any of them can be repeated."""

import random
import shutil
import signal
import threading
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from tests.fuzz.documents import Ledgers, Models, Presets, Recipes, Sidecars
from tests.fuzz.kind import Defect, Files, Kind
from tests.fuzz.raws import Noise, Photos, Raws

KINDS: Sequence[type[Kind]] = (Raws, Photos, Noise, Sidecars, Ledgers, Recipes, Presets, Models)
LIMIT = 40  # seconds for a case


@dataclass
class Found:
    """What became of the cases of a kind.

    Attributes:
        outcomes: the numbers of the cases that were read, refused, and so on.
        defects: the traceback of each case that broke a promise, by its number.
        peak_mib: the most memory that the reading process held; 0 where it is not watched.
    """

    outcomes: dict[str, list[int]] = field(default_factory=dict)
    defects: dict[int, str] = field(default_factory=dict)
    peak_mib: float = 0.0


def run(kind: Kind, numbers: Sequence[int], keep: Path | None = None) -> Found:
    """Try cases of a kind.

    Args:
        kind: entered as a context.
        numbers: of the cases.
        keep: folder for the files of those that fail, each with its traceback; None keeps none.
    """
    found = Found()
    for number in numbers:
        rng = random.Random(f"{kind.name} {number}")
        files, folder = kind.damaged(rng), kind.workplace / "case"
        shutil.rmtree(folder, ignore_errors=True)
        _write(files, folder)
        try:
            with limited(LIMIT):
                outcome = kind.tried(folder, rng)
            _check(files, folder)
        except Exception as error:
            found.defects[number] = "".join(traceback.format_exception(error))
            outcome = f"DEFECT: {type(error).__name__}"
            if keep is not None:
                _write(files, keep / f"{kind.name}-{number}")
                (keep / f"{kind.name}-{number}.txt").write_text(found.defects[number], errors="replace")
        found.outcomes.setdefault(outcome, []).append(number)
    found.peak_mib = kind.peak_mib
    return found


def _write(files: Files, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


def _check(files: Files, folder: Path) -> None:
    """The files are as they were, and nothing else is there.

    Raises:
        Defect: they are not.
    """
    there = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    if there != files:
        raise Defect(f"the folder holds {sorted(there)}, or an input was changed")


@contextmanager
def limited(seconds: int) -> Iterator[None]:
    """Within this context what takes longer ends in a Defect, where the system has alarms."""
    if not hasattr(signal, "SIGALRM") or threading.current_thread() is not threading.main_thread():
        yield
        return

    def late(_number: int, _frame: FrameType | None) -> None:
        raise Defect(f"takes over {seconds} s")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
