"""What a lens does to a picture before the sensor sees it: a little blur, and colours slightly out of register."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, shift

BLUR = (0.3, 0.8)  # standard deviation in photosites: a sharp lens, and an ordinary one wide open
FRINGE = 0.35  # photosites by which red and blue lie apart from green at the most


@dataclass(frozen=True)
class Lens:
    """A place in the picture of a lens.

    Attributes:
        blur: standard deviation in photosites.
        red, blue: (rows, columns) by which these colours are shifted against green: lateral chromatic aberration, which
            is a shift in a small part of the picture.
    """

    blur: float
    red: tuple[float, float] = (0.0, 0.0)
    blue: tuple[float, float] = (0.0, 0.0)

    def through(self, light: NDArray[np.float32]) -> NDArray[np.float32]:
        """(h, w, 3) linear light -> the same as the sensor sees it."""
        seen = gaussian_filter(light, sigma=(self.blur, self.blur, 0.0), mode="reflect")
        for colour, by in ((0, self.red), (2, self.blue)):
            if any(by):
                seen[..., colour] = shift(seen[..., colour], by, order=3, mode="reflect")
        return np.asarray(seen, dtype=np.float32)

    def in_register(self) -> "Lens":
        """The same lens with its colours in register: as blurred, without fringes."""
        return Lens(self.blur)


def random_lens(rng: np.random.Generator) -> Lens:
    """Draw a lens; half of them keep the colours in register."""
    fringe = FRINGE * rng.uniform() if rng.uniform() < 0.5 else 0.0
    angle = rng.uniform(0, 2 * np.pi)
    red = (fringe * np.sin(angle), fringe * np.cos(angle))
    share = rng.uniform(-1.0, 0.5)  # blue mostly goes the other way
    return Lens(float(rng.uniform(*BLUR)), red, (share * red[0], share * red[1]))
