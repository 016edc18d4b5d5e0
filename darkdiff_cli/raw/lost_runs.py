"""Pieces of rows that no sensor wrote: of one value, beyond white, or random, and unlike the rows above and below.

What is lost of a file is a run of its bytes: it begins and ends within a row, and the picture goes on above and below.
Lamps, stripes and chequers have equal or wild values too, but the rows around them are much like them.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from darkdiff_cli.raw.frame import RawFrame

RUN = 64  # samples of one row that are looked at together; a sector holds 256 of 16 bits
DARKEST = 16.0  # black level in DN, below which noise alone reaches 0; above, it takes a noise of no real sensor
DARK = 0.75  # of such a black level, below which no noise brings a whole piece
LIT = 0.05  # of the range from black to white, from which photons alone make neighbours differ
CLIPPED = 0.8  # of it, from which equal neighbours may be clipped
BEYOND = 1.25  # times the white level: what no converter gives
WILD = 0.28  # of the range: mean difference of neighbours, near and of one colour; of random bits it is a third
ENDS, MOST_ENDS = 0.02, 0.15  # of the range: how near samples are to black and to white; and what share may be so
MOST = 5.0, 95.0  # percentiles, between which the picture is, whatever its levels say
STEP = 8  # from one sample to the next for these
LEAST = 0.3  # of the samples beyond white that are in lost pieces; were there more others, white would be wrong
ALIKE = 0.25  # share of the samples that a row has in common with one that it goes on in
NEAR = 0.5  # of the way to black, and at most `LIT`: how near two samples are that are alike
REACH = (-3, -2, -1, 1, 2, 3)  # rows, and periods of the filter, in which stripes or chequers go on or come back
ROWS = 128  # rows that are looked at at once, for memory


class _Scale(NamedTuple):
    """What the values of a frame are measured by, in DN.

    Attributes:
        black: the lowest black level.
        white: the white level.
        range: from black to white; what most of the picture covers, if that is more, since a level may be wrong.
    """

    black: float
    white: float
    range: float


def lost_runs(frame: RawFrame) -> int:
    """How many pieces of rows no sensor has written, each of `RUN` samples.

    Args:
        frame: as decoded, of any filter; the colours of a demosaiced pixel are three samples of its row.
    """
    samples = frame.mosaic_dn.reshape(len(frame.mosaic_dn), -1)
    down, across = (1, 3) if frame.cfa is None else frame.cfa.period
    black, white = min(frame.black_level.values), frame.white_level
    low, high = map(float, np.percentile(samples[::STEP, ::STEP].astype(np.float32), MOST))
    scale = _Scale(black, white, max(white, high) - min(black, low))
    pieces = samples[:, : samples.shape[1] // RUN * RUN].reshape(len(samples), -1, RUN)
    found = _suspects(pieces, across, scale)
    lost = _lost(pieces, found, down, scale) + _random(pieces, found.wild, down, scale)
    return lost if lost * RUN >= LEAST * found.above else 0


class _Suspects(NamedTuple):
    """(rows, pieces) each: pieces that light may not have left so.

    Attributes:
        one: of one value that no light and no darkness gives to a whole piece.
        beyond: of values beyond white.
        wild: of neighbours that differ wildly, and neither.
        value: the lowest value in DN.
        above: how many samples of all are beyond white.
    """

    one: NDArray[np.bool_]
    beyond: NDArray[np.bool_]
    wild: NDArray[np.bool_]
    value: NDArray[np.float32]
    above: int


def _suspects(pieces: NDArray[np.generic], across: int, scale: _Scale) -> _Suspects:
    one, beyond, wild = np.zeros((3, *pieces.shape[:2]), bool)
    value, above = np.zeros(pieces.shape[:2], np.float32), 0
    lit, clipped = (scale.black + share * (scale.white - scale.black) for share in (LIT, CLIPPED))
    for top in range(0, len(pieces), ROWS):
        rows = slice(top, top + ROWS)
        part = pieces[rows].astype(np.float32)
        least, most = part.min(axis=2), part.max(axis=2)
        lost = ((most > lit) & (most < clipped)) | (most > BEYOND * scale.white) | (most == 0)
        if scale.black >= DARKEST:
            lost |= most < DARK * scale.black
        one[rows], value[rows] = (least == most) & lost, least
        beyond[rows] = least > BEYOND * scale.white
        if most.max(initial=0) > BEYOND * scale.white:
            above += int(np.count_nonzero(part > BEYOND * scale.white))
        may = np.nonzero((most - least > WILD * scale.range) & ~beyond[rows])
        wild[rows][may] = _is_wild(part[may], across, scale)
    return _Suspects(one, beyond, wild, value, above)


def _is_wild(pieces: NDArray[np.float32], across: int, scale: _Scale) -> NDArray[np.bool_]:
    """(n,) whether neighbours in (n, RUN) pieces differ as those of random bits.

    Fine texture of great contrast does so from one photosite of a colour to the next, which a filter may have six
    apart; but the lens has blurred it from each photosite to its neighbour, and clipped it where it is overexposed.
    """
    wild = np.ones(len(pieces), bool)
    for lag in range(1, across + 1):
        wild &= np.abs(pieces[:, lag:] - pieces[:, :-lag]).mean(axis=1) > WILD * scale.range
    ends = (pieces <= scale.black + ENDS * scale.range) | (np.abs(pieces - scale.white) <= ENDS * scale.range)
    return np.asarray(wild & (ends.mean(axis=1) <= MOST_ENDS))


def _lost(pieces: NDArray[np.generic], found: _Suspects, down: int, scale: _Scale) -> int:
    """How many pieces are of a block of one value, or beyond white, that the picture around it does not lead up to.

    A block may reach the top or the bottom of the picture, yet not both; one of zeros neither, where 0 may be black.
    """
    count, rows = len(pieces), np.arange(len(pieces))[:, None]
    joined = np.zeros_like(found.one)  # to the piece above
    joined[1:] = found.one[1:] & found.one[:-1] & (found.value[1:] == found.value[:-1])
    joined[1:] |= found.beyond[1:] & found.beyond[:-1]
    above = np.maximum.accumulate(np.where(joined, -1, rows - 1), axis=0)
    parted = np.ones_like(joined)
    parted[:-1] = ~joined[1:]
    below = np.minimum.accumulate(np.where(parted, rows + 1, count)[::-1], axis=0)[::-1]
    lost = 0
    for row, column in _some(found.one | found.beyond):
        piece = pieces[row, column].astype(np.float32)
        steps = -(-(row - above[row, column]) // down), -(-(below[row, column] - row) // down)
        around = row - steps[0] * down, row + steps[1] * down
        inside = (above[row, column] >= 0) & (around[0] >= 0), (below[row, column] < count) & (around[1] < count)
        unlike = np.ones(len(row), bool)
        for there, seen in zip(around, inside, strict=True):
            other = pieces[there.clip(0, count - 1), column].astype(np.float32)
            unlike &= ~seen | ~_alike(piece, other, scale)
        needs_both = (scale.black < DARKEST) & ~piece.any(axis=1)
        lost += int(np.count_nonzero(unlike & np.where(needs_both, inside[0] & inside[1], inside[0] | inside[1])))
    return lost


def _random(pieces: NDArray[np.generic], wild: NDArray[np.bool_], down: int, scale: _Scale) -> int:
    """How many wild pieces go on in none of the rows around them, beside another one: a sector has three or more."""
    rows = sorted({*REACH, *(down * periods for periods in REACH)}, key=abs)
    random = np.zeros_like(wild)
    for row, column in _some(wild):
        for there in rows:
            inside = (row + there >= 0) & (row + there < len(pieces))
            other = pieces[np.where(inside, row + there, row), column]
            unlike = ~inside | ~_alike(pieces[row, column].astype(np.float32), other.astype(np.float32), scale)
            row, column = row[unlike], column[unlike]
        random[row, column] = True
    beside = np.zeros_like(random)
    beside[:, 1:] |= random[:, :-1]
    beside[:, :-1] |= random[:, 1:]
    return int(np.count_nonzero(random & beside))


def _some(chosen: NDArray[np.bool_]) -> list[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Rows and columns of the pieces that are chosen, as many at once as memory may hold."""
    row, column = np.nonzero(chosen)
    parts = range(0, len(row), ROWS**2)
    return [(row[part : part + ROWS**2], column[part : part + ROWS**2]) for part in parts]


def _alike(piece: NDArray[np.float32], other: NDArray[np.float32], scale: _Scale) -> NDArray[np.bool_]:
    """(n,) of (n, RUN) pieces and those of other rows: whether they have enough samples in common."""
    near = np.minimum(LIT * scale.range, NEAR * np.abs(piece - np.float32(scale.black)))
    return np.asarray((np.abs(piece - other) <= near).mean(axis=1) >= ALIKE)
