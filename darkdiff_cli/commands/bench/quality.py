"""`darkdiff bench quality` and `protocols`: models and baselines side by side, by named protocols."""

import itertools
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from darkdiff_cli.commands.bench.options import (
    AsJson,
    Device,
    Lpips,
    LpipsVgg,
    Output,
    PublishedFile,
    Quiet,
    Seed,
    needs_extra,
)
from darkdiff_cli.commands.progress import counted_progress
from darkdiff_cli.commands.weights import lpips_file
from darkdiff_cli.errors import SettingsError

if TYPE_CHECKING:
    from darkdiff_cli.evaluation.methods.method import Method
    from darkdiff_cli.evaluation.quality.run import Results
    from darkdiff_cli.raw import White

BASELINES = ("amplify", "bm3d", "stage1", "sid-unet=FOLDER")
CEILINGS = ("clean-input", "clean-latents", "zeroed-latents", "best-matrix", "reference")


class Sweep(NamedTuple):
    """Settings that models are scored with, each with each; None is the model's own."""

    steps: Sequence[int | None] = (None,)
    guidance: Sequence[float | None] = (None,)
    views: Sequence[int | None] = (None,)


def protocols() -> int:
    """List the protocols with all of their fields."""
    from darkdiff_cli.evaluation.protocols.protocol import PROTOCOLS

    for protocol in PROTOCOLS.values():
        print(protocol.describe())
    return 0


def quality(
    data: Annotated[str, typer.Option(help="scenes:DIR, sid:DIR, eld:DIR or lrd:DIR.")],
    protocol: Annotated[str, typer.Option(help="One of `bench protocols`, such as sid-x300-15.")] = "scenes",
    model: Annotated[list[str] | None, typer.Option(help="tiny, a folder or a hub id; several times.")] = None,
    baseline: Annotated[list[str] | None, typer.Option(help=f"{', '.join(BASELINES)}; several times.")] = None,
    ceiling: Annotated[list[str] | None, typer.Option(help=f"{', '.join(CEILINGS)}; several times.")] = None,
    external: Annotated[
        list[str] | None, typer.Option(help="Another program: 'command {in} {out}', {ratio} if it likes.")
    ] = None,
    steps: Annotated[list[int] | None, typer.Option(min=1, help="Denoising steps; several times sweeps.")] = None,
    guidance: Annotated[list[float] | None, typer.Option(min=0, help="Guidance; several times sweeps.")] = None,
    views: Annotated[
        list[int] | None, typer.Option(min=1, max=8, help="Mirrored views that are averaged; several times sweeps.")
    ] = None,
    seed: Seed = 0,
    device: Device = "auto",
    output: Output = Path("bench"),
    report: Annotated[Path | None, typer.Option(help="Write an HTML report, JSON and CSV beside it.")] = None,
    lpips: Lpips = None,
    lpips_vgg: LpipsVgg = None,
    published: PublishedFile = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> int:
    """Score models and baselines side by side on a set of pairs, by a named protocol."""
    needs_extra()
    from darkdiff_cli.evaluation.protocols.published import read_published
    from darkdiff_cli.evaluation.report.page import as_json as found_json
    from darkdiff_cli.evaluation.report.page import as_text, comparison_lines, quality_table, write_report

    for given, known, option in ((baseline, BASELINES, "baseline"), (ceiling, CEILINGS, "ceiling")):
        for word in given or []:
            if word not in known and not (option == "baseline" and word.startswith("sid-unet=")):
                raise SettingsError(f"--{option} {word}: must be one of {', '.join(known)}.")
    sweep = Sweep(steps or (None,), guidance or (None,), views or (None,))
    others = read_published(published) if published is not None else []
    results = score(data, protocol, model or ["tiny"], baseline or [], ceiling or [], external or [], sweep, seed,
                    device, output, lpips, lpips_vgg, quiet)  # fmt: skip
    results.published = [other for other in others if other.protocol == protocol]
    if report is not None:
        write_report(report, results, None, output)
    if as_json:
        print(json.dumps(found_json(results, None), indent=2))
    else:
        print(results.protocol)
        print("\n".join([as_text(quality_table(results)), "", *comparison_lines(results)]))
        if report is not None:
            print(report)
    for failure in results.failures:
        print(f"darkdiff: {failure}", file=sys.stderr)
    return 1 if results.failures else 0


def score(
    data: str, protocol: str, models: list[str], baselines: list[str], ceilings: list[str], external: list[str],
    sweep: Sweep, seed: int, device: str, output: Path, alex: Path | None, vgg: Path | None, quiet: bool,
    names: list[str] | None = None,
) -> "Results":  # fmt: skip
    """Score methods on a set of pairs.

    Args:
        names: of the models in the table; their own where None.

    Raises:
        DarkdiffError: the options, the data or the weights do not fit.
    """
    from darkdiff_cli.evaluation.protocols.protocol import get_protocol
    from darkdiff_cli.evaluation.quality.metrics import Judge, load_lpips
    from darkdiff_cli.evaluation.quality.run import run_quality

    chosen = get_protocol(protocol)
    kind, _, folder = data.partition(":")
    if kind != chosen.kind or not folder:
        raise SettingsError(f"--data {data}: protocol {protocol} scores {chosen.kind}:DIR.")
    pairs = chosen.find(Path(folder))
    methods = _methods(models, baselines, ceilings, external, sweep, seed, device, names, chosen.adjust_maximum)
    try:
        judge = Judge(chosen, *load_lpips(_alex(alex), vgg))
    except (FileNotFoundError, KeyError, ValueError) as error:
        raise SettingsError(f"LPIPS weights: {error}; give them with --lpips FILE.safetensors.") from error
    output.mkdir(parents=True, exist_ok=True)
    with counted_progress("quality", quiet) as report:
        return run_quality(pairs, methods, judge, output, report)


def _methods(
    models: list[str], baselines: list[str], ceilings: list[str], external: list[str], sweep: Sweep,
    seed: int, device: str, names: list[str] | None, adjust_maximum: bool,
) -> "list[Method]":  # fmt: skip
    """Every method of the run: models with each of their settings first."""
    from darkdiff_cli.enhancer import Enhancer, EnhanceSettings
    from darkdiff_cli.evaluation.methods.external import External
    from darkdiff_cli.evaluation.methods.method import (
        Amplified,
        BestMatrix,
        Bm3d,
        Model,
        OtherReference,
        Regression,
        WithoutDiffusion,
    )

    white: White = "auto" if adjust_maximum else "file"  # as the protocol renders its references
    enhancers = [Enhancer(model, device) for model in models]
    for enhancer, name in zip(enhancers, names or [], strict=False):
        enhancer.model = name
    methods: list[Method] = [
        Model(enhancer, EnhanceSettings(steps=steps, guidance=guidance, views=views, seed=seed, white=white))
        for enhancer in enhancers
        for steps, guidance, views in itertools.product(*sweep)
    ]
    viewed = list(itertools.product(enhancers, sweep.views))  # as many views as the models they stand beside
    if "stage1" in baselines:
        methods += [WithoutDiffusion(enhancer, "stage1", white, views) for enhancer, views in viewed]
    for kind in ceilings:
        if kind == "reference":
            methods.append(OtherReference(adjust_maximum))
        elif kind == "best-matrix":
            methods += [
                BestMatrix(Model(enhancer, EnhanceSettings(views=views, seed=seed, white=white)), adjust_maximum)
                for enhancer, views in viewed
            ]
        else:
            methods += [WithoutDiffusion(one, kind, white, views) for one, views in viewed]  # type: ignore[arg-type]
    methods += [External(template) for template in external]
    methods += [
        Regression(Path(word.removeprefix("sid-unet=")), device, white)
        for word in baselines
        if word.startswith("sid-unet=")
    ]
    if "bm3d" in baselines:
        methods.append(Bm3d(white))
    if "amplify" in baselines:
        methods.append(Amplified())
    return methods


def _alex(given: Path | None) -> Path | None:
    """The LPIPS weights; without a connection LPIPS is left out, with a word about it."""
    try:
        return lpips_file(given)
    except FileNotFoundError as error:
        print(f"darkdiff: {error}; scoring without LPIPS, or give --lpips FILE.safetensors.", file=sys.stderr)
        return None
