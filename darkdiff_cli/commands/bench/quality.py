"""`darkdiff bench quality` and `protocols`: models and baselines side by side, by named protocols."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from darkdiff_cli.commands.aliases import AsJson
from darkdiff_cli.commands.bench.lineup import Lineup
from darkdiff_cli.commands.bench.methods import MethodOptions, SweepOptions
from darkdiff_cli.commands.bench.options import PublishedFile, ScoringOptions, check_report, needs_extra
from darkdiff_cli.commands.console import say, show, show_json
from darkdiff_cli.commands.progress import counted_progress
from darkdiff_cli.decoder import Decoder
from darkdiff_cli.errors import SettingsError
from darkdiff_cli.files import output_error
from darkdiff_cli.weights import lpips_file

if TYPE_CHECKING:
    from darkdiff_cli.evaluation.quality.run import Results


def protocols() -> int:
    """List the protocols with all of their fields."""
    from darkdiff_cli.evaluation.protocols.protocol import PROTOCOLS

    for protocol in PROTOCOLS.values():
        show(protocol.describe())
    return 0


def quality(
    methods: MethodOptions,
    sweep: SweepOptions,
    scoring: ScoringOptions,
    report: Annotated[
        Path | None,
        typer.Option(
            help="Write an HTML report to this file, and JSON and CSV files beside it.", rich_help_panel="Output"
        ),
    ] = None,
    published: PublishedFile = None,
    as_json: AsJson = False,
) -> int:
    """Score models and baselines side by side on a set of pairs, by a named protocol.

    Exit code 1: a pair could not be scored.
    """
    needs_extra()
    check_report(report, (published, scoring.lpips, scoring.lpips_vgg), scores=True)
    lineup = methods.lineup(sweep.sweep())
    from darkdiff_cli.evaluation.protocols.published import read_published
    from darkdiff_cli.evaluation.report.lines import as_lines
    from darkdiff_cli.evaluation.report.page import as_json as found_json
    from darkdiff_cli.evaluation.report.page import write_report
    from darkdiff_cli.evaluation.report.quality_tables import comparison_lines, quality_table

    others = read_published(published) if published is not None else []
    results = score(methods.data, methods.protocol, lineup, scoring)
    results.published = [other for other in others if other.protocol == methods.protocol]
    if report is not None:
        write_report(report, results, None, scoring.output)
    if as_json:
        show_json(found_json(results, None), indent=2)
    else:
        show(results.protocol, *as_lines(quality_table(results)), "", *comparison_lines(results))
        if report is not None:
            show(report)
    for sentence in [*results.notes, *results.failures]:
        say(sentence)
    return 1 if results.failures else 0


def score(data: str, protocol: str, lineup: Lineup, scoring: ScoringOptions) -> "Results":
    """Score methods on a set of pairs.

    Args:
        data: KIND:DIR.
        protocol: its name.
        lineup: the methods.
        scoring: how, and where the scores go.

    Raises:
        DarkdiffError: the options, the data or the weights do not fit.
    """
    from darkdiff_cli.evaluation.protocols.protocol import get_protocol
    from darkdiff_cli.evaluation.protocols.scenes import left_out
    from darkdiff_cli.evaluation.quality.metrics import Judge, load_lpips
    from darkdiff_cli.evaluation.quality.run import run_quality

    scoring.check()
    chosen = get_protocol(protocol)
    kind, _, folder = data.partition(":")
    if kind != chosen.kind or not folder:
        raise SettingsError(f"--data {data}: protocol {protocol} scores {chosen.kind}:DIR.")
    pairs = chosen.find(Path(folder))
    methods = lineup.methods(chosen, scoring.seed, scoring.device, scoring.tile, [pair.noisy for pair in pairs])
    try:
        judge = Judge(chosen, *load_lpips(_alex(scoring.lpips), scoring.lpips_vgg))
    except (FileNotFoundError, KeyError, ValueError) as error:
        raise SettingsError(f"LPIPS weights: {error}; give them with --lpips FILE.safetensors.") from error
    try:
        scoring.output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise output_error(scoring.output, error) from error
    with (
        counted_progress("quality", scoring.quiet) as report,
        Decoder(module="darkdiff_cli.evaluation.quality.files") as decoder,
    ):
        results = run_quality(pairs, methods, judge, scoring.output, report, decoder)
    results.left_out = left_out(Path(folder), pairs) if kind == "scenes" else []
    return results


def _alex(given: Path | None) -> Path | None:
    """The LPIPS weights; without a connection LPIPS is left out, and a line says so."""
    try:
        return lpips_file(given)
    except FileNotFoundError as error:
        say(f"{error}; there are no LPIPS scores without weights, give them with --lpips FILE.safetensors.")
        return None
