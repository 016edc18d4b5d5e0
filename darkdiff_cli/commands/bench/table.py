"""`darkdiff bench table N`: the paper's tables, with the models that somebody trained for them."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from darkdiff_cli.commands.bench.options import Device, Lpips, LpipsVgg, Output, PublishedFile, Quiet, Seed, needs_extra
from darkdiff_cli.commands.bench.quality import Sweep, score
from darkdiff_cli.errors import SettingsError


def table(
    number: Annotated[int, typer.Argument(help="Of the paper's table, 1 to 6.", show_default=False)],
    runs: Annotated[Path, typer.Option(help="Folder with a run for each row, named as the row.")] = Path("runs"),
    data: Annotated[str | None, typer.Option(help="sid:DIR, eld:DIR or lrd:DIR. Default: say what is needed.")] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="Denoising steps. Default: each model's.")] = None,
    guidance: Annotated[float | None, typer.Option(min=0, help="Guidance. Default: the paper's for the set.")] = None,
    seed: Seed = 0,
    device: Device = "auto",
    output: Output = Path("bench"),
    published: PublishedFile = None,
    lpips: Lpips = None,
    lpips_vgg: LpipsVgg = None,
    quiet: Quiet = False,
) -> int:
    """Score the rows of one of the paper's tables. Without --data: say which checkpoints it needs.

    Exit code 1: a checkpoint is missing or a pair could not be scored.
    """
    needs_extra()
    from darkdiff_cli.evaluation.protocols.published import read_published
    from darkdiff_cli.evaluation.protocols.tables import get_table
    from darkdiff_cli.evaluation.report.page import as_text, quality_table

    preset = get_table(number)
    others = read_published(published) if published is not None else []
    print(f"Table {preset.number}: {preset.title}; guidance {preset.guidance:g}; {', '.join(preset.protocols)}")
    if data is None:
        print("\n".join(preset.needs(runs)))
        return 0
    if not data.startswith(f"{preset.kind}:"):
        raise SettingsError(f"--data {data}: table {number} is scored on {preset.kind}:DIR.")
    found = {v.name: preset.checkpoint(v, runs) for v in preset.variants if preset.checkpoint(v, runs).is_dir()}
    if not found:
        raise SettingsError(f"--runs {runs}: holds none of the table's models:\n" + "\n".join(preset.needs(runs)))
    scale = preset.guidance if guidance is None else guidance
    failures: list[str] = []
    for protocol in preset.protocols:
        results = score(data, protocol, [str(path) for path in found.values()], [], [], [],
                        Sweep((steps,), (scale,)), seed, device, output / protocol, lpips, lpips_vgg, quiet,
                        list(found))  # fmt: skip
        results.published = [other for other in others if other.protocol == protocol]
        print(f"\n{results.protocol}\n{as_text(quality_table(results))}")
        failures += results.failures
    missing = [line for line in preset.needs(runs) if line.startswith("missing")]
    for line in [*failures, *missing]:
        print(f"darkdiff: {line}", file=sys.stderr)
    return 1 if failures or missing else 0
