"""What the program sees in a raw: the facts of a bug report, in about a second and without a model."""

import platform
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from darkdiff_cli.capture import CaptureMetadata
from darkdiff_cli.colour import DAYLIGHT_KELVIN
from darkdiff_cli.raw.corrections import corrected
from darkdiff_cli.raw.defects import without_defects
from darkdiff_cli.raw.frame import BalanceSource, RawFrame
from darkdiff_cli.raw.line_noise.lines import is_measured, without_line_noise
from darkdiff_cli.raw.noise import measure_noise
from darkdiff_cli.raw.opening import LIBRAW_VERSION
from darkdiff_cli.raw.ratio import estimated
from darkdiff_cli.raw.reader import read_raw
from darkdiff_cli.raw.rendering import square_size
from darkdiff_cli.raw.settings import ExposureSettings
from darkdiff_cli.raw.white_balance import light_balance

LARGEST_PART = 1024  # photosites, side of the part in which defects and line noise are measured
LARGEST_WHOLE = 6_000_000  # photosites, up to which the ratio is that of a frame corrected as a whole


@dataclass(frozen=True)
class Environment:
    """What the program runs on: versions of darkdiff, LibRaw, rawpy and Python, and the system's name."""

    darkdiff: str
    libraw: str
    rawpy: str
    python: str
    platform: str


@dataclass(frozen=True)
class Shot:
    """How the picture was taken, as far as the file says it; the position and serial numbers are left out.

    Attributes:
        make, model, lens: names as the camera writes them.
        exposure_time: seconds.
        aperture: f-number.
        iso: ISO speed.
        focal_length: millimetres.
        date: "YYYY:MM:DD HH:MM:SS".
        has_position: whether the file holds GPS tags.
    """

    make: str | None
    model: str | None
    lens: str | None
    exposure_time: float | None
    aperture: float | None
    iso: int | None
    focal_length: float | None
    date: str | None
    has_position: bool


@dataclass(frozen=True)
class Sensor:
    """What the sensor is.

    Attributes:
        size: width and height in photosites of the visible part, in the sensor's orientation.
        crop: top, left, height and width in photosites of what the camera shows of it; None for all.
        pixel_aspect: width of a photosite in heights.
        picture: width and height in pixels of the networks' picture, upright; half the crop's for most filters.
        orientation: EXIF orientation, 1..8.
        colour_filter: its kind and pattern, "Bayer RGGB" for instance.
        bits: that the white level needs.
        samples: type of the decoded values, "uint16" for instance.
    """

    size: tuple[int, int]
    crop: tuple[int, int, int, int] | None
    pixel_aspect: float
    picture: tuple[int, int]
    orientation: int
    colour_filter: str
    bits: int
    samples: str


@dataclass(frozen=True)
class Levels:
    """Black and white.

    Attributes:
        black: level in DN of each place of the pattern, in reading order.
        pattern: rows and columns of the pattern.
        has_lines: whether single rows or columns have a level of their own (BlackLevelDeltaV, BlackLevelDeltaH).
        black_mean: their mean over the frame in DN, with what rows and columns add.
        black_source: where the black level comes from, in words.
        white: level in DN.
        white_source: where it comes from, in words.
    """

    black: tuple[float, ...]
    pattern: tuple[int, int]
    has_lines: bool
    black_mean: float
    black_source: str
    white: float
    white_source: str


@dataclass(frozen=True)
class Colours:
    """White balance and colour matrix.

    Attributes:
        white_balance: multipliers of red, green, blue, the smallest one 1.
        source: "as shot", "daylight" (by the camera's matrix) or "estimated" (from the picture).
        daylight: multipliers for D65 by the camera's matrix, None without one.
        matrix: where the matrix comes from, in words.
    """

    white_balance: tuple[float, float, float]
    source: BalanceSource
    daylight: tuple[float, float, float] | None
    matrix: str


@dataclass(frozen=True)
class Measured:
    """What the pixels say.

    Attributes:
        gain: DN per electron, None where there is too little to measure it on.
        read_noise: standard deviation in DN where there is no light, None likewise.
        part: width and height in photosites of the middle part in which the following three are measured.
        defects: hot, dead and stuck photosites; None where they are not looked for (raws that are demosaiced already).
        row_noise, column_noise: standard deviation of the offsets of rows and of columns in DN; None of a filter whose
            lines are not measured.
        ratio: amplification ratio that `--ratio auto` takes; above 6 MP one estimated with line noise left in, which
            may differ in the second digit.
    """

    gain: float | None
    read_noise: float | None
    part: tuple[int, int]
    defects: int | None
    row_noise: float | None
    column_noise: float | None
    ratio: float


@dataclass(frozen=True)
class RawReport:
    """What the program sees in a raw.

    Attributes:
        file: the path as it was given.
        bytes: size of the file.
        shot, sensor, levels, colours, measured: the parts.
        notes: sentences, without a full stop: what the file asks for and is not done, or is not believed.
    """

    file: str
    bytes: int
    shot: Shot
    sensor: Sensor
    levels: Levels
    colours: Colours
    measured: Measured
    notes: tuple[str, ...]


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
    height, width = square_size(used.lrgb_shape, used.pixel_aspect)
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
