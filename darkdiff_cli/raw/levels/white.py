"""The white level: what the file says, or where the sensor really stops counting."""

import numpy as np

from darkdiff_cli.raw.black_level import BlackLevel
from darkdiff_cli.raw.dng_tags import WHITE_LEVEL
from darkdiff_cli.raw.levels.clipping import clipping_level
from darkdiff_cli.raw.levels.readout import Readout

LARGEST = 65535.0  # of 16 bits


def tagged_white(readout: Readout) -> float:
    """The white level in DN as the file gives it: the lowest of the samples', else LibRaw's."""
    if readout.dng is None or readout.dng.is_recoded:
        return readout.decoder_white
    values = readout.dng.numbers(WHITE_LEVEL) * readout.tag_scale
    usable = values.size > 0 and np.isfinite(values).all() and 0 < values.min() <= LARGEST
    return float(values.min()) if usable else readout.decoder_white


def white_level(readout: Readout, black: BlackLevel, white_balance: tuple[float, float, float]) -> float:
    """The level in DN that becomes white.

    A sensor that clips below its white level leaves lamps that all colours clip at the same DN, which white balance
    turns magenta. With s_c the level at which colour c clips and w_c its balance, white is the lowest (s_c - black) *
    w_c above black: then every clipped pixel reaches white. Colours that do not clip have no say.

    Args:
        readout: the sensor.
        black: black level of the visible frame.
        white_balance: multipliers of red, green and blue, the smallest one 1.

    Returns:
        White level in DN, at most the file's.
    """
    white, dark = tagged_white(readout), black.mean
    if white <= dark:
        return white
    found = [white]
    visible = readout.visible_dn
    if readout.cfa is None:
        planes = [(colour, visible[..., colour]) for colour in range(3)]
    else:
        planes = [(site.colour, readout.cfa.plane(visible, site)) for site in readout.cfa.sites]
    for colour, plane in planes:
        level = clipping_level(plane, dark, white)
        if level is not None:
            found.append(dark + (level - dark) * white_balance[colour])
    return min(found)
