"""Where a sensor stops counting, found in the raw itself."""

import numpy as np
from numpy.typing import NDArray

LEAST = 0.2  # of the range from black to white: 12-bit values under a 14-bit white level clip at a quarter
MIN_PIXELS = 64  # that share the clipping level
MIN_SHARE = 2e-5  # of the plane
PILE = 5.0  # times as many pixels as at the levels below
LEVELS_BELOW = 32  # levels that hold pixels, to compare with
MIN_LEVELS = 8
ABOVE = 0.02  # of the pile: how many pixels may lie above it, such as stuck ones
TOGETHER = 0.5  # share of the pile's pixels whose neighbour is in it too: lamps are areas, stuck pixels are not
FLAT = 0.3  # share of equal neighbours below the pile; more means that the frame has no noise to tell it apart by
DEEPEST = 1 << 18  # DN below the highest that are told apart; a damaged file of float samples may hold any
WIDTHS = (1, 8, 32)  # DN over which a clipping level may be spread


def clipping_level(plane_dn: NDArray[np.generic], black: float, white: float) -> float | None:
    """The level at which the pixels of one colour pile up.

    Light has noise, so that pixels of any brightness spread over many levels; where the sensor is full they all have
    one. That is a pile-up: the highest level of the plane holds many more pixels than each of the levels below, its
    pixels lie side by side, and pixels below it differ from their neighbours.

    Args:
        plane_dn: (h, w) pixels of one colour in DN.
        black, white: levels in DN.

    Returns:
        The level in DN; None where the plane is not clipped.
    """
    floor = black + LEAST * (white - black)
    plane = plane_dn.astype(np.float32)
    high = plane[plane > floor]
    if high.size < MIN_PIXELS:
        return None
    highest = float(high.max())
    histogram = np.bincount(np.minimum(highest - high, DEEPEST).astype(np.int64))  # of values from the highest down
    for width in WIDTHS:
        place = _pile(histogram, plane.size, width)
        top = None if place is None else highest - place * width
        if top is not None and _is_clipped(plane, top, floor, width):
            return float(np.mean(high[(high > top - width) & (high <= top)], dtype=np.float64))
    return None


def _pile(histogram: NDArray[np.int64], pixels: int, width: int) -> int | None:
    """Which bin of `width` values holds a pile, counted from the highest value down; None without one."""
    bins = np.add.reduceat(histogram, np.arange(0, len(histogram), width))
    places = np.flatnonzero(bins)
    counts = bins[places]
    enough = np.flatnonzero(counts >= max(MIN_PIXELS, MIN_SHARE * pixels))
    if not enough.size:
        return None
    first = int(enough[0])
    below = counts[first + 1 : first + 1 + LEVELS_BELOW]
    if len(below) < MIN_LEVELS or counts[:first].sum() > ABOVE * counts[first]:
        return None
    if counts[first] < PILE * np.quantile(below, 0.9):
        return None
    return int(places[first])


def _is_clipped(plane: NDArray[np.float32], top: float, floor: float, width: int) -> bool:
    """Whether the pixels of a pile lie side by side, and neighbours below it differ by more than its width."""
    first, second = plane[:, :-1], plane[:, 1:]
    piled, beside = ((part > top - width) & (part <= top) for part in (first, second))
    if not piled.any() or np.mean(beside[piled]) < TOGETHER:
        return False
    below = (first > floor) & (first <= top - width) & (second > floor) & (second <= top - width)
    return bool(below.any() and np.mean(np.abs(first - second)[below] < width) <= FLAT)
