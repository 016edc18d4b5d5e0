"""What the program sees in a raw: the facts of a bug report, in about a second and without a model."""

import platform
from importlib.metadata import version
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from darkdiff_cli.capture import CaptureMetadata
from darkdiff_cli.colour import DAYLIGHT_KELVIN
from darkdiff_cli.raw.corrections import corrected
from darkdiff_cli.raw.defects import without_defects
from darkdiff_cli.raw.frame import RawFrame
from darkdiff_cli.raw.line_noise.lines import is_measured, without_line_noise
from darkdiff_cli.raw.noise import measure_noise
from darkdiff_cli.raw.opening import LIBRAW_VERSION
from darkdiff_cli.raw.ratio import estimated
from darkdiff_cli.raw.reader import read_raw
from darkdiff_cli.raw.report.facts import Colours, Environment, Levels, Measured, RawReport, Sensor, Shot
from darkdiff_cli.raw.resizing import square_size
from darkdiff_cli.raw.settings import ExposureSettings
from darkdiff_cli.raw.white_balance import light_balance

LARGEST_PART = 1024  # photosites, side of the part in which defects and line noise are measured
LARGEST_WHOLE = 6_000_000  # photosites, up to which the ratio is that of a frame corrected as a whole


def environment() -> Environment:
    """The versions that a bug report needs."""
    python, system = platform.python_version(), platform.platform()
    return Environment(version("darkdiff"), LIBRAW_VERSION, version("rawpy"), python, system)


def read_report(path: Path) -> RawReport:
    """Read a raw and say what `enhance` would take it for.

    Raises:
        InputError, MemoryLimitError: as `read_raw`.
    """
    frame = read_raw(path)
    part = frame.middle(LARGEST_PART)
    settings = ExposureSettings()
    clean = without_defects(part, settings)
    even = without_line_noise(clean, settings)
    offsets = clean.light_dn() - even.light_dn()
    defects = int((clean.light_dn() != part.light_dn()).sum())
    if frame.mosaic_dn.size > LARGEST_WHOLE:
        # Seconds are saved: line noise has zero mean, and averages out in the blocks that the ratio is estimated from.
        settings = ExposureSettings(line_noise="off", hot_pixels="auto" if defects else "off")
    used = corrected(frame, settings)
    noise, (ratio, darkness) = measure_noise(frame), estimated(used)
    return RawReport(
        file=str(path),
        bytes=path.stat().st_size,
        shot=_shot(frame.metadata),
        sensor=_sensor(frame, used),
        levels=Levels(
            black=frame.black_level.values,
            pattern=frame.black_level.repeat,
            has_lines=bool(frame.black_level.rows or frame.black_level.columns),
            black_mean=frame.black_level.mean,
            black_source=frame.sources.get("black", "file"),
            white=frame.white_level,
            white_source=frame.sources.get("white", "file"),
        ),
        colours=Colours(
            white_balance=used.white_balance,
            source=used.balance_source,
            daylight=light_balance(frame, DAYLIGHT_KELVIN),
            matrix=frame.sources.get("matrix", "none"),
        ),
        measured=Measured(
            gain=None if noise is None else noise.gain,
            read_noise=None if noise is None else noise.read,
            part=(part.mosaic_dn.shape[1], part.mosaic_dn.shape[0]),
            defects=None if frame.cfa is None else defects,
            row_noise=_spread(offsets, 1) if is_measured(frame) else None,
            column_noise=_spread(offsets, 0) if is_measured(frame) else None,
            ratio=ratio,
        ),
        notes=(*used.notes, *frame.metadata.notes, *(() if darkness is None else (darkness,))),
    )


def _spread(offsets: NDArray[np.float32], axis: int) -> float:
    """Standard deviation of the lines' means, to a thousandth of a DN; (H, W) or (H, W, 3) offsets."""
    plane = offsets.reshape(*offsets.shape[:2], -1)[..., 0]
    return round(float(plane.mean(axis=axis, dtype=np.float64).std()), 3)


def _shot(metadata: CaptureMetadata) -> Shot:
    return Shot(**{**metadata.settings(), "iso": metadata.speed}, has_position=bool(metadata.gps))


def _sensor(frame: RawFrame, used: RawFrame) -> Sensor:
    height, width = square_size(used.mosaic_dn.shape, used.pixel_aspect)
    return Sensor(
        size=frame.mosaic_dn.shape[1::-1],
        crop=frame.camera_crop,
        pixel_aspect=frame.pixel_aspect,
        picture=(width, height) if frame.orientation < 5 else (height, width),
        orientation=frame.orientation,
        colour_filter="none, demosaiced already" if frame.cfa is None else frame.cfa.name,
        bits=max(int(frame.white_level), 1).bit_length(),
        samples=str(frame.mosaic_dn.dtype),
    )
