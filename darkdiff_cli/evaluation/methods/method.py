"""What a method is: something that makes a picture of a dark frame."""

from abc import ABC, abstractmethod

import numpy as np
from numpy.typing import NDArray

from darkdiff_cli.raw import RawFrame

Picture = NDArray[np.float32]


class Method(ABC):
    """Makes a picture of a dark frame.

    Attributes:
        name: in tables.
        notes: sentences about settings that had to be changed for the last picture.
        needs_clean: it looks at the clean raw, so a pair with a picture of the truth instead is nothing for it.
    """

    name: str
    needs_clean: bool = False
    notes: tuple[str, ...] = ()

    @property
    def identity(self) -> str:
        """What a resumed run recognises the method by: everything that changes its pictures."""
        return self.name

    @abstractmethod
    def render(self, dark: RawFrame, clean: RawFrame | None, ratio: float) -> Picture:
        """(h, w, 3) sRGB in [0, 1]. Only what `needs_clean` looks at the clean frame."""

    def reference(self, clean: RawFrame) -> Picture | None:  # noqa: ARG002
        """The method's own rendering of the clean frame, where it shall be judged against that; else None."""
        return None
