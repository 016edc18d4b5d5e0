"""Which opcodes of a DNG no lens and no sensor can need, and which corrected frames show no light any more."""

import numpy as np
from numpy.typing import NDArray

from darkdiff_cli.raw.frame import RawFrame
from darkdiff_cli.raw.opcodes.kinds import NAMES, Area, GainMap, LineValues, Opcode, RadialGain, ValueMap

LEAST, MOST = 0.0099, 101.0  # of the light that a gain leaves: a hundredth to a hundred times, and rounding
LEAST_RISE = 1e-5  # of a map of values: converters spread a dark photo over all values, and 0.015 is left of it
MOST_OFFSET = 0.5  # of the white level, which a row or column may be off
STEPS = 1025  # places from darkness to white, and from the centre to the corner, that are looked at
MOST_FALL = 0.01  # of its range, by which a curve of values may fall on the way up
LEAST_LEFT = 1e-6  # of the brightest light: less is none


def is_plausible(opcode: Opcode, shape: tuple[int, ...]) -> bool:
    """Whether a lens or a sensor may need a correction; one of no pixels, and what is no change of light, always may.

    Gains leave between a hundredth and a hundred times of the light, everywhere. A map of values rises from darkness
    to white, by something, and by a hundred times at most.

    Args:
        opcode: any.
        shape: height and width of the picture.
    """
    if isinstance(opcode, RadialGain):
        squared = np.linspace(0.0, 1.0, STEPS)
        return _in_limits(np.polynomial.polynomial.polyval(squared, (1.0, *opcode.terms)))
    if not isinstance(opcode, GainMap | LineValues | ValueMap) or _is_empty(opcode.area, shape):
        return True
    if isinstance(opcode, GainMap):
        return _in_limits(opcode.gains)
    if isinstance(opcode, LineValues):
        return _in_limits(opcode.values) if opcode.scales else bool((np.abs(opcode.values) <= MOST_OFFSET).all())
    with np.errstate(over="ignore", invalid="ignore"):
        curve = opcode.mapped(np.linspace(0.0, 1.0, STEPS, dtype=np.float32)).astype(np.float64)
    return bool(np.isfinite(curve).all() and LEAST_RISE <= curve[-1] - curve[0] <= MOST and rises(curve))


def rises(curve: NDArray[np.float64]) -> bool:
    """Whether a curve of two values or more goes up, or stays, from each to the next, some little falls apart."""
    return bool(-np.diff(curve).clip(max=0).sum() <= MOST_FALL * (curve[-1] - curve[0]))


def name_of(opcode: Opcode) -> str:
    """What the standard calls a correction of light."""
    if isinstance(opcode, GainMap):
        return NAMES[9]
    if isinstance(opcode, RadialGain):
        return NAMES[3]
    if isinstance(opcode, LineValues):
        return NAMES[10 + 2 * opcode.scales + (not opcode.along_rows)]
    return NAMES[8] if isinstance(opcode, ValueMap) and opcode.coefficients else NAMES[7]


def shows_light(above: RawFrame, frame: RawFrame) -> bool:
    """Whether all corrections together are plausible too: numbers everywhere, and light of each colour.

    Args:
        above: corrected, above black.
        frame: the same before. A colour that shows no light there, or is saturated, needs none.
    """
    if not np.isfinite(above.mosaic_dn).all() or above.light_dn().max() > MOST * above.white_level:
        return False
    before, after = frame.light_dn(), above.light_dn()
    for one, other in zip(_colours(before, frame), _colours(after, frame), strict=True):
        lit = (one > 0) & (one < above.white_level)
        most = np.max(one, where=lit, initial=0.0)
        if most > 0 and np.max(other, where=lit, initial=0.0) <= LEAST_LEFT * most:
            return False
    return True


def _in_limits(gains: NDArray[np.floating]) -> bool:
    return bool(((gains >= LEAST) & (gains <= MOST)).all())


def _is_empty(area: Area, shape: tuple[int, ...]) -> bool:
    return area.top >= min(area.bottom, shape[0]) or area.left >= min(area.right, shape[1])


def _colours(light: NDArray[np.float32], frame: RawFrame) -> list[NDArray[np.float32]]:
    """The light of each sample of a demosaiced frame, or of each place of a filter."""
    if frame.cfa is None:
        return [light[..., plane] for plane in range(light.shape[2])]
    down, across = frame.cfa.period
    places = [light[site.row :: down, site.column :: across] for site in frame.cfa.sites]
    return [place for place in places if place.size]
