"""Settings of raw development: ratio, exposure compensation, black and white level, row noise."""

from dataclasses import dataclass
from typing import Literal

White = Literal["auto", "file"]
"""White level: "file" takes the file's, "auto" adjusts it to the picture as LibRaw does (`adjusted_white`)."""
RowNoise = Literal["auto", "off"]
"""Row noise: "auto" measures and subtracts it, "off" leaves it in, as the paper does."""


@dataclass(frozen=True)
class ExposureSettings:
    """How a raw is developed.

    Attributes:
        ratio: amplification ratio, or "auto" to choose it from the raw.
        ev: exposure compensation in stops on top of the ratio.
        black: black level in DN instead of the file's own.
        white: "auto" adjusts the white level as LibRaw does, "file" takes the file's.
        row_noise: "auto" subtracts row noise, "off" leaves it in.
    """

    ratio: float | Literal["auto"] = "auto"
    ev: float = 0.0
    black: float | None = None
    white: White = "auto"
    row_noise: RowNoise = "auto"

    @property
    def white_used(self) -> White:
        """The white level in effect: "file" where the user sets the exposure, since "auto" would undo a darkening."""
        darkened = self.ratio != "auto" and self.ratio < 1
        return "file" if darkened or self.ev != 0 else self.white
