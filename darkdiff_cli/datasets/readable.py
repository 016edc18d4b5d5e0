"""Files of a set that cannot be used are left out and named: neither do they stop a run of days, nor is it silent."""

import os
from collections.abc import Callable, Iterable
from itertools import islice
from pathlib import Path
from typing import Generic, NamedTuple, TypeVar

from darkdiff_cli.errors import InputError
from darkdiff_cli.words import counted

IN_A_ROW = 10  # candidates; by chance, of a set of which a tenth is broken, one in 10^10

Candidate = TypeVar("Candidate")
Read = TypeVar("Read")


class Found(NamedTuple, Generic[Candidate, Read]):
    """A candidate that could be read.

    Attributes:
        candidate: which.
        content: what was read.
        notes: one sentence for each candidate that was left out before it.
    """

    candidate: Candidate
    content: Read
    notes: tuple[str, ...]


def alone(path: Path) -> tuple[Path, ...]:
    """The files of a candidate that is one file."""
    return (path,)


class Readable(Generic[Candidate]):
    """Takes the first of several candidates that can be read, and remembers those that cannot.

    Whoever draws the candidates of an item draws the same ones again, so the item stays the same on every worker, run
    and machine.

    Args:
        files: of a candidate; a function of a module, since the set goes to other processes.
    """

    def __init__(self, files: Callable[[Candidate], tuple[Path, ...]]) -> None:
        self.files = files
        self.refused: dict[Candidate, str] = {}

    def first(self, candidates: Iterable[Candidate], read: Callable[[Candidate], Read]) -> Found[Candidate, Read]:
        """The first candidate that can be read.

        Args:
            candidates: in the order in which they are tried; each is hashable.
            read: raises InputError where a candidate cannot be used.

        Raises:
            InputError: a file is gone, with its drive perhaps; or too many candidates in a row cannot be used.
        """
        notes: list[str] = []
        for candidate in islice(candidates, IN_A_ROW):
            if candidate not in self.refused:
                try:
                    return Found(candidate, read(candidate), tuple(notes))
                except InputError as error:
                    if not all(os.path.exists(path) for path in self.files(candidate)):
                        raise
                    self.refused[candidate] = f"left out of the training: {error}"
            notes.append(self.refused[candidate])
        files, last = counted(len(set(notes)), "file"), notes[-1].partition(": ")[2]
        raise InputError(f"{IN_A_ROW} draws in a row, of {files}, gave none that can be used, the last one: {last}")
