"""White balance: as shot, of a named light through the camera's matrix, or estimated from the picture."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from darkdiff_cli.colour import DAYLIGHT_KELVIN, TUNGSTEN_KELVIN, XYZ_FROM_SRGB, CameraColours, illuminant_xyz
from darkdiff_cli.errors import InputError
from darkdiff_cli.raw.develop import develop
from darkdiff_cli.raw.dng_tags import DngTags
from darkdiff_cli.raw.frame import RawFrame
from darkdiff_cli.raw.settings import ExposureSettings

PRESETS = {"daylight": DAYLIGHT_KELVIN, "tungsten": TUNGSTEN_KELVIN}

# Tags of a DNG: CalibrationIlluminant, ColorMatrix, CameraCalibration of its two lights, and AnalogBalance.
DNG_LIGHTS = ((50778, 50721, 50723), (50779, 50722, 50724))
ANALOG_BALANCE = 50727
LARGEST = 1e6  # number in them; larger ones are damage
EXIF_LIGHTS = {
    1: 5500.0, 3: 2850.0, 4: 5500.0, 9: 5500.0, 10: 6500.0, 11: 7500.0, 17: 2856.0, 18: 4874.0, 19: 6774.0, 20: 5503.0,
    21: 6504.0, 22: 7504.0, 23: 5003.0, 24: 3200.0,
}  # fmt: skip
"""Kelvin of EXIF's LightSource, as far as it names a phase of daylight or a glowing body."""

TYPICAL_DAYLIGHT = (2.37, 1.0, 1.33)  # geometric mean of seven cameras' multipliers for D65
BLOCKS = 48  # blocks along the longer side
MIN_BLOCKS = 8  # with fewer lit blocks the picture tells nothing about its light
FLOOR_SIGMA, FLOOR = 4.0, 0.5 / 4095  # a lit block stands above noise, and above an error of the black level
CLIPPED, CLIPPED_SHARE = 0.95, 0.01  # level of a clipped pixel, and how many of a block's may be clipped
SHADES_POWER, EDGE_POWER = 12, 2
LAMPS = np.array([-0.6, 0.8])  # direction in which log red, log blue multipliers change from daylight to lamps
TINT = np.array([0.8, 0.6])  # from magenta to green, where few lights stand
TRUST_LAMPS, TRUST_TINT = 0.85, 0.3  # shares of the estimate that are believed along both (docs/make_white_balance.py)
COOLEST, WARMEST, MOST_TINT = -0.4, 1.3, 0.15  # bounds along both; the second is candle light


def white_balanced(frame: RawFrame, settings: ExposureSettings) -> RawFrame:
    """Choose the white balance of a frame.

    "camera" keeps what the reader found, the balance as shot or daylight; a frame with neither gets "auto". A
    monochrome sensor has none.

    Raises:
        InputError: a light is asked for by its name or temperature, and nobody knows the camera's colours.
    """
    wanted = settings.wb
    grey = frame.cfa is not None and frame.cfa.is_monochrome
    if grey or (wanted == "camera" and frame.balance_source != "none"):
        return frame
    if wanted in ("camera", "auto"):
        notes = frame.notes
        if wanted == "camera":
            notes += ("no white balance is known, so it is estimated from the picture; set one if its colours are off",)
        return replace(frame, white_balance=estimated_balance(frame), balance_source="estimated", notes=notes)
    if isinstance(wanted, tuple):
        return replace(frame, white_balance=_smallest_one(np.array(wanted)), balance_source="given")
    kelvin = PRESETS[wanted] if isinstance(wanted, str) else wanted
    balance = light_balance(frame, kelvin)
    if balance is None:
        name = wanted if isinstance(wanted, str) else f"{wanted:g}"
        raise InputError(
            f"{frame.path or 'the frame'}: --wb {name} needs a colour matrix, and neither the file nor LibRaw "
            "has one for this camera; give --wb auto or three multipliers such as 2,1,1.5."
        )
    return replace(frame, white_balance=balance, balance_source="given")


def light_balance(frame: RawFrame, kelvin: float) -> tuple[float, float, float] | None:
    """The multipliers that make the light of a colour temperature neutral, the smallest one 1.

    A DNG with matrices for two lights gives one between them, by the inverse of the temperature (DNG 1.7, chapter 6).

    Args:
        frame: any frame.
        kelvin: 1667 to 25000.

    Returns:
        Red, green, blue; None where the camera's colours are unknown, or its matrix gives no light at all.
    """
    unusable = frame.sources.get("matrix") in ("LibRaw", "none")  # the reader has looked at it
    matrix = None if frame.dng is None or unusable else _dng_matrix(frame.dng, kelvin)
    if matrix is None:
        if frame.srgb_from_camera is None or frame.daylight is None:
            return None
        # The frame's matrix takes D65 for (1, 1, 1); the daylight multipliers say what the sensor sees of it.
        camera_from_xyz = np.linalg.inv(XYZ_FROM_SRGB @ frame.srgb_from_camera)
        matrix = camera_from_xyz / np.array(frame.daylight)[:, None]
    seen = matrix @ illuminant_xyz(kelvin)
    return _smallest_one(1 / seen) if np.all(np.isfinite(seen)) and seen.min() > 1e-6 else None


def camera_colours(frame: RawFrame) -> CameraColours:
    """How the frame's camera sees colours; one that nobody knows sees sRGB, and took its picture in daylight."""
    dng, balance = frame.dng or DngTags(), frame.white_balance
    if frame.srgb_from_camera is None:
        return CameraColours(white_balance=balance, daylight=balance, dng_tags=dng.camera_name())
    daylight = light_balance(frame, DAYLIGHT_KELVIN) or balance
    own = dng.colours() if frame.sources.get("matrix") == "file" else {}
    return CameraColours(frame.srgb_from_camera, balance, daylight, {**dng.camera_name(), **own})


def _dng_matrix(dng: DngTags, kelvin: float) -> NDArray[np.float64] | None:
    """(3, 3) XYZ to camera of a DNG: its only one, or between those of its two lights; None where it has none."""
    analog = _sound(dng, ANALOG_BALANCE, 3)
    found: list[tuple[float | None, NDArray[np.float64]]] = []
    for illuminant, matrix, calibration in DNG_LIGHTS:
        values, own = _sound(dng, matrix, 9), _sound(dng, calibration, 9)
        if values is not None:
            camera = values.reshape(3, 3) if own is None else own.reshape(3, 3) @ values.reshape(3, 3)
            camera = camera if analog is None else analog[:, None] * camera
            found.append((EXIF_LIGHTS.get(dng.integers(illuminant, (0,))[0]), camera))
    match found:
        case [(float(first), one), (float(second), other)] if first != second:
            share = (1 / kelvin - 1 / second) / (1 / first - 1 / second)
            return other + min(max(share, 0.0), 1.0) * (one - other)
    return found[-1][1] if found else None  # the second one is the one for daylight


def _sound(dng: DngTags, code: int, size: int) -> NDArray[np.float64] | None:
    """The numbers of a tag; None where there are fewer or more of them, or one is endless or of absurd size."""
    values = dng.numbers(code)
    return values if values.size == size and (np.abs(values) <= LARGEST).all() else None


def estimated_balance(frame: RawFrame) -> tuple[float, float, float]:
    """Estimate the light's colour from the picture.

    The mean of shades of grey (Finlayson and Trezzi 2004) and grey edge (van de Weijer et al. 2007), both on the means
    of small blocks, in which noise of zero mean averages out; only blocks count that are lit and not clipped. The
    estimate is drawn towards daylight of the camera, or of a typical one: a little between daylight and lamps, much
    more between green and magenta, where few lights stand and a meadow or a wall would tint the picture.

    Returns:
        Multipliers of red, green, blue, the smallest one 1; daylight's where too little is lit.
    """
    plain = replace(frame, white_balance=(1.0, 1.0, 1.0))
    blocks = _lit_blocks(develop(plain, 1.0, "camera").pixels)
    daylight = np.log(np.array(light_balance(frame, DAYLIGHT_KELVIN) or TYPICAL_DAYLIGHT))
    if np.isfinite(blocks).all(axis=-1).sum() < MIN_BLOCKS:
        return _smallest_one(np.exp(daylight))
    greys = [_shades_of_grey(blocks), _grey_edge(blocks)]
    logs = -np.mean([np.log(grey / grey[1]) for grey in greys], axis=0) - (daylight - daylight[1])
    change = logs[[0, 2]]
    lamps = min(max(TRUST_LAMPS * float(change @ LAMPS), COOLEST), WARMEST)
    tint = min(max(TRUST_TINT * float(change @ TINT), -MOST_TINT), MOST_TINT)
    red, blue = lamps * LAMPS + tint * TINT
    return _smallest_one(np.exp(daylight + np.array([red, 0.0, blue])))


def _lit_blocks(pixels: NDArray[np.float32]) -> NDArray[np.float64]:
    """(h, w, 3) linear light, saturation 1 -> (rows, columns, 3) means of blocks, NaN where dark or clipped."""
    size = max(1, int(np.ceil(max(pixels.shape[:2]) / BLOCKS)))
    rows, columns = (max(1, n // size) for n in pixels.shape[:2])
    whole = pixels[: rows * size, : columns * size]
    tiles = whole.reshape(rows, whole.shape[0] // rows, columns, whole.shape[1] // columns, 3)
    means = tiles.mean(axis=(1, 3), dtype=np.float64)
    # Half the difference between the two colours of a checkerboard has the noise of the mean, and none of the picture.
    signs = np.indices((tiles.shape[1], tiles.shape[3])).sum(axis=0) % 2 * 2.0 - 1.0
    halves = np.einsum("rycxk,yx->rck", tiles, (signs - signs.mean()).astype(np.float32)) / signs.size
    dark = means[..., 1] <= np.median(means[..., 1])
    sigma = 1.4826 * np.median(np.abs(halves[dark]), axis=0)
    clipped = (tiles > CLIPPED).any(axis=-1).mean(axis=(1, 3)) > CLIPPED_SHARE
    lit = (means > np.maximum(FLOOR_SIGMA * sigma, FLOOR)).all(axis=-1) & ~clipped
    return np.where(lit[..., None], means, np.nan)


def _shades_of_grey(blocks: NDArray[np.float64]) -> NDArray[np.float64]:
    """(3,) Minkowski mean of the lit blocks: between the grey world and the brightest block."""
    lit = blocks[np.isfinite(blocks).all(axis=-1)]
    peak = lit.max(axis=0)
    return np.asarray(peak * ((lit / peak) ** SHADES_POWER).mean(axis=0) ** (1 / SHADES_POWER))


def _grey_edge(blocks: NDArray[np.float64]) -> NDArray[np.float64]:
    """(3,) Minkowski mean of the steps between neighbouring lit blocks; `_shades_of_grey` where there are too few."""
    steps = np.concatenate([np.abs(np.diff(blocks, axis=axis)).reshape(-1, 3) for axis in (0, 1)])
    steps = steps[np.isfinite(steps).all(axis=-1)]
    if len(steps) < MIN_BLOCKS or steps.max(axis=0).min() == 0:
        return _shades_of_grey(blocks)
    return np.asarray((steps**EDGE_POWER).mean(axis=0) ** (1 / EDGE_POWER))


def _smallest_one(multipliers: NDArray[np.float64]) -> tuple[float, float, float]:
    red, green, blue = (float(value) for value in multipliers / multipliers.min())
    return red, green, blue
