"""From a raw file to a corrected frame and its amplification ratio, for every command."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from darkdiff_cli.errors import InputError
from darkdiff_cli.raw.corrections import OF_THE_PICTURE, OF_THE_SENSOR, corrected
from darkdiff_cli.raw.frame import RawFrame
from darkdiff_cli.raw.noise import NO_NOISE, MeasuredNoise, measure_noise
from darkdiff_cli.raw.ratio import estimated
from darkdiff_cli.raw.reader import read_raw
from darkdiff_cli.raw.settings import ExposureSettings, WhiteBalance


@dataclass(frozen=True)
class Exposure:
    """A frame and how much it has to be amplified.

    Attributes:
        frame: the corrected frame.
        ratio: amplification ratio, exposure compensation included.
        frames: how many frames it is the mean of.
        seconds: exposure time of all of them together; None where one is unknown.
        known_noise: of the frame, where it is known better than by a measurement on it: of a stack, of a part.
        noise_share: (H, W) how many times that variance there is at each photosite, where it differs over the frame.
    """

    frame: RawFrame
    ratio: float
    frames: int = 1
    seconds: float | None = None
    known_noise: MeasuredNoise | None = None
    noise_share: NDArray[np.float32] | None = None

    @cached_property
    def noise(self) -> MeasuredNoise:
        """Of the frame, measured once unless it is known; none where it cannot be measured."""
        return self.known_noise or measure_noise(self.frame) or NO_NOISE


def read_exposure(path: Path, settings: ExposureSettings) -> Exposure:
    """Read a raw, correct it, and choose its amplification ratio where none is given.

    Args:
        path: raw file.
        settings: corrections, ratio, and exposure compensation.

    Raises:
        InputError, MemoryLimitError: as `read_raw`.
    """
    [exposure] = read_exposures(path, settings, (settings.wb,))
    if isinstance(exposure, InputError):
        raise exposure
    return exposure


def read_exposures(
    path: Path, settings: ExposureSettings, balances: Sequence[WhiteBalance]
) -> tuple[Exposure | InputError, ...]:
    """Read and correct a raw once for several white balances; each result is that of `read_exposure`.

    Args:
        path: raw file.
        settings: as in `read_exposure`; its white balance does not count.
        balances: the white balances; the estimated ratio depends on them a little.

    Returns:
        An exposure for each, and an error in the place of a white balance that cannot be had.

    Raises:
        InputError, MemoryLimitError: as `read_raw`.
    """
    frame = corrected(read_raw(path, settings.black), settings, OF_THE_SENSOR)
    seconds = frame.metadata.exposure_time

    def balanced(balance: WhiteBalance) -> Exposure | InputError:
        chosen = replace(settings, wb=balance)
        try:
            return exposed(corrected(frame, chosen, OF_THE_PICTURE), chosen, 1, seconds)
        except InputError as error:
            return error

    return tuple(balanced(balance) for balance in balances)


def exposed(frame: RawFrame, settings: ExposureSettings, frames: int, seconds: float | None) -> Exposure:
    """A corrected frame with its amplification ratio, chosen where none is given, and the white level of the settings.

    Args:
        frame: corrected.
        settings: ratio, exposure compensation and saturation.
        frames, seconds: as in `Exposure`.
    """
    if settings.saturation is not None:
        frame = replace(frame, white_level=frame.black_level.mean + settings.saturation)
    if settings.ratio == "auto":
        ratio, darkness = estimated(frame)
        frame = frame if darkness is None else replace(frame, notes=(*frame.notes, darkness))
    else:
        ratio = settings.ratio
    return Exposure(frame, ratio * 2.0**settings.ev, frames, seconds)
