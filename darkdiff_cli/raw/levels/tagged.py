"""The black level that the file gives: a DNG's tags, else what LibRaw knows of the camera."""

import numpy as np
from numpy.typing import NDArray

from darkdiff_cli.raw.black_level import BlackLevel
from darkdiff_cli.raw.dng_tags import BLACK_DELTA_H, BLACK_DELTA_V, BLACK_LEVEL, BLACK_REPEAT
from darkdiff_cli.raw.levels.readout import Readout

ALIKE = 0.01  # of the white level, within which levels are about the same


def tagged_black(readout: Readout) -> BlackLevel:
    """The black level of the whole sensor as the file gives it, before the sensor's own pixels are asked.

    Pattern and deltas of a DNG begin at its ActiveArea (DNG 1.7, chapter 4), LibRaw's levels at the visible frame;
    these two differ by a row or a column where the ActiveArea begins at an odd place. Outside the ActiveArea deltas are
    not defined: their mean stands for them.

    Args:
        readout: the sensor.

    Returns:
        A black level over all of `readout.full_dn`.
    """
    found = _from_dng(readout)
    if found is not None:
        return found
    alike = _alike(readout)
    if alike is not None:
        return BlackLevel.uniform(alike)
    origin = (readout.top, readout.left)
    trailing = (3,) if readout.cfa is None else ()
    pattern = np.array(readout.decoder_black, np.float64).reshape(*readout.period, *trailing)
    return _black(np.roll(pattern, origin, axis=(0, 1)))


def is_tagged(readout: Readout) -> bool:
    """Whether a black level stands in the file itself or in LibRaw's table of cameras."""
    return readout.dng is None or readout.dng.numbers(BLACK_LEVEL).size > 0 or any(readout.decoder_black)


def misfits(readout: Readout) -> tuple[str, ...]:
    """A note where the black levels of a DNG do not fit their own pattern."""
    dng = readout.dng
    if dng is None or dng.is_recoded or not dng.numbers(BLACK_LEVEL).size or _from_dng(readout) is not None:
        return ()
    used = _alike(readout)
    words = "they are not used" if used is None else f"their mean, {used:g}, is used"
    return (f"the file's black levels ({dng.numbers(BLACK_LEVEL).size}) do not fit their pattern: {words}",)


def _alike(readout: Readout) -> float | None:
    """The mean of black levels that fit no pattern, where all of them are about the same and LibRaw knows none."""
    if readout.dng is None or readout.dng.is_recoded or any(readout.decoder_black):
        return None
    values = readout.dng.numbers(BLACK_LEVEL) * readout.tag_scale
    if not values.size or not np.isfinite(values).all() or np.ptp(values) > ALIKE * readout.decoder_white:
        return None
    return float(values.mean())


def _from_dng(readout: Readout) -> BlackLevel | None:
    dng, samples = readout.dng, 3 if readout.cfa is None else 1
    if dng is None or dng.is_recoded:
        return None
    values = dng.numbers(BLACK_LEVEL) * readout.tag_scale
    repeat = dng.integers(BLACK_REPEAT, (1, 1))
    if len(repeat) != 2 or min(repeat) < 1:
        return None
    down, across = repeat
    if values.size == down * across and samples == 3:
        values = np.repeat(values, 3)  # one level for all samples
    if values.size != down * across * samples or not np.isfinite(values).all():
        return None
    top, left = dng.active_corner
    high, wide = readout.full_dn.shape[:2]
    pattern = values.reshape(down, across, *((3,) if samples == 3 else ()))
    return _black(
        np.roll(pattern, (top, left), axis=(0, 1)),
        _spread(dng.numbers(BLACK_DELTA_V) * readout.tag_scale, top, high),
        _spread(dng.numbers(BLACK_DELTA_H) * readout.tag_scale, left, wide),
    )


def _spread(deltas: NDArray[np.float64], start: int, length: int) -> tuple[float, ...]:
    """Deltas from a row or column of the sensor on -> (length,) of all of it; their mean where there are none."""
    if not deltas.size or not np.isfinite(deltas).all() or not deltas.any():
        return ()
    whole = np.full(length, deltas.mean())
    part = deltas[: max(length - start, 0)]
    whole[start : start + len(part)] = part
    return tuple(float(value) for value in whole)


def _black(pattern: NDArray[np.float64], rows: tuple[float, ...] = (), columns: tuple[float, ...] = ()) -> BlackLevel:
    return BlackLevel(tuple(float(v) for v in pattern.ravel()), pattern.shape[:2], rows, columns)
