"""How a raw becomes LRGB, and which light becomes white: what decides a picture before and after the networks."""

from dataclasses import dataclass
from typing import Literal

White = Literal["auto", "file"]
"""Which light becomes white: "file" for the file's white level, "auto" for LibRaw's adjusted one (`adjusted_white`)."""
RowNoise = Literal["auto", "off"]
"""Row noise: "auto" measures it and takes it off, "off" leaves it in, as the paper does."""


@dataclass(frozen=True)
class ExposureSettings:
    """How a raw is developed.

    Attributes:
        ratio: amplification ratio, or "auto" to choose it from the raw.
        ev: exposure compensation in stops on top of the ratio.
        black: black level in DN instead of the file's own.
        white: "auto" adjusts the white level as LibRaw does, "file" takes the file's.
        row_noise: "auto" takes row noise off, "off" leaves it in.
    """

    ratio: float | Literal["auto"] = "auto"
    ev: float = 0.0
    black: float | None = None
    white: White = "auto"
    row_noise: RowNoise = "auto"

    @property
    def white_used(self) -> White:
        """The file's where the user sets the exposure: a lowered white level would take a darkening back."""
        darkened = self.ratio != "auto" and self.ratio < 1
        return "file" if darkened or self.ev != 0 else self.white
