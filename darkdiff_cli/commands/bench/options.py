"""What the commands of `bench` share: options, and what they need beyond the program's own dependencies."""

import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

import typer

from darkdiff_cli.commands.aliases import Device, Offline, Quiet, Seed, Tile
from darkdiff_cli.errors import SettingsError

NEEDED = ("skimage",)

PublishedFile = Annotated[
    Path | None,
    typer.Option(help="CSV file of published scores, shown beside the measured ones.", rich_help_panel="Output"),
]


@dataclass(frozen=True)
class ScoringOptions:
    """How pictures are made and scored, and where the scores go."""

    panel: ClassVar[str] = "Scores"
    lpips: Annotated[
        Path | None,
        typer.Option(help="LPIPS AlexNet weights (safetensors). Default: the public ones, downloaded once."),
    ] = None
    lpips_vgg: Annotated[
        Path | None, typer.Option(help="LPIPS VGG-16 weights (safetensors), for a second LPIPS score and for KID.")
    ] = None
    output: Annotated[
        Path,
        typer.Option(
            "-o",
            "--output",
            help="Folder of scores and pictures; what an earlier run scored there is not scored again.",
            rich_help_panel="Output",
        ),
    ] = Path("bench")
    quiet: Quiet = False
    seed: Seed = 0
    device: Device = "auto"
    tile: Tile = None
    offline: Offline = False


def needs_extra() -> None:
    """Say so where the extra is not installed.

    Raises:
        SettingsError: it is not.
    """
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise SettingsError(f"bench needs {', '.join(missing)}: pip install 'darkdiff[bench]'.")
