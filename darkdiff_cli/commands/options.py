"""The options that commands share, in groups; each group checks its values and turns into the program's settings."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, cast

import typer

from darkdiff_cli.commands.aliases import (
    WHITE_BALANCES,
    Black,
    Compile,
    Crop,
    Dark,
    Device,
    Guidance,
    HotPixels,
    LineNoise,
    Offline,
    Seed,
    Steps,
    Tile,
    Views,
    White,
)
from darkdiff_cli.commands.output_options import OutputOptions
from darkdiff_cli.errors import SettingsError
from darkdiff_cli.files import why_missing

if TYPE_CHECKING:
    from darkdiff_cli.enhancer import EnhanceSettings
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
            help="tiny (bundled), a folder, or a Hugging Face id, which may end in @revision; `darkdiff models` lists "
            "what is here.",
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
        Literal["full", "half", "paper"] | None,
        typer.Option(
            help="full: the sensor's width and height. half: half of both, the full size averaged. paper: half of both "
            "too (of quad Bayer a quarter), by the paper's networks alone. Default: full where the model can."
        ),
    ] = None

    @property
    def halved(self) -> bool:
        """Whether a picture of full size is halved once it is finished."""
        return self.size == "half"

    def settings(self, tile: int | None) -> "SamplingSettings":
        """The settings of the diffusion, on tiles of a side in latents."""
        values = asdict(self) | {"tile": tile, "size": None if self.halved else self.size}
        del values["model"]
        from darkdiff_models import SamplingSettings

        return SamplingSettings(**values)


@dataclass(frozen=True)
class MachineOptions:
    """Where the networks run, and in how much memory; the picture is the same within rounding and tiling."""

    panel: ClassVar[str] = "Machine"
    device: Device = "auto"
    tile: Tile = None
    offline: Offline = False


@dataclass(frozen=True)
class PhotoMachineOptions(MachineOptions):
    """The same for finished photos, of which there may be many."""

    compile: Compile = "off"


def enhance_settings(
    picture: PictureOptions, diffusion: DiffusionOptions, output: OutputOptions, machine: MachineOptions
) -> "EnhanceSettings":
    """Everything that decides a photo.

    Raises:
        SettingsError: a value makes no sense, alone or beside another.
    """
    exposure, photo = picture.settings(), output.settings()  # a wrong value is refused before torch is loaded
    from darkdiff_cli.enhancer import EnhanceSettings

    return EnhanceSettings(exposure, diffusion.settings(machine.tile), photo, diffusion.halved)


def _dark(paths: Sequence[Path]) -> tuple[Path, ...]:
    for path in paths:
        if not path.exists():
            raise SettingsError(f"--dark {path}: {why_missing(path)}.")
        if not path.is_file():
            kind = "a folder" if path.is_dir() else "a device or a pipe, and no file"
            raise SettingsError(f"--dark {path}: is {kind}; give a raw file.")
    return tuple(paths)


def parse_ratio(text: str) -> float | Literal["auto"]:
    """A value of --ratio.

    Raises:
        SettingsError: it is neither auto nor a number from 0.01 to 10000.
    """
    if text == "auto":
        return "auto"
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0.01 <= value <= 10_000:
        raise SettingsError(f"--ratio {text}: must be auto, or a number from 0.01 to 10000.")
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
