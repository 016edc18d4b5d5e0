"""`darkdiff bench quality` and `protocols`: models and baselines side by side, by named protocols."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar

import typer

from darkdiff_cli.commands.aliases import AsJson
from darkdiff_cli.commands.bench.lineup import BASELINES, CEILINGS, EXTERNAL_TIMEOUT, SID_UNET, Lineup, Sweep
from darkdiff_cli.commands.bench.options import PublishedFile, ScoringOptions, check_report, needs_extra
from darkdiff_cli.commands.console import say, show, show_json
from darkdiff_cli.commands.progress import counted_progress
from darkdiff_cli.decoder import Decoder
from darkdiff_cli.errors import SettingsError
from darkdiff_cli.files import output_error
from darkdiff_cli.weights import lpips_file
from darkdiff_models.sampling_settings import MAX_GUIDANCE, MAX_VIEWS

if TYPE_CHECKING:
    from darkdiff_cli.evaluation.quality.run import Results


@dataclass(frozen=True)
class MethodOptions:
    """Who is scored, and on which pairs."""

    panel: ClassVar[str] = "What is scored"
    data: Annotated[
        str,
        typer.Option(
            metavar="KIND:DIR", help="Pairs of dark and clean raw files: scenes:DIR, sid:DIR, eld:DIR or lrd:DIR."
        ),
    ]
    protocol: Annotated[
        str,
        typer.Option(
            metavar="NAME", help="How they are scored: a name that `bench protocols` lists, such as sid-x300-indoor."
        ),
    ] = "scenes"
    model: Annotated[
        list[str] | None,
        typer.Option(
            metavar="MODEL", help="tiny, a folder or a Hugging Face id. Default: tiny. Can be given several times."
        ),
    ] = None
    baseline: Annotated[
        list[str] | None,
        typer.Option(
            metavar="METHOD",
            help=f"Simpler method to compare with: {', '.join(BASELINES)}. Can be given several times.",
        ),
    ] = None
    ceiling: Annotated[
        list[str] | None,
        typer.Option(
            metavar="METHOD", help=f"Upper limit to compare with: {', '.join(CEILINGS)}. Can be given several times."
        ),
    ] = None
    external: Annotated[
        list[str] | None,
        typer.Option(
            metavar="COMMAND",
            help="Command of another program, 'command {in} {out}': {in} is the dark raw file, {out} the TIFF file to "
            "write; {ratio}, the amplification ratio, may be used too. Can be given several times.",
        ),
    ] = None

    external_timeout: Annotated[
        float,
        typer.Option(
            min=0.1,
            max=86_400,
            metavar="SECONDS",
            help="Seconds that another program may take for one picture; then it is ended, and the picture has failed.",
        ),
    ] = EXTERNAL_TIMEOUT

    def lineup(self, sweep: Sweep) -> Lineup:
        """The methods.

        Raises:
            SettingsError: there is no such baseline or ceiling.
        """
        baselines, ceilings = self.baseline or [], self.ceiling or []
        for given, known, option in ((baselines, BASELINES, "baseline"), (ceilings, CEILINGS, "ceiling")):
            for word in given:
                if word not in known and not (option == "baseline" and word.startswith(SID_UNET)):
                    raise SettingsError(f"--{option} {word}: must be one of {', '.join(known)}.")
        return Lineup(
            self.model or ["tiny"], (), baselines, ceilings, self.external or (), self.external_timeout, sweep
        )


@dataclass(frozen=True)
class SweepOptions:
    """Settings that every model is scored with, each with each."""

    panel: ClassVar[str] = "Diffusion"
    steps: Annotated[
        list[int] | None,
        typer.Option(
            min=1, metavar="N", help="Denoising steps. Default: the model's. Can be given several times, to compare."
        ),
    ] = None
    guidance: Annotated[
        list[float] | None,
        typer.Option(
            min=0,
            max=MAX_GUIDANCE,
            metavar="SCALE",
            help="Guidance scale. Default: the model's. Can be given several times, to compare.",
        ),
    ] = None
    views: Annotated[
        list[int] | None,
        typer.Option(
            min=1,
            max=MAX_VIEWS,
            metavar="N",
            help="Mirrored and turned views that are averaged. Default: the model's. Can be given several times, to "
            "compare.",
        ),
    ] = None

    def sweep(self) -> Sweep:
        """The settings."""
        return Sweep(self.steps or (None,), self.guidance or (None,), self.views or (None,))


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
    methods = lineup.methods(chosen, scoring.seed, scoring.device, scoring.tile)
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
        Decoder(module="darkdiff_cli.evaluation.quality.scene") as decoder,
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
