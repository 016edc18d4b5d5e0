"""Windows onto a picture: where it has most detail, and where a window lies once the picture is upright."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter

from darkdiff_cli.colour import LUMINANCE_WEIGHTS


class Window(NamedTuple):
    """A part of a picture in pixels."""

    top: int
    left: int
    height: int
    width: int

    def of(self, picture: NDArray[np.float32]) -> NDArray[np.float32]:
        """The part of a (h, w, 3) picture."""
        return picture[self.top : self.top + self.height, self.left : self.left + self.width]


def most_detail(srgb_01: NDArray[np.float32], width: float, height: float) -> tuple[float, float]:
    """The middle of the window with the steepest edges on average.

    Args:
        srgb_01: (h, w, 3) sRGB in [0, 1], with little noise.
        width, height: of the window, in shares of the picture.

    Returns:
        x and y in shares of the picture; its middle where the picture is too small for edges.
    """
    luminance = srgb_01 @ LUMINANCE_WEIGHTS
    if min(luminance.shape) < 2:
        return 0.5, 0.5
    edges = np.hypot(*np.gradient(luminance))
    high, wide = edges.shape
    window = max(1, round(height * high)), max(1, round(width * wide))
    row, column = np.unravel_index(uniform_filter(edges, window, mode="constant").argmax(), edges.shape)
    return (int(column) + 0.5) / wide, (int(row) + 0.5) / high


def inside(middle: float, share: float) -> float:
    """The nearest middle whose window lies inside the picture, both in shares of its length."""
    return min(max(middle, share / 2), 1 - share / 2)


def upright_window(window: Window, shape: tuple[int, int], orientation: int) -> Window:
    """Where a window lies in `upright` of a picture.

    Args:
        window: in sensor orientation.
        shape: rows and columns of the picture in sensor orientation.
        orientation: EXIF value 1..8.
    """
    (top, left, height, width), (high, wide) = window, shape
    if orientation in (5, 6, 7, 8):
        top, left, height, width, high, wide = left, top, width, height, wide, high
    if orientation in (3, 4, 7, 8):
        top = high - top - height
    if orientation in (2, 3, 6, 7):
        left = wide - left - width
    return Window(top, left, height, width)
