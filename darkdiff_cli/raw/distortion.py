"""The distortion of a lens, straightened in the picture as a DNG asks for it."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates, spline_filter

if TYPE_CHECKING:
    from darkdiff_cli.raw.frame import RawFrame

BAND = 256  # rows that are straightened at a time
ORDER = 3  # of the splines between pixels
UNSEEN = 0.05  # photosites that a place may move without a difference
SAMPLES = 33  # places along each side where it is looked how far they move
FARTHEST = 0.5  # of the shorter side: a distortion that moves a place farther is damage

Floats = NDArray[np.float32]
Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Distortion:
    """Where the light of a straight picture lies in the frame: WarpRectilinear or WarpFisheye (DNG 1.7.1, chapter 7).

    Attributes:
        terms: kr0 to kr3 of green, and its kt0, kt1, which a fisheye has not.
        is_fisheye: kr are of the angle and not of the radius.
        centre: row and column of the optical centre in the frame; 0 is the middle of the first photosite.
        radius: photosites from there to the farthest corner of the picture that the file means.
    """

    terms: tuple[float, ...]
    is_fisheye: bool
    centre: tuple[float, float]
    radius: float

    def seen_from(self, top: float, left: float) -> "Distortion":
        """The same in a frame that begins there."""
        return replace(self, centre=(self.centre[0] - top, self.centre[1] - left))

    def scaled(self, factor: float) -> "Distortion":
        """The same in a frame of so many times the height and width."""
        down, across = ((place + 0.5) * factor - 0.5 for place in self.centre)
        return replace(self, centre=(down, across), radius=self.radius * factor)

    def sources(self, rows: Numbers, columns: Numbers) -> tuple[Numbers, Numbers]:
        """The rows and the columns of the frame whose light belongs at other rows and columns; arrays broadcast."""
        terms = self.terms
        y, x = (rows - self.centre[0]) / self.radius, (columns - self.centre[1]) / self.radius
        squared = y**2 + x**2
        if self.is_fisheye:
            away = np.sqrt(np.maximum(squared, 1e-12))
            angle = np.arctan(away)
            factor = angle * np.polynomial.polynomial.polyval(angle**2, terms[:4]) / away
            down, across = y * factor, x * factor
        else:
            factor, (kt0, kt1) = np.polynomial.polynomial.polyval(squared, terms[:4]), terms[4:]
            down = y * factor + 2 * kt1 * x * y + kt0 * (squared + 2 * y**2)
            across = x * factor + 2 * kt0 * x * y + kt1 * (squared + 2 * x**2)
        return self.centre[0] + down * self.radius, self.centre[1] + across * self.radius

    def farthest(self, shape: tuple[int, ...]) -> float:
        """How many photosites the place moves that moves most, in a frame of a height and width."""
        rows, columns = np.ix_(*(np.linspace(0, length - 1, SAMPLES) for length in shape[:2]))
        down, across = self.sources(rows, columns)
        return float(np.hypot(down - rows, across - columns).max())

    def is_plausible(self, shape: tuple[int, ...]) -> bool:
        """Whether a lens may have it; numbers of a damaged file move places anywhere."""
        with np.errstate(all="ignore"):
            return self.farthest(shape) < FARTHEST * min(self.radius, *shape[:2])  # false of NaN


def straightened(picture: Floats, frame: "RawFrame") -> Floats:
    """Straighten a picture, or a map that lies over one; beyond the frame its border goes on.

    All colours as the green one: the network for full size takes the other two back to it itself, two thirds of a
    photosite and more, and moving them once more would give them rims on the other side.

    Args:
        picture: (h, w, 3) sRGB in [0, 1], a pixel for each photosite of the frame or for each pixel of LRGB; or (h, w)
            or (h, w, channels) of any smaller size.
        frame: its distortion; without one the picture stays as it is.
    """
    if frame.distortion is None or frame.distortion.farthest(frame.mosaic_dn.shape) < UNSEEN:
        return picture
    high, wide = picture.shape[:2]
    step = round(frame.mosaic_dn.shape[0] / high)  # photosites along a pixel's side
    first = frame.first_pixel if step == frame.sites_per_pixel else (0, 0)
    row, column = (start + (step - 1) / 2 for start in first)  # of the first pixel's middle
    layers = picture.reshape(high, wide, -1)
    smooth = [spline_filter(layer, ORDER, output=np.float32, mode="nearest") for layer in np.moveaxis(layers, -1, 0)]
    moved, limits = np.empty_like(layers), (layers.min(), layers.max())
    for top in range(0, high, BAND):
        rows, columns = np.ix_(np.arange(top, min(top + BAND, high)), np.arange(wide))
        down, across = frame.distortion.sources(rows * step + row, columns * step + column)
        places = (down - row) / step, (across - column) / step
        for channel, layer in enumerate(smooth):
            band = map_coordinates(layer, places, order=ORDER, mode="nearest", prefilter=False)
            moved[top : top + BAND, :, channel] = np.clip(band, *limits)  # a spline rings beside a lamp
    return moved.reshape(picture.shape)
