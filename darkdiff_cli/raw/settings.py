"""Settings of raw development: ratio, exposure compensation, black and white level, corrections of the raw."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

White = Literal["auto", "file"]
"""White level: "file" takes the file's, "auto" adjusts it to the picture as LibRaw does (`white_gain`)."""
LineNoise = Literal["auto", "off"]
"""Row and column noise: "auto" measures and subtracts it, "off" leaves it in, as the paper does."""
HotPixels = Literal["auto", "off"]
"""Defective photosites: "auto" finds and replaces them, "off" leaves them in, as the paper does."""
PictureSize = Literal["full", "half"]
"""Of a rendering: the sensor's width and height, or half of both, a pixel for 2x2 photosites."""
Crop = Literal["camera", "sensor"]
"""Framing: what the camera itself shows, or all that the sensor saw, which the paper's protocols compare."""
WhiteBalance = Literal["camera", "auto", "daylight", "tungsten"] | float | tuple[float, float, float]
"""White balance: as shot, estimated, of a light by name or kelvin, or multipliers of red, green, blue."""


@dataclass(frozen=True)
class ExposureSettings:
    """How a raw is developed.

    Attributes:
        ratio: amplification ratio, or "auto" to choose it from the raw.
        ev: exposure compensation in stops on top of the ratio.
        black: black level in DN instead of the file's own.
        white: "auto" adjusts the white level as LibRaw does, "file" takes the file's.
        wb: white balance. "camera": as shot, else daylight's, else "auto", which estimates it from the picture; a light
            by its name or its 1667 to 25000 K; or three multipliers above 0.
        line_noise: "auto" subtracts the noise of rows and columns, "off" leaves it in.
        hot_pixels: "auto" replaces hot, dead and stuck photosites, "off" leaves them in.
        crop: "camera" cuts the frame as the camera does, "sensor" keeps all of it.
        strength: 1 takes the networks' picture, 0 the plain rendering; between them noise is left as grain.
        dark: dark frames whose mean is subtracted.
        saturation: DN above black that become 1, instead of the frame's own (`batch --lock-exposure`).
    """

    ratio: float | Literal["auto"] = "auto"
    ev: float = 0.0
    black: float | None = None
    white: White = "auto"
    wb: WhiteBalance = "camera"
    line_noise: LineNoise = "auto"
    hot_pixels: HotPixels = "auto"
    crop: Crop = "camera"
    strength: float = 1.0
    dark: tuple[Path, ...] = ()
    saturation: float | None = None

    @property
    def white_used(self) -> White:
        """The white level in effect: "file" where the user sets the exposure, since "auto" would undo a darkening."""
        darkened = self.ratio != "auto" and self.ratio < 1
        return "file" if darkened or self.ev != 0 else self.white
