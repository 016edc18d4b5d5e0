"""What a method is: something that makes a picture of a dark frame."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from darkdiff_cli.decoder import Decoder
from darkdiff_cli.raw import RawFrame

T = TypeVar("T")
Picture = NDArray[np.float32]


class Method(ABC):
    """Makes a picture of a dark frame.

    Attributes:
        name: in tables.
        notes: sentences about settings that had to be changed for the last picture.
        decoder: the process in which LibRaw works for it; None uses this one, which a broken file may bring down.
        needs_clean: it looks at the clean raw, so a pair with a picture of the truth instead is nothing for it.
    """

    name: str
    decoder: Decoder | None = None
    needs_clean: bool = False
    notes: tuple[str, ...] = ()

    @property
    def identity(self) -> str:
        """What a resumed run recognises the method by: everything that changes its pictures."""
        return self.name

    @abstractmethod
    def render(self, dark: RawFrame, clean: RawFrame | None, ratio: float) -> Picture:
        """(h, w, 3) sRGB in [0, 1]. Only what `needs_clean` looks at the clean frame."""

    def decode(self, path: Path | None, function: Callable[..., T], *arguments: Any) -> T:
        """Call a function that reads a file with LibRaw; None is the file of a synthetic frame.

        Raises:
            InputError, MemoryLimitError: as the function, and as `Decoder.run`.
        """
        if self.decoder is None or path is None:
            return function(*arguments)
        return self.decoder.run(path, function, *arguments)

    def reference(self, clean: RawFrame) -> Picture | None:  # noqa: ARG002
        """The method's own rendering of the clean frame, where it shall be judged against that; else None."""
        return None
