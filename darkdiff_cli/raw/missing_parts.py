"""Parts of a picture that were lost, such as the sectors of a card: what no sensor writes."""

import numpy as np
from numpy.typing import NDArray

from darkdiff_cli.raw.damage import LOST
from darkdiff_cli.raw.frame import RawFrame
from darkdiff_cli.raw.lost_runs import DARKEST, RUN, lost_runs

SIDE, BLOCKS, SCATTERED = 8, 4, 0.05
"""Photosites a side of a block without light, how many such blocks get a note, and which share of single photosites."""
RUNS = 2  # pieces of rows that get a note: what is lost of one sector holds three


def missing_parts(frame: RawFrame) -> tuple[str, ...]:
    """A note where parts of a picture are what lost sectors leave: zeros far below black, one value, or random bits.

    Args:
        frame: as decoded, black level included.
    """
    mosaic, black = frame.mosaic_dn, min(frame.black_level.values)
    zeros = mosaic.size - int(np.count_nonzero(mosaic))
    if black >= DARKEST and (_has_blocks(mosaic, zeros) or zeros >= max(SCATTERED * mosaic.size, BLOCKS * SIDE**2)):
        return (_note(f"{zeros:,} of its photosites are 0, and its black level is {black:.4g}"),)
    if (runs := lost_runs(frame)) >= RUNS:
        return (_note(f"{runs} pieces of rows, {RUN} samples each, hold one value or random ones"),)
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
