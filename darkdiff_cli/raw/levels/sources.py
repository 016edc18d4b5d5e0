"""Where the levels of a frame come from, in words for the user."""

from darkdiff_cli.raw.black_level import BlackLevel
from darkdiff_cli.raw.levels.readout import Readout
from darkdiff_cli.raw.levels.tagged import is_tagged, tagged_black
from darkdiff_cli.raw.levels.white import tagged_white


def level_sources(readout: Readout, black: BlackLevel, white: float, given: bool) -> dict[str, str]:
    """Say where black and white come from.

    Args:
        readout: the sensor and the file's levels.
        black, white: the levels that are used.
        given: whether the user gave the black level.

    Returns:
        Words for "black" and "white".
    """
    teller = "LibRaw" if readout.dng is None else "DNG tags"
    tagged = tagged_black(readout).seen_from(readout.top, readout.left, readout.height, readout.width)
    if given:
        dark = "option"
    elif black == tagged:
        dark = teller if is_tagged(readout) else "not in the file"
    else:
        dark = f"masked pixels; {teller}: {tagged.mean:.6g}"
    named = tagged_white(readout)
    return {"black": dark, "white": teller if white == named else f"where the sensor clips; {teller}: {named:.6g}"}
