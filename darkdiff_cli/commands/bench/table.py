"""`darkdiff bench table N`: the paper's tables, with the models that somebody trained for them."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from darkdiff_cli.commands.aliases import Steps
from darkdiff_cli.commands.bench.lineup import Lineup, Sweep
from darkdiff_cli.commands.bench.options import PublishedFile, ScoringOptions, needs_extra
from darkdiff_cli.commands.bench.quality import score
from darkdiff_cli.commands.console import say, show
from darkdiff_cli.errors import SettingsError
from darkdiff_models.sampling_settings import MAX_GUIDANCE

PANEL = "What is scored"


def table(
    number: Annotated[
        int, typer.Argument(metavar="NUMBER", help="Number of the paper's table, 1 to 6.", show_default=False)
    ],
    *,
    runs: Annotated[
        Path,
        typer.Option(
            help="Folder of the trained models, a run for each row of the table in a folder of its name.",
            rich_help_panel=PANEL,
        ),
    ] = Path("runs"),
    data: Annotated[
        str | None,
        typer.Option(
            metavar="KIND:DIR",
            help="sid:DIR, eld:DIR or lrd:DIR. Default: only say which models are needed.",
            rich_help_panel=PANEL,
        ),
    ] = None,
    steps: Steps = None,
    guidance: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=MAX_GUIDANCE,
            metavar="SCALE",
            help="Guidance scale. Default: the paper's for the data set.",
            rich_help_panel="Diffusion",
        ),
    ] = None,
    scoring: ScoringOptions,
    published: PublishedFile = None,
) -> int:
    """Score the rows of one of the paper's tables. Without --data: say which models it needs.

    Exit code 1: with --data, a model is missing or a pair could not be scored.
    """
    needs_extra()
    from darkdiff_cli.evaluation.protocols.published import read_published
    from darkdiff_cli.evaluation.protocols.tables import get_table
    from darkdiff_cli.evaluation.report.lines import as_lines
    from darkdiff_cli.evaluation.report.quality_tables import published_table, quality_table

    preset = get_table(number)
    others = read_published(published) if published is not None else []
    show(f"Table {preset.number}: {preset.title}; guidance {preset.guidance:g}; {', '.join(preset.protocols)}")
    if data is None:
        show(*as_lines(published_table(preset.published)))
        show(*preset.needs(runs))
        return 0
    if not data.startswith(f"{preset.kind}:"):
        raise SettingsError(f"--data {data}: table {number} is scored on {preset.kind}:DIR.")
    found = {v.name: preset.checkpoint(v, runs) for v in preset.variants if preset.checkpoint(v, runs).is_dir()}
    if not found:
        raise SettingsError(f"--runs {runs}: holds none of the table's models; without --data it names them.")
    sweep = Sweep((steps,), (preset.guidance if guidance is None else guidance,))
    rows = {variant.name: variant.row for variant in preset.variants}
    lineup = Lineup([str(path) for path in found.values()], [rows[name] for name in found], sweep=sweep)
    failures, notes = list[str](), list[str]()
    for protocol in preset.protocols:
        results = score(data, protocol, lineup, replace(scoring, output=scoring.output / protocol))
        results.published = [*(other for other in others if other.protocol == protocol), *preset.published]
        show("", results.protocol, *as_lines(quality_table(results)))
        failures += results.failures
        notes += results.notes
    missing = [line for line in preset.needs(runs) if line.startswith("missing")]
    for line in [*dict.fromkeys(notes), *failures, *missing]:
        say(line)
    return 1 if failures or missing else 0
