"""The nearest photosites of the same colour, for any colour filter, and what is interpolated from them."""

from functools import lru_cache
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from darkdiff_cli.cfa import Cfa

Kind = TypeVar("Kind", bound=np.generic)
Places = NDArray[np.intp]
Offsets = tuple[tuple[int, int], ...]
"""(rows, columns) from a photosite to others."""
REACH = 7  # rows and columns in which neighbours are looked for: a pattern of X-Trans and one more
MARGIN = 8  # border that `padded` adds, so that neighbours of neighbours exist everywhere
SMALLEST = 2 * MARGIN  # side of the smallest frame that has such a border
COUNTS = (8, 48)  # neighbours that replace a photosite; more where all of the first are lost too


@lru_cache(maxsize=512)
def same_colour(cfa: Cfa, row: int, column: int, count: int) -> Offsets:
    """Offsets of the nearest photosites of the same colour, nearest first.

    Args:
        cfa: the colour filter.
        row, column: the photosite, inside the pattern or beyond it.
        count: how many, at most; there are fewer within REACH of some sites.
    """
    colour = cfa.seen_from(row, column).pattern[0][0]
    around = cfa.seen_from(row - REACH, column - REACH)
    window = range(-REACH, REACH + 1)
    rows, columns = cfa.period
    found = [
        (down, across)
        for down in window
        for across in window
        if (down or across) and around.pattern[(down + REACH) % rows][(across + REACH) % columns] == colour
    ]
    return tuple(sorted(found, key=lambda offset: (offset[0] ** 2 + offset[1] ** 2, offset))[:count])


def padded(values: NDArray[Kind], cfa: Cfa) -> NDArray[Kind]:
    """A mosaic with a border of MARGIN in which the colour filter goes on; no photosite meets itself there.

    Args:
        values: (H, W), at least SMALLEST in each direction.
        cfa: the colour filter, starting at the first value.

    Returns:
        (H + 2 * MARGIN, W + 2 * MARGIN).
    """
    for axis, period in enumerate(cfa.period):
        length, shift = values.shape[axis], period * (MARGIN // period + 1)
        index = np.arange(-MARGIN, length + MARGIN)
        index = np.where(index < 0, index + shift, np.where(index >= length, index - shift, index))
        values = values.take(index, axis=axis)
    return values


def around(wide: NDArray[Kind], rows: Places, columns: Places, offsets: Offsets) -> NDArray[Kind]:
    """(count, N) values at offsets from N photosites, from a padded mosaic."""
    return np.stack([wide[MARGIN + rows + down, MARGIN + columns + across] for down, across in offsets])


def interpolated(light_dn: NDArray[np.float32], lost: NDArray[np.bool_], cfa: Cfa) -> NDArray[np.float32]:
    """Replace photosites by a mean of the nearest of their colour that are not lost, weighted by distance^-4.

    Args:
        light_dn: (H, W) DN above black, at least SMALLEST in each direction.
        lost: (H, W) which to replace.
        cfa: colour filter of any period.

    Returns:
        (H, W); photosites with no neighbour left within REACH, inside large holes, are filled from the rim inwards.
    """
    result, lost = light_dn.copy(), lost.copy()
    while lost.any():
        before = int(lost.sum())
        for count in COUNTS:
            _fill(result, lost, cfa, count)
            if int(lost.sum()) < before:
                break
        else:
            break  # everything of a colour is lost
    return result


def _fill(light_dn: NDArray[np.float32], lost: NDArray[np.bool_], cfa: Cfa, count: int) -> None:
    """One round, in place: what has a neighbour is replaced, and no longer lost."""
    wide, missing = padded(light_dn, cfa), padded(lost, cfa)
    for site in cfa.sites:
        rows, columns = np.nonzero(cfa.plane(lost, site))
        rows, columns = site.row + rows * cfa.period[0], site.column + columns * cfa.period[1]
        offsets = same_colour(cfa, site.row, site.column, count)
        nearness = np.array([(down**2 + across**2) ** -2.0 for down, across in offsets], np.float32)
        weight = nearness[:, None] * ~around(missing, rows, columns, offsets)
        total = weight.sum(axis=0)
        rows, columns, weight, total = rows[total > 0], columns[total > 0], weight[:, total > 0], total[total > 0]
        light_dn[rows, columns] = (weight * around(wide, rows, columns, offsets)).sum(axis=0) / total
        lost[rows, columns] = False
