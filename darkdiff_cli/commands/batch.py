"""`darkdiff batch`: a folder of raws, a night's shoot, an archive."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from darkdiff_cli.commands.batch_options import FileOptions, FolderOutputOptions
from darkdiff_cli.commands.batch_progress import BatchProgress, batch_progress
from darkdiff_cli.commands.batch_ratings import rated_jobs, say_unread
from darkdiff_cli.commands.batch_results import show_failure, show_plan, show_results
from darkdiff_cli.commands.console import say, show
from darkdiff_cli.commands.engine_options import EngineOptions
from darkdiff_cli.commands.options import DiffusionOptions, PictureOptions, enhance_settings
from darkdiff_cli.commands.presets import PresetOptions
from darkdiff_cli.commands.progress import loading_words
from darkdiff_cli.errors import OutputError
from darkdiff_cli.formats import KINDS
from darkdiff_cli.words import counted

if TYPE_CHECKING:
    from darkdiff_cli.batch.arrivals import Arrivals
    from darkdiff_cli.batch.exposure_lock import ExposureLock
    from darkdiff_cli.batch.jobs import Job
    from darkdiff_cli.batch.ledger import Entry
    from darkdiff_cli.batch.plan import KnownModel, Plan
    from darkdiff_cli.batch.settings import WorkerSettings
    from darkdiff_cli.batch.start import Engine
    from darkdiff_cli.batch.tally import Summary
    from darkdiff_cli.enhancer import EnhanceSettings

GO_ON = "run the same command again to go on"
FOLDER = typer.Argument(metavar="FOLDER", help="Folder of raw files.", show_default=False, readable=False)


def batch(
    folder: Annotated[Path, FOLDER],
    _preset: PresetOptions,
    files: FileOptions,
    picture: PictureOptions,
    diffusion: DiffusionOptions,
    output: FolderOutputOptions,
    machine: EngineOptions,
) -> int:
    """Turn every dark raw file of a folder into a photo. A second run does what is new, changed or was interrupted.

    Prints the path of each photo inside the output folder, and at the end on stderr the path of a page that shows them
    before and after. Exit code 0: all done; 1: some files failed; 2: wrong usage or nothing to work on; 130:
    interrupted after the current file (of --watch, that is its usual end: 0 or 1).
    """
    machine.check()
    root = output.root(folder)
    page = output.page(root)
    settings = enhance_settings(picture, diffusion, output, machine)
    from darkdiff_cli.batch.album.page import save_page
    from darkdiff_cli.batch.arrivals import Arrivals
    from darkdiff_cli.batch.jobs import find_jobs
    from darkdiff_cli.batch.ledger import Ledger
    from darkdiff_cli.batch.place import gone
    from darkdiff_cli.batch.plan import identify_model, plan_batch, unreadable_entry
    from darkdiff_cli.batch.ratings import Ratings
    from darkdiff_cli.batch.settings import WorkerSettings
    from darkdiff_cli.batch.start import check_start

    model = diffusion.model
    if machine.engine == "ray":  # workers do not share the current folder
        folder, root, model = folder.absolute(), root.absolute(), _absolute(model)
    files.check(output)
    ledger = Ledger(root).checked()
    suffix, unread, ratings = KINDS[output.kind()].suffixes[0], list[OSError](), Ratings(files.min_rating)
    find = partial(find_jobs, folder, root, suffix, files.recursive, files.include or (), files.exclude or ())
    find = partial(find, darks=settings.exposure.dark)
    with batch_progress(output.quiet or files.dry_run) as progress:
        progress.doing(f"reading {folder}")
        jobs = find(on_unreadable=unread.append)
        if not (jobs or unread or files.watch):
            raise files.nothing(folder, len(find_jobs(folder, root, suffix, files.recursive)))
        rated, left_out = rated_jobs(ratings, jobs, files, folder, progress)
        settings, lock = _locked(settings, rated, root, files, output, progress)
        progress.doing(loading_words(model))
        known = identify_model(model, ledger)
        _say_pinned(known, output.quiet)
        progress.doing(f"reading {counted(len(jobs), 'raw')}")
        planned = partial(plan_batch, ledger=ledger, settings=settings, weights=known.digest)
        planned = partial(planned, checksum=files.checksum, retry_failed=files.retry_failed)
        plan = planned(rated)
        lost = [*(unreadable_entry(folder, error) for error in unread), *plan.lost]
        plan = replace(plan, lost=lost, left_out=left_out)
        progress.doing(loading_words(model))
        compiled, shown = machine.compile == "on", page is not None
        worker = WorkerSettings(known.name, settings, files.timeout, files.checksum, shown, compile=compiled)
        if files.dry_run:
            check_start(plan, worker, machine.settings())
        else:
            arrivals = Arrivals(folder, find, ratings.planned(planned), say) if files.watch else None
            summary = _run(plan, root, worker, machine.settings(), output, arrivals, progress)
    say_unread(ratings)
    if files.dry_run:
        show_plan(plan, output.as_json, files.min_rating)
        return 1 if plan.lost else 0
    summary.lock = lock
    page = None if summary.stopped == gone(root) else page  # no folder is made anew for it
    page, pageless = _saved(page, lambda made: save_page(made, folder, root, ledger.entries().values(), summary))
    show_results(summary, output, files, page)
    return _exit_code(summary, pageless, files.watch)


def _exit_code(summary: "Summary", pageless: bool, watch: bool) -> int:
    """0 where all is done and 1 where something failed; an interrupt is the usual end of a watch.

    Raises:
        KeyboardInterrupt: of a batch that was interrupted.
    """
    from darkdiff_cli.batch.run import INTERRUPTED

    if summary.stopped == INTERRUPTED and not watch:
        raise KeyboardInterrupt(GO_ON)
    return 1 if summary.failed or pageless or summary.stopped not in (None, INTERRUPTED) else 0


def _say_pinned(known: "KnownModel", quiet: bool) -> None:
    if known.pinned and not quiet:
        repository = known.name.partition("@")[0]
        say(f"{known.name}, with which this batch began; give --model {repository}@main for the newest.")


def _locked(
    settings: "EnhanceSettings",
    jobs: "Sequence[Job]",
    root: Path,
    files: FileOptions,
    output: FolderOutputOptions,
    progress: BatchProgress,
) -> "tuple[EnhanceSettings, ExposureLock | None]":
    """The settings with the exposure that all photos share, which is said; as they are where there is none.

    Raises:
        SettingsError, OutputError: as `lock_exposure`.
    """
    from darkdiff_cli.batch.exposure_lock import lock_exposure

    if not output.lock_exposure:
        return settings, None
    progress.doing(f"measuring the exposure of {counted(len(jobs), 'raw')}")
    lock = lock_exposure(jobs, root, settings.exposure, files.timeout, output.overwrite, not files.dry_run)
    if lock is None:
        return settings, None
    if not output.quiet:
        say(f"{lock}.")
    return replace(settings, exposure=lock.applied(settings.exposure)), lock


def _saved(page: Path | None, save: Callable[[Path], bool]) -> tuple[Path | None, bool]:
    """The page if it was asked for and there was something to show, and whether it failed, which is said."""
    if page is None:
        return None, False
    try:
        return (page if save(page) else None), False
    except OutputError as error:
        say(error)
        return None, True


def _run(
    plan: "Plan",
    root: Path,
    worker: "WorkerSettings",
    engine: "Engine",
    output: FolderOutputOptions,
    arrivals: "Arrivals | None",
    progress: BatchProgress,
) -> "Summary":
    from darkdiff_cli.batch.start import run_batch

    def keep(entry: "Entry") -> None:
        show_failure(entry)
        if arrivals is not None and not output.as_json and entry.status == "done":
            show(entry.output)  # nobody waits for the end of a watch

    try:
        return run_batch(plan, root, worker, engine, progress.report, keep, arrivals)
    except KeyboardInterrupt as error:  # a second Ctrl-C, which does not wait for the current file
        raise KeyboardInterrupt(GO_ON) from error


def _absolute(model: str) -> str:
    return str(Path(model).absolute()) if Path(model).is_dir() else model
