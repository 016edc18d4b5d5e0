"""The options that commands share, in groups; each group checks its values and turns into the program's settings."""

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, cast

import typer

from darkdiff_cli.commands.aliases import (
    WHITE_BALANCES,
    AsJson,
    Black,
    Crop,
    Dark,
    Device,
    Guidance,
    HotPixels,
    LineNoise,
    Quiet,
    Seed,
    Steps,
    Tile,
    Views,
    White,
)
from darkdiff_cli.errors import SettingsError
from darkdiff_cli.formats import FORMATS, KINDS, Colour, Compression, Format, check_format

if TYPE_CHECKING:
    from darkdiff_cli.enhancer import EnhanceSettings
    from darkdiff_cli.photo.settings import PhotoSettings
    from darkdiff_cli.raw.settings import ExposureSettings, WhiteBalance
    from darkdiff_models import SamplingSettings

MOST_GAIN = 100.0  # of one colour over another in a white balance


@dataclass(frozen=True)
class PictureOptions:
    """How a raw is developed: a field of the same name in `ExposureSettings` takes each of them."""

    panel: ClassVar[str] = "Picture"
    ratio: Annotated[
        str,
        typer.Option(
            metavar="RATIO",
            help="Amplification ratio, how many times brighter: a number such as 300, or auto to choose 1 to 300 for "
            "each file.",
        ),
    ] = "auto"
    ev: Annotated[
        float,
        typer.Option(
            min=-10,
            max=10,
            metavar="STOPS",
            help="Exposure compensation in stops, on top of the ratio: 1 doubles the light.",
        ),
    ] = 0.0
    black: Black = None
    white: White = "auto"
    wb: Annotated[str, typer.Option(metavar="WB", help=f"White balance. {WHITE_BALANCES}")] = "camera"
    line_noise: LineNoise = "auto"
    hot_pixels: HotPixels = "auto"
    crop: Crop = "camera"
    strength: Annotated[
        float,
        typer.Option(
            min=0,
            max=1,
            metavar="0..1",
            help="How much of the noise goes: 1 all of it, 0.8 leaves a fifth as grain, 0 is the plain rendering.",
        ),
    ] = 1.0
    dark: Dark = None

    def settings(self) -> "ExposureSettings":
        """The settings of developing.

        Raises:
            SettingsError: the ratio or the white balance is none that makes sense, or a dark frame is missing.
        """
        values = asdict(self) | {"ratio": parse_ratio(self.ratio), "dark": _dark(self.dark or ())}
        values["wb"] = parse_white_balance(self.wb)
        from darkdiff_cli.raw.settings import ExposureSettings

        return ExposureSettings(**values)


@dataclass(frozen=True)
class StackOptions:
    """How several raws are taken: each as a photo, or all as frames of one."""

    panel: ClassVar[str] = "Picture"
    stack: Annotated[
        bool,
        typer.Option(
            "--stack",
            metavar="",
            help="Frames of one scene, from a tripod or by hand, become one photo, named after the first: they are "
            "aligned and averaged before the model, and what moved is taken from the first.",
        ),
    ] = False


@dataclass(frozen=True)
class DiffusionOptions:
    """Which model, and how it is sampled: a field of the same name in `SamplingSettings` takes all but the model."""

    panel: ClassVar[str] = "Diffusion"
    model: Annotated[
        str,
        typer.Option(
            metavar="MODEL",
            help="tiny (bundled), a folder, or a Hugging Face id; `darkdiff models` lists what is here.",
        ),
    ] = "tiny"
    guidance: Guidance = None
    steps: Steps = None
    sampler: Annotated[
        Literal["ddim", "dpm++"] | None, typer.Option(help="Sampler of the diffusion. Default: the model's.")
    ] = None
    views: Views = None
    seed: Seed = 0
    size: Annotated[
        Literal["full", "half"] | None,
        typer.Option(
            help="full: the sensor's width and height. half: half of both, as in the paper. Default: full where the "
            "model can."
        ),
    ] = None

    def settings(self, tile: int | None) -> "SamplingSettings":
        """The settings of the diffusion, on tiles of a side in latents."""
        values = asdict(self) | {"tile": tile}
        del values["model"]
        from darkdiff_models import SamplingSettings

        return SamplingSettings(**values)


@dataclass(frozen=True)
class MachineOptions:
    """Where the networks run, and in how much memory; the picture is the same within rounding and tiling."""

    panel: ClassVar[str] = "Machine"
    device: Device = "auto"
    tile: Tile = None


@dataclass(frozen=True)
class OutputOptions:
    """Where photos go and how they are written."""

    panel: ClassVar[str] = "Output"
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="A file (for one input) or a folder. Default: beside each input."),
    ] = None
    format: Annotated[
        Format | None, typer.Option(help="File format of the photos. Default: by the suffix of -o, else jpeg.")
    ] = None
    bit_depth: Annotated[
        int | None,
        typer.Option(
            metavar="8|16|32",
            help="Bits of each channel. tiff: 16, 8, or 32 (floats of linear light). png: 16 or 8. exr: 16 or 32 "
            "(floats). Default: the first.",
        ),
    ] = None
    colour: Annotated[
        Colour,
        typer.Option(help="Colour space of the photos, with its ICC profile. jxl has srgb alone, dng the camera's."),
    ] = "srgb"
    compression: Annotated[
        Compression | None,
        typer.Option(
            help="Of a dng alone. lossy: a quarter of the size, in JPEG XL, for readers of DNG 1.7 such as Lightroom. "
            "Default: lossless."
        ),
    ] = None
    overwrite: Annotated[bool, typer.Option("--overwrite", metavar="", help="Replace photos that exist.")] = False
    no_gps: Annotated[
        bool,
        typer.Option(
            "--no-gps",
            metavar="",
            help="Leave out where the photo was taken: GPS, names of places, and maker notes, which may repeat them.",
        ),
    ] = False
    as_json: AsJson = False
    quiet: Quiet = False

    def kind(self) -> Format:
        """The format that --format or the suffix of -o names, JPEG by default.

        Raises:
            SettingsError: they name different ones, or the suffix is no photo's.
        """
        check_suffix(self.output)
        one_file = self.output is not None and not os.path.isdir(self.output)
        named = FORMATS.get(self.output.suffix.lower()) if self.output is not None and one_file else None
        if self.format is not None and named is not None and self.format != named:
            raise SettingsError(f"-o names a {named} file, but --format says {self.format}; drop one of them.")
        return self.format or named or "jpeg"

    def settings(self) -> "PhotoSettings":
        """The settings of writing.

        Raises:
            SettingsError: the format does not go with the suffix, the bit depth, the colour space or the compression,
                or a package is missing.
        """
        kind = self.kind()
        bit_depth = KINDS[kind].bit_depths[0] if self.bit_depth is None else self.bit_depth
        check_format(kind, bit_depth, self.colour, self.compression)
        from darkdiff_cli.photo.settings import PhotoSettings

        return PhotoSettings(kind, bit_depth, self.overwrite, not self.no_gps, self.colour, self.compression)


def check_suffix(output: Path | None) -> None:
    """Refuse -o with the suffix of another kind of file, which else became a folder of that name.

    A folder that exists may be called anything, and one that does not may end in a number (2024.05.01).

    Raises:
        SettingsError: the suffix is no photo's.
    """
    suffix = output.suffix.lower() if output is not None else ""
    if output is None or os.path.isdir(output) or suffix in FORMATS or not any(letter.isalpha() for letter in suffix):
        return
    raise SettingsError(
        f"-o {output}: photos are written as {', '.join(FORMATS)}; choose one of these, or make the folder first if "
        "you mean one."
    )


def enhance_settings(
    picture: PictureOptions, diffusion: DiffusionOptions, output: OutputOptions, machine: MachineOptions
) -> "EnhanceSettings":
    """Everything that decides a photo.

    Raises:
        SettingsError: a value makes no sense, alone or beside another.
    """
    exposure, photo = picture.settings(), output.settings()  # a wrong value is refused before torch is loaded
    from darkdiff_cli.enhancer import EnhanceSettings

    return EnhanceSettings(exposure, diffusion.settings(machine.tile), photo)


def _dark(paths: Sequence[Path]) -> tuple[Path, ...]:
    for path in paths:
        if not path.is_file():
            raise SettingsError(f"--dark {path}: no such file; check the path.")
    return tuple(paths)


def parse_ratio(text: str) -> float | Literal["auto"]:
    """A value of --ratio.

    Raises:
        SettingsError: it is neither auto nor a number above 0 and at most 10000.
    """
    if text == "auto":
        return "auto"
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value <= 10_000:
        raise SettingsError(f"--ratio {text}: must be auto, or a number above 0 and at most 10000.")
    return value


def parse_white_balance(text: str) -> "WhiteBalance":
    """A value of --wb.

    Raises:
        SettingsError: it is no white balance, or no colour temperature in range.
    """
    from darkdiff_cli.colour import COLDEST_LIGHT, WARMEST_LIGHT

    if text in ("camera", "auto", "daylight", "tungsten"):
        return cast(Literal["camera", "auto", "daylight", "tungsten"], text)
    try:
        numbers = [float(word) for word in text.split(",")]
    except ValueError:
        numbers = []
    match numbers:
        case [kelvin] if WARMEST_LIGHT <= kelvin <= COLDEST_LIGHT:
            return kelvin
        case [red, green, blue] if min(numbers) > 0 and max(numbers) <= MOST_GAIN * min(numbers):
            return red, green, blue
    raise SettingsError(
        f"--wb {text}: must be camera, auto, daylight, tungsten, kelvin from {WARMEST_LIGHT:g} to {COLDEST_LIGHT:g}, "
        "or three multipliers above 0 such as 2,1,1.5."
    )
