"""`darkdiff batch`: a folder of raws, a night's shoot, an archive."""

import json
import sys
from collections import Counter
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from darkdiff_cli.commands.batch_options import EngineOptions, FileOptions, FolderOutputOptions
from darkdiff_cli.commands.options import DiffusionOptions, PictureOptions, enhance_settings
from darkdiff_cli.commands.progress import batch_progress
from darkdiff_cli.formats import KINDS

if TYPE_CHECKING:
    from darkdiff_cli.batch.album import Album
    from darkdiff_cli.batch.plan import Plan
    from darkdiff_cli.batch.run import Summary
    from darkdiff_cli.batch.start import Engine
    from darkdiff_cli.batch.worker import WorkerSettings


def batch(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder of raw files.", show_default=False)],
    files: FileOptions,
    picture: PictureOptions,
    diffusion: DiffusionOptions,
    output: FolderOutputOptions,
    machine: EngineOptions,
) -> int:
    """Turn every dark raw file of a folder into a photo. A second run does what is new, changed or was interrupted.

    Prints the path of each photo inside the output folder. Exit code 0: all done; 1: some files failed; 2: wrong usage
    or nothing to work on; 130: interrupted after the current file.
    """
    machine.check()
    root = output.root(folder)
    settings = enhance_settings(picture, diffusion, output, machine)
    from darkdiff_cli.batch.exposure_lock import lock_exposure
    from darkdiff_cli.batch.jobs import find_jobs
    from darkdiff_cli.batch.ledger import Ledger
    from darkdiff_cli.batch.plan import plan_batch, unreadable_entry
    from darkdiff_cli.batch.worker import WorkerSettings

    model = diffusion.model
    if machine.engine == "ray":  # workers do not share the current folder
        folder, root, model = folder.absolute(), root.absolute(), _absolute(model)
    suffix = KINDS[output.kind()].suffixes[0]
    gone: list[OSError] = []
    jobs = find_jobs(folder, root, suffix, files.recursive, files.include or (), files.exclude or (), gone.append)
    lock = None
    if output.lock_exposure:
        lock = lock_exposure(jobs, root, settings.exposure, files.timeout, output.overwrite, not files.dry_run)
    if lock is not None:
        settings = replace(settings, exposure=lock.applied(settings.exposure))
        if not output.quiet:
            print(f"darkdiff: {lock}.", file=sys.stderr)
    plan = plan_batch(jobs, Ledger(root), settings, model, files.checksum, files.retry_failed)
    plan = replace(plan, lost=[*(unreadable_entry(folder, error) for error in gone), *plan.lost])
    if files.dry_run:
        _preview(plan)
        return 1 if plan.lost else 0
    worker = WorkerSettings(model, settings, files.timeout, output.report is not None)
    summary, album = _run(plan, root, worker, machine.settings(), output)
    summary.lock = lock
    _show(summary, output)
    if album is not None:
        album.save(summary)
    if summary.stopped == "interrupted":
        raise KeyboardInterrupt
    return 1 if summary.failed or summary.stopped else 0


def _preview(plan: "Plan") -> None:
    for task in plan.tasks:
        print(f"{task.job.relative} -> {task.job.output}")
    for entry in plan.lost:
        print(f"darkdiff: {entry.error}", file=sys.stderr)
    print(f"{len(plan.tasks)} to do, {plan.settled} done or failed before", file=sys.stderr)


def _run(
    plan: "Plan", root: Path, worker: "WorkerSettings", engine: "Engine", output: FolderOutputOptions
) -> "tuple[Summary, Album | None]":
    from darkdiff_cli.batch.album import Album
    from darkdiff_cli.batch.start import run_batch

    album = Album(output.report) if output.report else None
    keep = album.add if album else lambda _finished: None
    with batch_progress(output.quiet) as progress:
        return run_batch(plan, root, worker, engine, progress, keep), album


def _absolute(model: str) -> str:
    return str(Path(model).absolute()) if Path(model).is_dir() else model


def _show(summary: "Summary", output: FolderOutputOptions) -> None:
    """Paths or JSON on stdout; failures and counts on stderr."""
    if output.as_json:
        print(
            json.dumps(
                {
                    "done": [asdict(entry) for entry in summary.done],
                    "failed": [asdict(entry) for entry in summary.failed],
                    "skipped": summary.skipped,
                    "stopped": summary.stopped,
                    "exposure_lock": asdict(summary.lock) if summary.lock else None,
                }
            )
        )
    else:
        for entry in summary.done:
            print(entry.output)
    for entry in summary.failed:
        print(f"darkdiff: {entry.error}", file=sys.stderr)
    for note, count in Counter(note for entry in summary.done for note in entry.notes).items():
        print(f"darkdiff: {count} of {len(summary.done)} photos: {note}.", file=sys.stderr)
    if summary.stopped and summary.stopped != "interrupted":
        print(f"darkdiff: {summary.stopped}", file=sys.stderr)
    if not output.quiet:
        print(f"{len(summary.done)} done, {len(summary.failed)} failed, {summary.skipped} skipped", file=sys.stderr)
