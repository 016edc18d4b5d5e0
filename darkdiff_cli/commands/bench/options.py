"""What the commands of `bench` share: options, and what they need beyond the program's own dependencies."""

import importlib.util
from pathlib import Path
from typing import Annotated

import typer

from darkdiff_cli.errors import SettingsError

NEEDED = ("skimage", "jinja2")

Seed = Annotated[int, typer.Option(min=0, help="Seed of the noise.")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N or mps.")]
Output = Annotated[Path, typer.Option("-o", "--output", help="Folder of scores and pictures, gone on from.")]
Lpips = Annotated[Path | None, typer.Option(help="LPIPS AlexNet weights; else downloaded once.")]
LpipsVgg = Annotated[Path | None, typer.Option(help="LPIPS VGG weights, for a second LPIPS.")]
PublishedFile = Annotated[Path | None, typer.Option(help="CSV of published scores, shown beside ours.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the results as JSON.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="No progress.")]


def needs_extra() -> None:
    """Say so where the extra is not installed.

    Raises:
        SettingsError: it is not.
    """
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise SettingsError(f"bench needs {', '.join(missing)}: pip install 'darkdiff[bench]'.")
