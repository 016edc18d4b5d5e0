"""What a report on a raw consists of."""

from dataclasses import dataclass

from darkdiff_cli.raw.frame import BalanceSource


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
        picture: width and height in pixels of a photo of full size, upright.
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
