"""`darkdiff models`: what can be given to --model, and what downloads take up."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from darkdiff_cli.commands.console import say, show, show_json, tell
from darkdiff_cli.errors import SettingsError

if TYPE_CHECKING:
    from darkdiff_cli.model_list import ListedModel

RUNS = Path("runs")  # where `darkdiff train` writes
UNITS = ((1e9, "GB"), (1e6, "MB"), (1e3, "kB"))


def models(
    folders: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="FOLDERS",
            help="Folders to search for your own models, each with two levels of subfolders. Default: runs, where "
            "`darkdiff train` writes.",
            show_default=False,
        ),
    ] = None,
    clear: Annotated[
        bool,
        typer.Option(
            "--clear-cache",
            metavar="",
            help="Remove downloads without asking: DarkDiff models, Stable Diffusion 2.1 and LPIPS weights in the "
            "caches. Your folders and other programs' models stay.",
        ),
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", metavar="", help="Print the list as JSON, sizes in bytes.")
    ] = False,
) -> int:
    """List the models on this machine: bundled, your own, and downloaded ones, with size, default steps and digest.

    The names can be given to --model. A photo's metadata has the digest of its model. Nothing is downloaded.

    Exit code 1: a model cannot be read, and is left out.
    """
    from darkdiff_cli.model_list import clear_cache, list_models

    if clear and folders:
        raise SettingsError("--clear-cache: takes no folders; models in your own folders are never removed.")
    listing = None if clear else list_models(folders or [RUNS] * RUNS.is_dir())
    found = clear_cache() if listing is None else listing.models
    if as_json:
        show_json([asdict(model) for model in found], indent=2)
    elif clear:
        for model in found:
            show(f"{model.path}  {_size(model.size)}")
    else:
        _show(found)
    if clear:
        tell(f"{len(found)} removed, {_size(sum(model.size for model in found))} freed")
    faults = [] if listing is None else listing.faults
    for sentence in faults:
        say(sentence)
    return 1 if faults else 0


def _show(found: "list[ListedModel]") -> None:
    """A line for each model, in columns."""
    rows = [("MODEL", "KIND", "WHERE", "SIZE", "STEPS", "DIGEST", "CARD")]
    for model in found:
        steps = "-" if model.steps is None else str(model.steps)
        rows.append(
            (model.name, model.kind, model.place, _size(model.size), steps, model.digest or "-", model.card or "-")
        )
    widths = [max(len(row[column]) for row in rows) for column in range(6)]
    for *cells, card in rows:
        show("  ".join([*(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)), card]))


def _size(size: int) -> str:
    """A size in bytes, to read."""
    for unit, name in UNITS:
        if size >= unit:
            return f"{size / unit:.1f} {name}"
    return f"{size} bytes"
