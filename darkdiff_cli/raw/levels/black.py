"""The black level of the visible frame: from the file, put right by masked pixels."""

from dataclasses import replace
from math import lcm

import numpy as np

from darkdiff_cli.cfa import Cfa
from darkdiff_cli.raw.black_level import BlackLevel
from darkdiff_cli.raw.levels.optical_black import measure_border
from darkdiff_cli.raw.levels.readout import Readout
from darkdiff_cli.raw.levels.tagged import is_tagged, misfits, tagged_black

DRIFT = 1e-3  # of the range from black to white: what warmth makes of a black level


def black_level(readout: Readout) -> tuple[BlackLevel, tuple[str, ...]]:
    """The black level of each visible photosite.

    One DN of error at x300 is 42/255 after gamma, so a tag that is a whole number is often not good enough: masked
    pixels put it right by as much as rounding and warmth can explain. A larger difference means that one of them is
    wrong; as a border may hold anything, the file is believed.

    Args:
        readout: the whole sensor and the file's levels.

    Returns:
        The black level of the visible frame, and notes for the user.
    """
    level, notes = _believed(readout)
    return level, (*misfits(readout), *notes)


def _believed(readout: Readout) -> tuple[BlackLevel, tuple[str, ...]]:
    """The file's black level, put right by masked pixels where these can be believed."""
    tagged = tagged_black(readout)
    window = (readout.top, readout.left, readout.height, readout.width)
    border = measure_border(readout, tagged)
    if border is None or readout.cfa is None:
        return tagged.seen_from(*window), ()
    level, said = tagged.mean + float(np.mean(border.offsets)), f"{tagged.mean:.4g}"
    if not border.dark:
        note = f"the masked border (black level {level:.4g} DN) is brighter than the picture: the file's {said} is used"
        return tagged.seen_from(*window), (note,)
    explained = 1 + DRIFT * (readout.decoder_white - tagged.mean)
    if is_tagged(readout) and float(np.max(np.abs(border.offsets))) > explained:
        note = f"the masked border says black level {level:.4g} DN, the file {said}: the file is believed"
        return tagged.seen_from(*window), (note,) if border.named else ()
    return _moved(tagged, readout.cfa, border.offsets).seen_from(*window), ()


def _moved(black: BlackLevel, cfa: Cfa, offsets: tuple[float, ...]) -> BlackLevel:
    """A black level with an offset for each place of the colour filter's period added."""
    period = lcm(black.repeat[0], cfa.period[0]), lcm(black.repeat[1], cfa.period[1])
    tiles = (period[0] // black.repeat[0], period[1] // black.repeat[1])
    pattern = np.tile(black.pattern, tiles) + cfa.spread(offsets, period).astype(np.float64)
    return replace(black, values=tuple(float(value) for value in pattern.ravel()), repeat=period)
