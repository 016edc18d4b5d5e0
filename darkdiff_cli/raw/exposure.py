"""From a raw file to a corrected frame and its amplification ratio, for every command."""

from dataclasses import dataclass, replace
from pathlib import Path

from darkdiff_cli.raw.corrections import corrected
from darkdiff_cli.raw.frame import RawFrame
from darkdiff_cli.raw.ratio import estimate_ratio
from darkdiff_cli.raw.reader import read_raw
from darkdiff_cli.raw.settings import ExposureSettings


@dataclass(frozen=True)
class Exposure:
    """A frame and how much it has to be amplified.

    Attributes:
        frame: the corrected frame.
        ratio: amplification ratio, exposure compensation included.
    """

    frame: RawFrame
    ratio: float


def read_exposure(path: Path, settings: ExposureSettings) -> Exposure:
    """Read a raw, correct it, and choose its amplification ratio where none is given.

    Args:
        path: raw file.
        settings: corrections, ratio, and exposure compensation.

    Raises:
        InputError, MemoryLimitError: as `read_raw`.
    """
    frame = corrected(read_raw(path, settings.black), settings)
    if settings.saturation is not None:
        frame = replace(frame, white_level=frame.black_level.mean + settings.saturation)
    ratio = estimate_ratio(frame) if settings.ratio == "auto" else settings.ratio
    return Exposure(frame, ratio * 2.0**settings.ev)
