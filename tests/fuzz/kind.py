"""What the fuzzer asks of a kind of file: how to damage it, what the program makes of it, what counts as a defect."""

import random
import re
from abc import ABC, abstractmethod
from pathlib import Path
from types import TracebackType
from typing import ClassVar

from darkdiff_cli.errors import DarkdiffError

UNEXPECTED = re.compile(r"unexpected \w+: |cannot be decoded \(\w+: ")
"""What the program says of an exception that it did not foresee."""
Files = dict[str, bytes]
"""Content of files by their names, which may hold folders."""


class Defect(Exception):
    """The program broke a promise; the message says which."""


class Kind(ABC):
    """A kind of file. Use it as a context: what it needs is made once and given back at the end.

    Attributes:
        name: on the command line and of the folder of a kept case.
    """

    name: ClassVar[str]

    def __init__(self, workplace: Path) -> None:
        self.workplace = workplace
        self.peak_mib = 0.0

    def __enter__(self) -> "Kind":
        return self

    def __exit__(self, *_error: type[BaseException] | BaseException | TracebackType | None) -> None:
        return None

    @abstractmethod
    def damaged(self, rng: random.Random) -> Files:
        """The files of one case, drawn from a generator."""

    @abstractmethod
    def tried(self, folder: Path, rng: random.Random) -> str:
        """Let the program use the files of a case; returns in a word or two what became of them.

        Raises:
            Exception: any that the program should have turned into a sentence, or a `Defect`.
        """


def refused(error: DarkdiffError, name: str) -> str:
    """What became of a file that the program refused.

    Raises:
        Defect: the message is not one sentence about this file, or hides an unexpected exception.
    """
    message = str(error)
    if UNEXPECTED.search(message):
        raise Defect(f"an exception became a message: {message}") from error
    if "\n" in message.strip() or not message.endswith((".", "?")):
        raise Defect(f"no sentence: {message!r}") from error
    if name not in message:
        raise Defect(f"the file is not named: {message!r}") from error
    if len(message) > 1500:
        raise Defect(f"a sentence of {len(message)} letters") from error
    for words in ("brought the raw decoder down", "to decode; copy it again"):
        if words in message:
            return "refused: decoder died" if "down" in words else "refused: decoder hung"
    return "refused"
