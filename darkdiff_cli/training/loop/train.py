"""The one training loop: steps, health checks, checkpoints, exact resume, on one device or many."""

import os
from collections.abc import Iterator
from pathlib import Path

from torch.utils.data import Dataset

from darkdiff_cli.allocator import keep_freed_memory
from darkdiff_cli.datasets import Pair
from darkdiff_cli.errors import SettingsError
from darkdiff_cli.interrupt import StopRequest
from darkdiff_cli.training.loop.batches import Cut, held_out_batch
from darkdiff_cli.training.loop.checkpoints import newest_checkpoint
from darkdiff_cli.training.loop.export import export
from darkdiff_cli.training.loop.journal import Journal, Report
from darkdiff_cli.training.loop.lost import named_losses
from darkdiff_cli.training.loop.machine import RunSettings, make_accelerator
from darkdiff_cli.training.loop.memory import fitting
from darkdiff_cli.training.loop.terms import Terms, difference
from darkdiff_cli.training.loop.trainer import Trainer
from darkdiff_cli.training.stages.stage import Stage
from darkdiff_cli.words import counted


def train(
    stage: Stage,
    data: Dataset[Pair],
    held_out: Dataset[Pair],
    settings: RunSettings,
    report: Report,
    terms: Terms | None = None,
) -> None:
    """Train a stage to its end and export it to `settings.output / stage.name`.

    Args:
        stage: what trains.
        data: training pairs by index; step s takes the items s * batch_size onwards, on however many processes.
        held_out: pairs for the health checks.
        settings: of the machine.
        report: takes the numbers of each step and health check.
        terms: what decides the result; a resumed run says which of them it changes.

    Raises:
        TrainingError: a loss is no number, a checkpoint or the result cannot be read or written, or a process of the
            run is gone.
        InputError: too much of the data cannot be used, or a file is gone.
        SettingsError: the batch cannot be shared among the processes, or the output holds an earlier run that is not
            to be resumed.
        MemoryLimitError: a step does not fit into memory.
        KeyboardInterrupt: SIGINT or SIGTERM came; a checkpoint was saved.
    """
    folder = settings.output / stage.name
    newest = earlier_checkpoint(folder, settings.resume)
    accelerator, plan = make_accelerator(settings), stage.optimisation
    if accelerator.device.type == "cpu":
        keep_freed_memory()
    cut = Cut.of(plan, accelerator.process_index, accelerator.num_processes)
    with named_losses(), fitting(stage.name, plan):
        run = Trainer(stage, accelerator, settings, cut)
        run.state.terms = terms or {}
        before = run.state.load(newest) if newest is not None else {}
        checks = held_out_batch(held_out, stage.multiple).to(accelerator.device)
        begun = None if newest is None else run.state.step
        journal = Journal(folder, report, plan.steps, accelerator.is_main_process, begun)
        with StopRequest() as stop, journal:
            _resumed(run, before, journal)
            _steps(run, run.parts(data), checks, stop, journal)
        if accelerator.is_main_process:
            with run.state.averaged():
                export(stage, folder)
        accelerator.wait_for_everyone()


def _resumed(run: Trainer, before: Terms, journal: Journal) -> None:
    """Note what of a resumed run is not as it was, or that nothing is left to do."""
    done, steps = run.state.step, run.stage.optimisation.steps
    if done >= steps:
        journal.note(done, f"{run.stage.name} has done {done} of {counted(steps, 'step')}; nothing is left to train.")
    elif (changed := difference(before, run.state.terms)) is not None:
        journal.note(done, f"{run.stage.name}: {changed}")


def _steps(run: Trainer, parts: Iterator[Pair], checks: Pair, stop: StopRequest, journal: Journal) -> None:
    """The steps from the run's own to the plan's last, with their checks and checkpoints."""
    settings, steps, folder = run.settings, run.stage.optimisation.steps, journal.folder / "checkpoints"
    for note in run.unheard(checks.notes):
        journal.note(run.state.step, note)
    while run.state.step < steps:
        numbers, stopped = run.step(parts, stop)
        done = run.state.step
        for note in run.notes:
            journal.note(done, note)
        journal.step(done, numbers, line=done % settings.log_every == 0 or done == steps)
        if done % settings.check_every == 0 or done == steps:
            run.check(checks, journal)
            run.save(folder)
        elif stopped:
            run.save(folder)
        if stopped and done < steps:
            raise KeyboardInterrupt


def earlier_checkpoint(folder: Path, resume: bool) -> Path | None:
    """The newest checkpoint of a stage's folder; None where there is none.

    Raises:
        SettingsError: there is one, and it is not to be resumed; or what should hold them is no folder.
    """
    kept = folder / "checkpoints"
    for place in (folder, kept):
        if os.path.lexists(place) and not place.is_dir():
            raise SettingsError(f"{place}: is no folder, so no checkpoint can be written; move it away.")
    newest = newest_checkpoint(kept)
    if newest is not None and not resume:
        raise SettingsError(
            f"{folder}: holds an earlier run's checkpoints, up to {newest.stem}; add --resume to go on from there, or "
            "choose another --output."
        )
    return newest
