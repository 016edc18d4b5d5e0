"""RGB colour spaces: primaries, white point and curve as their standards publish them, and the way there from sRGB."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from darkdiff_cli.formats import Colour

D50, D65 = (0.3457, 0.3585), (0.3127, 0.3290)  # CIE 1931 x, y
BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
"""From XYZ to the cones' answers between which white points are adapted (ICC.1:2022, annex E)."""
XY = tuple[float, float]


@dataclass(frozen=True)
class Curve:
    """Display values to linear light: (a x + b)^gamma from x = d on, c x below (ICC.1:2022, parametric curve 3).

    Attributes:
        gamma, a, b, c, d: as above.
    """

    gamma: float
    a: float = 1.0
    b: float = 0.0
    c: float = 0.0
    d: float = 0.0

    def encode(self, linear: NDArray[np.floating]) -> NDArray[np.float32]:
        """Linear light -> display values in [0, 1], float32 of the same shape; clipped to [0, 1] first."""
        x = np.clip(linear, 0.0, 1.0).astype(np.float32)
        curved = (np.power(x, np.float32(1 / self.gamma)) - np.float32(self.b)) / np.float32(self.a)
        return curved if self.c == 0 else np.where(x < self.c * self.d, x / np.float32(self.c), curved)


@dataclass(frozen=True)
class Space:
    """An RGB colour space.

    Attributes:
        name: for people.
        red, green, blue, white: chromaticities.
        curve: of its display values.
        cicp: its numbers in ITU-T H.273 (primaries, transfer, matrix); 2 where it has none.
    """

    name: str
    red: XY
    green: XY
    blue: XY
    white: XY
    curve: Curve
    cicp: tuple[int, int, int]

    @property
    def xyz_from_rgb(self) -> NDArray[np.float64]:
        """(3, 3) linear light to CIE XYZ, white being Y = 1 (SMPTE RP 177)."""
        columns = np.stack([xyz(xy) for xy in (self.red, self.green, self.blue)], axis=1)
        return np.asarray(columns * np.linalg.solve(columns, xyz(self.white)))

    @property
    def chromaticities(self) -> tuple[float, ...]:
        """x and y of red, green, blue, white."""
        return (*self.red, *self.green, *self.blue, *self.white)

    def from_srgb(self) -> NDArray[np.float64]:
        """(3, 3) linear sRGB to linear light of this space, the white point adapted."""
        srgb = SPACES["srgb"]
        adapted = adaptation(xyz(srgb.white), xyz(self.white)) @ srgb.xyz_from_rgb
        return np.asarray(np.linalg.solve(self.xyz_from_rgb, adapted), dtype=np.float64)


def adaptation(source: NDArray[np.floating], target: NDArray[np.floating]) -> NDArray[np.float64]:
    """(3, 3) XYZ under one white point to XYZ under another, each (3,) XYZ, by Bradford."""
    gains = (BRADFORD @ target) / (BRADFORD @ source)
    return np.asarray(np.linalg.inv(BRADFORD) @ np.diag(gains) @ BRADFORD)


def xyz(xy: XY) -> NDArray[np.float64]:
    """(3,) XYZ of a chromaticity, Y = 1."""
    x, y = xy
    return np.array([x / y, 1.0, (1 - x - y) / y])


_ALPHA, _BETA = 1.09929682680944, 0.018053968510807  # ITU-R BT.2020, table 4
_SRGB = Curve(2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)  # IEC 61966-2-1
SPACES: dict[Colour, Space] = {
    "srgb": Space("sRGB", (0.64, 0.33), (0.30, 0.60), (0.15, 0.06), D65, _SRGB, (1, 13, 1)),
    # SMPTE EG 432-1 with D65 and the curve of sRGB, as Apple publishes it.
    "display-p3": Space("Display P3", (0.680, 0.320), (0.265, 0.690), (0.150, 0.060), D65, _SRGB, (12, 13, 1)),
    # Adobe RGB (1998) Color Image Encoding, version 2005-05.
    "adobe-rgb": Space("Adobe RGB (1998)", (0.64, 0.33), (0.21, 0.71), (0.15, 0.06), D65, Curve(563 / 256), (2, 2, 1)),
    # ITU-R BT.2020, tables 3 and 4.
    "rec2020": Space(
        "Rec. 2020", (0.708, 0.292), (0.170, 0.797), (0.131, 0.046), D65,
        Curve(1 / 0.45, 1 / _ALPHA, 1 - 1 / _ALPHA, 1 / 4.5, 4.5 * _BETA), (9, 14, 9),
    ),
    # ROMM RGB, ISO 22028-2.
    "prophoto": Space(
        "ProPhoto RGB", (0.7347, 0.2653), (0.1596, 0.8404), (0.0366, 0.0001), D50,
        Curve(1.8, 1.0, 0.0, 1 / 16, 1 / 32), (2, 2, 1),
    ),
}  # fmt: skip
