"""Parts of a picture that were lost, such as the sectors of a card: what no sensor writes."""

import numpy as np
from numpy.typing import NDArray

from darkdiff_cli.raw.damage import LOST
from darkdiff_cli.raw.frame import RawFrame

SIDE, BLOCKS, SCATTERED = 8, 4, 0.05
"""Photosites a side of a block without light, how many such blocks get a note, and which share of single photosites."""
RUN, RUNS = 128, 2  # photosites of one row that are looked at together (a sector holds 256), and how many get a note
DARKEST = 16.0  # black level in DN, below which noise alone reaches 0; above, it takes a noise of no real sensor
LIT = 0.05  # of the range from black to white, from which photons alone make neighbours differ
CLIPPED = 0.8  # of it, from which equal neighbours may be clipped
BEYOND = 1.25  # times the white level: what no converter gives
WILD = 0.28  # of the range: mean difference of neighbours of one colour; of random bits it is a third


def missing_parts(frame: RawFrame) -> tuple[str, ...]:
    """A note where parts of a picture are what lost sectors leave: zeros far below black, one value, or random bits.

    Args:
        frame: as decoded, black level included.
    """
    mosaic, black = frame.mosaic_dn, min(frame.black_level.values)
    zeros = mosaic.size - int(np.count_nonzero(mosaic))
    if black >= DARKEST and (_has_blocks(mosaic, zeros) or zeros >= max(SCATTERED * mosaic.size, BLOCKS * SIDE**2)):
        return (_note(f"{zeros:,} of its photosites are 0, and its black level is {black:.4g}"),)
    if frame.cfa is not None and (runs := _runs(frame, frame.cfa.period[1], black)) >= RUNS:
        return (_note(f"{runs} pieces of rows, {RUN} photosites each, hold one value or random ones"),)
    return ()


def wrong_samples(count: int) -> tuple[str, ...]:
    """A note where too many float samples are no number, or no light; a few are mended as dead photosites are."""
    return (_note(f"{count:,} of its samples are no number, or no light"),) if count >= BLOCKS * SIDE**2 else ()


def _note(why: str) -> str:
    return f"{LOST} ({why}): copy it again from the card"


def _has_blocks(mosaic: NDArray[np.generic], zeros: int) -> bool:
    """Whether enough blocks hold nothing but zeros."""
    if zeros < BLOCKS * SIDE**2:
        return False
    rows, columns = (length // SIDE for length in mosaic.shape[:2])
    blocks = mosaic[: rows * SIDE, : columns * SIDE].reshape(rows, SIDE, columns, -1)
    return int(np.count_nonzero(~blocks.any(axis=(1, 3)))) >= BLOCKS


def _runs(frame: RawFrame, period: int, black: float) -> int:
    """How many pieces of a row of a mosaic no sensor has written."""
    mosaic, white = frame.mosaic_dn, frame.white_level
    scale = white - black
    found = 0
    for row in range(0, len(mosaic), RUN):  # some rows at once, for memory
        rows = mosaic[row : row + RUN, : mosaic.shape[1] // RUN * RUN].astype(np.float32)
        pieces = rows.reshape(len(rows), -1, RUN)
        least, most = pieces.min(axis=2), pieces.max(axis=2)
        lit = (most > black + LIT * scale) & (most < black + CLIPPED * scale)
        one = (least == most) & (lit | ((most == 0) & (black >= DARKEST)))
        change = np.abs(pieces[..., period:] - pieces[..., :-period]).mean(axis=2)
        found += int(np.count_nonzero(one | (least > BEYOND * white) | (change > WILD * scale)))
    return found
