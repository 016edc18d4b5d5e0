"""The options of `preview` alone: which looks at each raw, and where the sheet goes."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import typer

from darkdiff_cli.commands.aliases import (
    WHITE_BALANCES,
    AsJson,
    Black,
    Crop,
    Dark,
    HotPixels,
    LineNoise,
    Quiet,
    White,
)
from darkdiff_cli.commands.options import (
    DiffusionOptions,
    MachineOptions,
    PictureOptions,
    parse_ratio,
    parse_white_balance,
)
from darkdiff_cli.errors import SettingsError
from darkdiff_cli.formats import FORMATS, KINDS

if TYPE_CHECKING:
    from darkdiff_cli.photo.settings import PhotoSettings
    from darkdiff_cli.preview.shown import PreviewSettings

MOST_IN_LINE = 5  # pictures
BITS = 8  # of each channel of a sheet
SHEETS = {suffix: kind for suffix, kind in FORMATS.items() if BITS in KINDS[kind].bit_depths}
"""Format by suffix."""


@dataclass(frozen=True)
class LookOptions:
    """Which ratios and white balances are shown, where the crop is, and how the raw is developed."""

    panel: ClassVar[str] = "Picture"
    ratio: Annotated[
        list[str] | None,
        typer.Option(
            metavar="RATIO",
            help="An amplification ratio to show beside the automatic one; up to four, each with --ratio. Default: one "
            "and two stops below and above.",
        ),
    ] = None
    wb: Annotated[
        list[str] | None,
        typer.Option(
            metavar="WB",
            help="A white balance to show; up to five, each with --wb. The first is that of the ratios and the crop; a "
            f"second line shows all of them. {WHITE_BALANCES} Default: camera.",
        ),
    ] = None
    at: Annotated[
        str | None,
        typer.Option(
            metavar="X,Y",
            help="Middle of the crop at 1:1 in per cent of the upright picture, from the left and from the top. "
            "Default: where there is most detail.",
        ),
    ] = None
    black: Black = None
    white: White = "auto"
    line_noise: LineNoise = "auto"
    hot_pixels: HotPixels = "auto"
    crop: Crop = "camera"
    dark: Dark = None

    def settings(self, diffusion: DiffusionOptions, machine: MachineOptions) -> "PreviewSettings":
        """What a sheet shows.

        Raises:
            SettingsError: a value makes no sense, or there are too many to stand in a line.
        """
        ratios = tuple(dict.fromkeys(r for text in self.ratio or () if (r := parse_ratio(text)) != "auto"))
        balances = tuple(dict.fromkeys(parse_white_balance(text) for text in self.wb or ("camera",)))
        if len(ratios) >= MOST_IN_LINE:
            raise SettingsError(f"--ratio: {len(ratios)} are too many for a line; give at most {MOST_IN_LINE - 1}.")
        if len(balances) > MOST_IN_LINE:
            raise SettingsError(f"--wb: {len(balances)} are too many for a line; give at most {MOST_IN_LINE}.")
        at = None if self.at is None else _place(self.at)
        development: dict[str, Any] = asdict(self)
        for name in ("ratio", "wb", "at"):
            del development[name]
        exposure = PictureOptions(**development).settings()
        from darkdiff_cli.preview.shown import PreviewSettings

        return PreviewSettings(exposure, diffusion.settings(machine.tile), diffusion.halved, ratios, balances, at)


@dataclass(frozen=True)
class SheetOptions:
    """Where the sheet goes."""

    panel: ClassVar[str] = "Output"
    output: Annotated[
        Path, typer.Option("-o", "--output", help=f"The sheet: a file ({', '.join(SHEETS)}).", show_default=False)
    ]
    overwrite: Annotated[bool, typer.Option("--overwrite", metavar="", help="Replace a sheet that exists.")] = False
    as_json: AsJson = False
    quiet: Quiet = False

    def settings(self) -> "PhotoSettings":
        """How the sheet is written.

        Raises:
            SettingsError: the suffix is no photo's.
        """
        kind = SHEETS.get(self.output.suffix.lower())
        if kind is None:
            raise SettingsError(f"-o {self.output}: a sheet is written as {', '.join(SHEETS)}; choose one of these.")
        from darkdiff_cli.photo.settings import PhotoSettings

        return PhotoSettings(kind, BITS, self.overwrite)


def _place(text: str) -> tuple[float, float]:
    try:
        x, y = (float(word) for word in text.split(","))
    except ValueError:
        x = y = -1.0
    if not (0 <= x <= 100 and 0 <= y <= 100):
        raise SettingsError(f"--at {text}: must be two numbers from 0 to 100, per cent from the left and from the top.")
    return x, y
