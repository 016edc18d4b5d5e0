"""What the commands of `bench` share: options, and what they need beyond the program's own dependencies."""

import importlib.util
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

import typer

from darkdiff_cli.commands.aliases import Device, Offline, Quiet, Seed, Tile
from darkdiff_cli.commands.pages import check_page
from darkdiff_cli.errors import SettingsError
from darkdiff_cli.inputs import Inputs

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

    def check(self) -> None:
        """Refuse -o where no folder can be.

        Raises:
            SettingsError: something else has this name.
        """
        if os.path.lexists(self.output) and not self.output.is_dir():
            raise SettingsError(f"-o {self.output}: is no folder; choose another.")


def check_report(report: Path | None, inputs: Iterable[Path | None], scores: bool) -> None:
    """Refuse a report that would replace anything but an earlier one, before anything is scored or timed.

    Args:
        report: the page that --report names, or None.
        inputs: files that the run reads.
        scores: there will be a CSV file too.

    Raises:
        SettingsError: the page or a file beside it may not be written.
    """
    if report is None:
        return
    from darkdiff_cli.evaluation.report.page import beside, is_of_a_report

    check_page(report, is_of_a_report)
    read = Inputs(path for path in inputs if path is not None)
    for path in (report, *beside(report, scores)):
        read.refuse(path, "--report")
        if os.path.lexists(path) and not is_of_a_report(path):
            raise SettingsError(
                f"{path}: would be written beside the report and is none of its files; choose another --report."
            )


def needs_extra() -> None:
    """Say so where the extra is not installed.

    Raises:
        SettingsError: it is not.
    """
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise SettingsError(f"bench needs {', '.join(missing)}: pip install 'darkdiff[bench]'.")
