"""The colour filter array: which colour each photosite of a sensor sees, as data."""

from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

COLOURS = "RGB"
Kind = TypeVar("Kind", bound=np.generic)


class Site(NamedTuple):
    """One photosite of the repeated pattern.

    Attributes:
        row, column: position inside the pattern.
        colour: index of red, green or blue, 0 to 2.
    """

    row: int
    column: int
    colour: int


class Squares(NamedTuple):
    """A Bayer pattern of squares instead of single photosites: quad Bayer, nona.

    Attributes:
        side: of a square, in photosites; 1 for Bayer itself.
        top, left: where the first whole square begins.
        bayer: the order of the squares from there.
    """

    side: int
    top: int
    left: int
    bayer: "Cfa"


@dataclass(frozen=True)
class Cfa:
    """A pattern of colours that repeats over the sensor: Bayer 2x2, quad Bayer 4x4, X-Trans 6x6, monochrome 1x1.

    Attributes:
        pattern: rows of the smallest part that repeats, from the top left corner, such as ("RG", "GB").

    Raises:
        ValueError: the rows are not of one length, or name other colours than R, G and B.
    """

    pattern: tuple[str, ...]

    def __post_init__(self) -> None:
        letters = "".join(self.pattern)
        if not letters or len({len(row) for row in self.pattern}) != 1 or set(letters) - set(COLOURS):
            raise ValueError(f"a cfa must be rows of R, G and B of one length, got {self.pattern!r}")

    @classmethod
    def bayer(cls, order: str) -> "Cfa":
        """A 2x2 pattern by its colours in reading order: "RGGB", "BGGR", "GBRG" or "GRBG".

        Raises:
            ValueError: it does not hold one R, two G and one B.
        """
        cfa = cls((order[:2], order[2:]))
        if not cfa.is_bayer:
            raise ValueError(f"a Bayer cfa must hold one R, two G and one B, got {order!r}")
        return cfa

    @classmethod
    def monochrome(cls) -> "Cfa":
        """No filter at all: every photosite counts as green, whose gain is 1 without a white balance."""
        return cls(("G",))

    def __str__(self) -> str:
        """The colours in reading order, "RGGB" for instance."""
        return "".join(self.pattern)

    @property
    def name(self) -> str:
        """What people call it: "Bayer RGGB", "quad Bayer RGGB", "X-Trans", "monochrome", "3x3 RGBGBRBRG"."""
        down, across = self.period
        if self.is_monochrome:
            return "monochrome"
        if self.period == (6, 6) and sorted(str(self)) == sorted("R" * 8 + "G" * 20 + "B" * 8):
            return "X-Trans"
        if self.squares is None:
            return f"{down}x{across} {self}"
        side = self.squares.side
        prefix = {1: "", 2: "quad "}.get(side, f"{side}x{side} ")
        return f"{prefix}Bayer {self.squares.bayer}"

    @property
    def is_bayer(self) -> bool:
        """Whether the pattern is 2x2 with one red, two green and one blue site."""
        return self.period == (2, 2) and sorted(str(self)) == ["B", "G", "G", "R"]

    @property
    def is_monochrome(self) -> bool:
        """Whether all photosites see the same light."""
        return len(set(str(self))) == 1

    @property
    def sites_per_pixel(self) -> int:
        """Photosites along the side of an LRGB pixel: 1 without a filter, 2 n for squares of side n, else 2."""
        if self.is_monochrome:
            return 1
        return 2 if self.squares is None else 2 * self.squares.side

    @cached_property
    def squares(self) -> "Squares | None":
        """How the pattern is made of squares of one colour in Bayer order; None where it is not."""
        side = self.period[0] // 2
        if self.period != (2 * side, 2 * side) or side < 1:
            return None
        for top, left in product(range(side), repeat=2):
            turned = self.seen_from(top, left)
            small = Cfa(tuple(row[::side] for row in turned.pattern[::side]))
            blown = tuple("".join(colour * side for colour in row) for row in small.pattern for _ in range(side))
            if small.is_bayer and blown == turned.pattern:
                return Squares(side, top, left, small)
        return None

    @property
    def period(self) -> tuple[int, int]:
        """Rows and columns after which the pattern repeats."""
        return len(self.pattern), len(self.pattern[0])

    @cached_property
    def sites(self) -> tuple[Site, ...]:
        """Every site of the pattern in reading order."""
        return tuple(
            Site(row, column, COLOURS.index(colour))
            for row, colours in enumerate(self.pattern)
            for column, colour in enumerate(colours)
        )

    def plane(self, mosaic: NDArray[Kind], site: Site) -> NDArray[Kind]:
        """All pixels of one site in a (H, W) mosaic, as a view that can be written to."""
        rows, columns = self.period
        return mosaic[site.row :: rows, site.column :: columns]

    def whole(self, mosaic: NDArray[Kind]) -> NDArray[Kind]:
        """A (H, W) mosaic cropped to whole patterns, as a view."""
        height, width = (length // period * period for length, period in zip(mosaic.shape, self.period, strict=True))
        return mosaic[:height, :width]

    def spread(self, values: tuple[float, ...], shape: tuple[int, int]) -> NDArray[np.float32]:
        """(H, W) map that repeats one value per site, such as the black level."""
        tile = np.array(values, dtype=np.float32).reshape(self.period)
        repeats = [-(-length // period) for length, period in zip(shape, self.period, strict=True)]
        return np.tile(tile, repeats)[: shape[0], : shape[1]]

    @property
    def transposed(self) -> "Cfa":
        """The pattern of the transposed mosaic."""
        return Cfa(tuple("".join(column) for column in zip(*self.pattern, strict=True)))

    def seen_from(self, top: int, left: int) -> "Cfa":
        """The pattern of a crop that begins at this row and column."""
        rows, columns = self.period
        shifted = [self.pattern[(top + row) % rows] for row in range(rows)]
        return Cfa(tuple("".join(row[(left + column) % columns] for column in range(columns)) for row in shifted))
