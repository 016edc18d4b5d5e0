"""A raw's white balance and colour matrix, as the file or LibRaw's table of cameras has them."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from darkdiff_cli.colour import camera_from_srgb, srgb_from_camera
from darkdiff_cli.raw.dng_tags import COLOUR_MATRIX, DngTags
from darkdiff_cli.raw.frame import BalanceSource
from darkdiff_cli.raw.opening import Raw

AS_SHOT_NEUTRAL, AS_SHOT_WHITE_XY = 50728, 50729  # tags of a DNG
MOST_BALANCE = 20.0
"""Between a camera's multipliers for one light: LibRaw's cameras have 10 for a lamp of 2000 K, and 4.4 for 25,000 K."""
TINT = (1 / 4, 8.0)
"""Of red and blue (their geometric mean) against green: 1 to 2 in daylight, 3.5 by candles and under water."""
MOST_CONDITION = 100.0
"""Of a colour matrix, beyond which it is nearly singular: noise is amplified so many times. Cameras have 2 to 4."""
NEUTRAL: tuple[tuple[float, float, float], BalanceSource] = ((1.0, 1.0, 1.0), "as shot")
"""Of a monochrome sensor, and of a demosaiced raw without any white balance, which has one applied."""


def white_balance(raw: Raw, dng: DngTags | None) -> tuple[tuple[float, float, float], BalanceSource]:
    """Multipliers as shot, else daylight's by the camera's matrix, else none, and which of these they are.

    A DNG may mean (1, 1, 1). In other files cameras write it where they know nothing, or to show the raw's own
    histogram; no filter sees any light like that. What a DNG has for a light that there is not counts as none.
    """
    shot, daylight = _multipliers(raw.camera_whitebalance), _multipliers(raw.daylight_whitebalance)
    if dng is not None:
        shot, daylight = _of_a_light(shot), _of_a_light(daylight)
    if shot is not None and (dng is not None or max(shot) > 1):
        return shot, "as shot"
    if daylight is not None and _by_white_point(dng):
        return daylight, "as shot"
    daylight = daylight_balance(raw, dng)
    return (daylight, "daylight") if daylight is not None else ((1.0, 1.0, 1.0), "none")


def daylight_balance(raw: Raw, dng: DngTags | None) -> tuple[float, float, float] | None:
    """Multipliers for D65 by the camera's matrix; LibRaw gives (1, 1, 1) for a camera that it does not know."""
    daylight = _multipliers(raw.daylight_whitebalance)
    return None if daylight is None or max(daylight) == 1 or _by_white_point(dng) else daylight


def useless_tags(dng: DngTags, balance_source: str, matrix_source: str) -> Iterator[str]:
    """Notes on colour tags that a DNG has, and that cannot be used."""
    if dng.values.keys() & {AS_SHOT_NEUTRAL, AS_SHOT_WHITE_XY} and balance_source != "as shot":
        instead = "daylight is taken" if balance_source == "daylight" else "none is applied"
        yield f"its white balance cannot be used, so {instead}: choose one with --wb"
    if COLOUR_MATRIX in dng.values and matrix_source != "file":
        instead = "LibRaw's for the camera is taken" if matrix_source == "LibRaw" else "the sensor's colours are kept"
        yield f"its colour matrix cannot be used, so {instead}; copy it again from the card"


def _by_white_point(dng: DngTags | None) -> bool:
    """Whether a DNG gives its balance as AsShotWhiteXY, which LibRaw turns into its value for daylight."""
    return dng is not None and dng.numbers(AS_SHOT_WHITE_XY).size == 2


def _multipliers(values: Sequence[float]) -> tuple[float, float, float] | None:
    """The multipliers of red, green, blue, the smallest one scaled to 1 as LibRaw does; None unless all are above 0."""
    rgb = np.asarray(values[:3], dtype=np.float64)
    if not np.all(np.isfinite(rgb)) or np.any(rgb <= 0):
        return None
    red, green, blue = (float(value) for value in rgb / rgb.min())
    return (red, green, blue)


def _of_a_light(rgb: tuple[float, float, float] | None) -> tuple[float, float, float] | None:
    """The multipliers, or None where no light needs such ones."""
    if rgb is None or max(rgb) > MOST_BALANCE * min(rgb):
        return None
    return rgb if TINT[0] <= (rgb[0] * rgb[2]) ** 0.5 / rgb[1] <= TINT[1] else None


def colour_matrix(raw: Raw) -> tuple[NDArray[np.float64] | None, str]:
    """The file's own matrix where it has one (DNG), else the one in LibRaw's table of cameras, as LibRaw chooses.

    Returns:
        (3, 3) white-balanced camera to linear sRGB, or None; where it comes from, in words.
    """
    own = np.array(raw.color_matrix, dtype=np.float64)[:, :3]
    if own[0, 0] > 0.125 and _invertible(own):  # LibRaw's own test for a matrix worth using
        return own, "file"
    table = np.array(raw.rgb_xyz_matrix[:3], dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        usable = _invertible(table) and _invertible(camera_from_srgb(table))
    return (srgb_from_camera(table), "LibRaw") if usable else (None, "none")


def _invertible(matrix: NDArray[np.float64]) -> bool:
    return bool(np.isfinite(matrix).all() and np.linalg.cond(matrix) <= MOST_CONDITION)
