"""One frame's mosaic at the photosites of another that it is shifted against."""

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from darkdiff_cli.cfa import COLOURS, Cfa
from darkdiff_cli.raw.neighbours import MARGIN, padded

TILE = 96  # photosites along a side that share one shift: whole patterns of Bayer and X-Trans
STEPS = 16  # of a photosite, to which a tile's shift is rounded
# With these, enhanced stacks of photographs came out best, x16 to x300, in Bayer and X-Trans taken together.
COUNT = 6  # photosites that a value is interpolated from: the fewer, the sharper it is, and the whiter its noise
ALIKE = 0.8  # how much the details of two colours are one, after white balance
POWER = 1.5  # of the variogram: how fast the light of two places differs with their distance
LEAST = 1e-4  # weights below it do not count
REACH = MARGIN - 1  # photosites on either side where the nearest are looked for


class Shifted(NamedTuple):
    """A mosaic as another frame would have seen it.

    Attributes:
        light: (H, W) float32; 0 where there is none.
        seen: (H, W), true where the frame saw the place.
        error: (H, W) mean square by which the light is expected to be wrong, noise apart, where light a photosite apart
            differs by a mean square of 2 (the kriging variance); 0 where a photosite itself lies there.
    """

    light: NDArray[np.float32]
    seen: NDArray[np.bool_]
    error: NDArray[np.float32]


def shifted(light: NDArray[np.float32], cfa: Cfa, shifts: NDArray[np.float64]) -> Shifted:
    """Resample a mosaic at each photosite plus its shift.

    The weights are those of cokriging (Matheron 1963; Myers, Mathematical Geology 1982): the linear mean of the nearest
    photosites with the smallest error, for light whose differences grow as a power of the distance and whose colours
    have most details in common. The photosites of the place's own colour get weights that add up to 1, those of
    another colour such that add up to 0: they bring details and no light. So it serves every filter, noise of zero mean
    keeps it, and a shift by whole patterns gives the photosites themselves. From its own colour alone, a value would
    be far less sharp: three in four places of a Bayer filter have no red.

    Args:
        light: (H, W) white-balanced light above black, negative noise kept; at least 16 photosites along each side.
        cfa: its filter.
        shifts: (rows, columns, 2) for each tile of TILE photosites, how far down and right, in photosites, its light
            lies in this mosaic.
    """
    wide, shape, (down, across) = padded(light, cfa), light.shape, cfa.period
    out, seen, error = np.zeros(shape, np.float32), np.zeros(shape, bool), np.zeros(shape, np.float32)
    for (top, left), shift in _tiles(shape, shifts):
        (whole_y, y), (whole_x, x) = (divmod(int(np.rint(value * STEPS)), STEPS) for value in shift)
        rows, columns = _inside(top, shape[0], whole_y, y), _inside(left, shape[1], whole_x, x)
        if not rows or not columns:
            continue
        seen[rows.start : rows.stop, columns.start : columns.stop] = True
        for row in rows[:down]:
            for column in columns[:across]:
                part = out[row : rows.stop : down, column : columns.stop : across]
                colour = COLOURS.index(cfa.pattern[row % down][column % across])
                found = interpolation(cfa, colour, (row + whole_y) % down, (column + whole_x) % across, y, x)
                error[row : rows.stop : down, column : columns.stop : across] = found.error
                for tap in found.taps:
                    first = MARGIN + row + whole_y + tap.down, MARGIN + column + whole_x + tap.across
                    last = first[0] + down * part.shape[0], first[1] + across * part.shape[1]
                    part += tap.weight * wide[first[0] : last[0] : down, first[1] : last[1] : across]
    return Shifted(out, seen, error)


def _tiles(shape: tuple[int, ...], shifts: NDArray[np.float64]) -> Iterator[tuple[tuple[int, int], tuple[float, ...]]]:
    """The first photosite and the shift of each tile."""
    for row in range(-(-shape[0] // TILE)):
        for column in range(-(-shape[1] // TILE)):
            yield (row * TILE, column * TILE), tuple(float(value) for value in shifts[row, column])


def _inside(start: int, length: int, whole: int, part: int) -> range:
    """The places of a tile whose light lies between the first and the last photosite, along one side."""
    first = max(start, -whole)
    last = min(start + TILE, length, length - whole - (part > 0))
    return range(first, max(last, first))


class Tap(NamedTuple):
    """One photosite's part in a value: rows down and columns across from the place, and its weight."""

    down: int
    across: int
    weight: np.float32


class Interpolation(NamedTuple):
    """The photosites that give the light of a place, and its expected squared error, as in `Shifted`."""

    taps: tuple[Tap, ...]
    error: float


@lru_cache(maxsize=65536)
def interpolation(cfa: Cfa, colour: int, row: int, column: int, y: int, x: int) -> Interpolation:
    """The photosites that give the light of a colour at a place between photosites.

    Args:
        cfa: the filter.
        colour: 0 red, 1 green, 2 blue.
        row, column: the photosite above and left of the place, inside the pattern.
        y, x: the place beyond it, in STEPS of a photosite.
    """
    offsets = np.arange(-REACH, REACH + 1)
    pattern = np.array([[COLOURS.index(letter) for letter in line] for line in cfa.pattern])
    colours = pattern[np.ix_((row + offsets) % cfa.period[0], (column + offsets) % cfa.period[1])].ravel()
    places = np.stack(np.meshgrid(offsets, offsets, indexing="ij"), axis=-1).reshape(-1, 2)
    distance = np.hypot(*(places - np.array([y, x]) / STEPS).T)
    nearest = np.argsort(distance, kind="stable")[:COUNT]
    places, distance, colours = places[nearest], distance[nearest], colours[nearest]
    apart = np.hypot(*(places[:, None] - places[None]).transpose(2, 0, 1))
    present = np.unique(colours)
    alike = np.where(colours[:, None] == colours[None], 1.0, ALIKE)
    sums = (colours[:, None] == present[None]).astype(float)
    corner = np.zeros((len(present), len(present)))
    variogram = alike * apart**POWER
    system = np.block([[variogram, sums], [sums.T, corner]])
    known = np.append(np.where(colours == colour, 1.0, ALIKE) * distance**POWER, present == colour)
    weights = np.linalg.solve(system, known)[: len(places)]
    error = 2 * weights @ known[: len(places)] - weights @ variogram @ weights
    kept = np.abs(weights) > LEAST
    return Interpolation(
        tuple(
            Tap(int(down), int(across), np.float32(weight))
            for (down, across), weight in zip(places[kept], weights[kept], strict=True)
        ),
        max(float(error), 0.0),
    )
