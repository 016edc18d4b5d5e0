"""`darkdiff batch`: a folder of raws, a night's shoot, an archive."""

import json
import sys
from dataclasses import asdict
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from darkdiff_cli.commands.options import SUFFIXES, Format, Sampler, Views, WhitePoint, photo_format, picture_settings
from darkdiff_cli.commands.progress import batch_progress
from darkdiff_cli.errors import SettingsError

if TYPE_CHECKING:
    from darkdiff_cli.batch.album import Album
    from darkdiff_cli.batch.plan import Plan
    from darkdiff_cli.batch.run import Summary
    from darkdiff_cli.batch.start import Engine
    from darkdiff_cli.batch.worker import WorkerSettings


class EngineChoice(str, Enum):
    """Where a batch runs."""

    local = "local"
    ray = "ray"


def batch(
    folder: Annotated[Path, typer.Argument(help="Folder of raw files.", show_default=False)],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Folder of the photos. Default: darkdiff/ inside FOLDER.")
    ] = None,
    recursive: Annotated[bool, typer.Option("--recursive", "-r", help="Subfolders too, as they are.")] = False,
    include: Annotated[list[str] | None, typer.Option(help="Only names or paths like this; several times.")] = None,
    exclude: Annotated[list[str] | None, typer.Option(help="No names or paths like this; several times.")] = None,
    guidance: Annotated[float | None, typer.Option(min=0, help="Guidance scale. Default: the model's.")] = None,
    steps: Annotated[int | None, typer.Option(min=1, max=1000, help="Denoising steps. Default: the model's.")] = None,
    ratio: Annotated[str, typer.Option(help="Amplification ratio: auto for each file, or a number.")] = "auto",
    ev: Annotated[float, typer.Option(min=-10, max=10, help="Exposure compensation in stops.")] = 0.0,
    black: Annotated[float | None, typer.Option(min=0, help="Black level in DN. Default: from the file.")] = None,
    white: Annotated[WhitePoint, typer.Option(help="auto: as LibRaw adjusts it; file: the file's.")] = WhitePoint.auto,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the noise, the same for every file.")] = 0,
    model: Annotated[str, typer.Option(help="tiny (bundled), a folder, or a hub id.")] = "tiny",
    sampler: Annotated[Sampler | None, typer.Option(help="Diffusion sampler. Default: the model's.")] = None,
    views: Views = None,
    format_: Annotated[Format | None, typer.Option("--format", help="Output format. Default: jpeg.")] = None,
    bit_depth: Annotated[int | None, typer.Option(help="8, or 16 for TIFF. Default: 8 for JPEG, 16 for TIFF.")] = None,
    tile: Annotated[int | None, typer.Option(min=8, help="Denoiser tile in latents.")] = None,
    checksum: Annotated[bool, typer.Option("--checksum", help="Know inputs by content, not by size and time.")] = False,
    retry_failed: Annotated[bool, typer.Option("--retry-failed", help="Try again what failed before.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Make every photo again.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done; do nothing.")] = False,
    timeout: Annotated[float, typer.Option(min=0.1, help="Seconds that one file may take to decode.")] = 120.0,
    devices: Annotated[
        str, typer.Option("--devices", "--device", help="auto, cpu, mps, cuda:N, a list of them, or all GPUs: all.")
    ] = "auto",
    engine: Annotated[EngineChoice, typer.Option(help="This machine, or a Ray cluster (darkdiff[ray]).")] = (
        EngineChoice.local
    ),
    address: Annotated[str | None, typer.Option(help="Ray: of the cluster. Default: start one here.")] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Ray: how many. Default: one per GPU.")] = None,
    report: Annotated[Path | None, typer.Option(help="Write a page with every photo before and after.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress.")] = False,
) -> int:
    """Turn every dark raw of a folder into a photo. A second run does only what is new, changed or was cut off.

    Exit code 0: all done; 1: some failed; 130: interrupted after the current file.
    """
    kind = photo_format(format_, None)
    settings = picture_settings(
        ratio, ev, black, white, steps, guidance, sampler, views, tile, seed, kind, bit_depth, overwrite
    )
    root = output or folder / "darkdiff"
    _check(root, report, engine, devices, address, workers)
    from darkdiff_cli.batch.jobs import find_jobs
    from darkdiff_cli.batch.ledger import Ledger
    from darkdiff_cli.batch.plan import plan_batch
    from darkdiff_cli.batch.start import Engine
    from darkdiff_cli.batch.worker import WorkerSettings

    if engine is EngineChoice.ray:  # workers do not share the current folder
        folder, root, model = folder.absolute(), root.absolute(), _absolute(model)
    jobs = find_jobs(folder, root, SUFFIXES[kind], recursive, include or (), exclude or ())
    plan = plan_batch(jobs, Ledger(root), settings, model, checksum, retry_failed)
    if dry_run:
        _preview(plan)
        return 0
    summary, album = _run(plan, root, WorkerSettings(model, settings, timeout, report is not None),
                          Engine(engine.value, devices, address, workers), report, quiet)  # fmt: skip
    _show(summary, as_json, quiet)
    if album is not None:
        album.save(summary)
    if summary.stopped == "interrupted":
        raise KeyboardInterrupt
    return 1 if summary.failed or summary.stopped else 0


def _preview(plan: "Plan") -> None:
    for task in plan.tasks:
        print(f"{task.job.relative} -> {task.job.output}")
    print(f"{len(plan.tasks)} to do, {plan.settled} done or failed before", file=sys.stderr)


def _run(
    plan: "Plan", root: Path, worker: "WorkerSettings", engine: "Engine", report: Path | None, quiet: bool
) -> "tuple[Summary, Album | None]":
    from darkdiff_cli.batch.album import Album
    from darkdiff_cli.batch.start import run_batch

    album = Album(report) if report else None
    keep = album.add if album else lambda _finished: None
    with batch_progress(quiet) as progress:
        return run_batch(plan, root, worker, engine, progress, keep), album


def _check(
    root: Path, report: Path | None, engine: EngineChoice, devices: str, address: str | None, workers: int | None
) -> None:
    if root.exists() and not root.is_dir():
        raise SettingsError(f"-o {root}: is no folder; choose another.")
    if report is not None and (report.is_dir() or not report.absolute().parent.is_dir()):
        raise SettingsError(f"--report {report}: must be a file in a folder that exists.")
    if engine is EngineChoice.local and (address is not None or workers is not None):
        raise SettingsError("--address and --workers belong to --engine ray.")
    if engine is EngineChoice.ray and devices != "auto":
        raise SettingsError("--devices belongs to --engine local; Ray gives every worker its own GPU.")


def _absolute(model: str) -> str:
    return str(Path(model).absolute()) if Path(model).is_dir() else model


def _show(summary: "Summary", as_json: bool, quiet: bool) -> None:
    """Paths or JSON on stdout; failures and counts on stderr."""
    if as_json:
        print(
            json.dumps(
                {
                    "done": [asdict(entry) for entry in summary.done],
                    "failed": [asdict(entry) for entry in summary.failed],
                    "skipped": summary.skipped,
                    "stopped": summary.stopped,
                }
            )
        )
    else:
        for entry in summary.done:
            print(entry.output)
    for entry in summary.failed:
        print(f"darkdiff: {entry.error}", file=sys.stderr)
    if summary.stopped and summary.stopped != "interrupted":
        print(f"darkdiff: {summary.stopped}", file=sys.stderr)
    if not quiet:
        print(f"{len(summary.done)} done, {len(summary.failed)} failed, {summary.skipped} skipped", file=sys.stderr)
