"""The one training loop: steps, averaging, health checks, checkpoints, exact resume, on one device or many."""

import math
import time
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import cast

import torch
from accelerate import Accelerator
from accelerate.utils import gather_object
from torch import Tensor, nn
from torch.utils.data import Dataset

from darkdiff_cli.allocator import keep_freed_memory
from darkdiff_cli.datasets import Pair
from darkdiff_cli.errors import SettingsError, TrainingError
from darkdiff_cli.interrupt import StopRequest
from darkdiff_cli.training.loop.batches import Cut, batches, held_out_batch
from darkdiff_cli.training.loop.draws import Draws
from darkdiff_cli.training.loop.journal import Journal, Report
from darkdiff_cli.training.loop.machine import RunSettings, make_accelerator
from darkdiff_cli.training.loop.muon import Muon
from darkdiff_cli.training.loop.replay import Passes
from darkdiff_cli.training.loop.state import RunState, moving_averages, newest_checkpoint
from darkdiff_cli.training.stages.stage import MODEL, Numbers, Objective, Readings, Stage
from darkdiff_models.learning.fast_blocks import use_fast_blocks
from darkdiff_models.networks.blocks import Checkpointed

OPTIMIZERS = {"adam": torch.optim.Adam, "muon": Muon}


def train(
    stage: Stage,
    data: Dataset[Pair],
    held_out: Dataset[Pair],
    settings: RunSettings,
    report: Report,
) -> None:
    """Train a stage to its end and export it to `settings.output / stage.name`.

    Args:
        stage: what trains.
        data: training pairs by index; step s takes the items s * batch_size onwards, on however many processes.
        held_out: pairs for the health checks.
        settings: of the machine.
        report: takes the numbers of each step and health check.

    Raises:
        TrainingError: a loss is no number, or a checkpoint cannot be read or written.
        SettingsError: the batch cannot be shared among the processes, or the output holds an earlier run that is not
            to be resumed.
        KeyboardInterrupt: SIGINT or SIGTERM came; a checkpoint was saved.
    """
    folder = settings.output / stage.name
    newest = earlier_checkpoint(folder, settings.resume)
    accelerator, plan = make_accelerator(settings), stage.optimisation
    if accelerator.device.type == "cpu":
        keep_freed_memory()
    cut = Cut.of(plan, accelerator.process_index, accelerator.num_processes)
    run = _Run(stage, accelerator, settings, cut)
    if newest is not None:
        run.state.load(newest)
    checks = held_out_batch(held_out, stage.multiple).to(accelerator.device)
    with StopRequest() as stop, Journal(folder, report, plan.steps, accelerator.is_main_process) as journal:
        parts = batches(data, run.state.step, plan, cut, settings.workers, stage.multiple)
        while run.state.step < plan.steps:
            numbers, stopped = run.step(parts, stop)
            done = run.state.step
            journal.step(done, numbers, line=done % settings.log_every == 0 or done == plan.steps)
            if done % settings.check_every == 0 or done == plan.steps:
                run.check(checks, journal)
                run.save(folder / "checkpoints")
            elif stopped:
                run.save(folder / "checkpoints")
            if stopped and done < plan.steps:
                raise KeyboardInterrupt
    if accelerator.is_main_process:
        with run.state.averaged():
            stage.export(folder)
    accelerator.wait_for_everyone()


def earlier_checkpoint(folder: Path, resume: bool) -> Path | None:
    """The newest checkpoint of a stage's folder; None where there is none.

    Raises:
        SettingsError: there is one, and it is not to be resumed.
    """
    newest = newest_checkpoint(folder / "checkpoints")
    if newest is not None and not resume:
        raise SettingsError(
            f"{folder}: holds an earlier run's checkpoints, up to {newest.stem}; add --resume to go on from there, or "
            "choose another --output."
        )
    return newest


class _Run:
    """A stage with its optimisers on this process's device."""

    def __init__(self, stage: Stage, accelerator: Accelerator, settings: RunSettings, cut: Cut) -> None:
        self.stage, self.accelerator, self.settings, self.cut = stage, accelerator, settings, cut
        plan = stage.optimisation
        modules = {name: module for player in stage.players.values() for name, module in player.items()}
        for module in [*modules.values(), *stage.frozen.values()]:
            module.to(accelerator.device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
            use_fast_blocks(module)
            if plan.gradient_checkpointing and isinstance(module, Checkpointed):
                module.use_checkpointing(True)
        self.objectives: dict[str, nn.Module] = {}
        optimizers: dict[str, torch.optim.Optimizer] = {}
        for player in stage.players:
            groups = stage.parameter_groups(player)
            optimizer = OPTIMIZERS[plan.optimizer](groups, lr=plan.learning_rate, betas=plan.betas)
            self.objectives[player], optimizers[player] = accelerator.prepare(Objective(stage, player), optimizer)
        alone = accelerator.device.type == "cuda" and accelerator.num_processes == cut.accumulation == 1
        # Checkpointing asks for a generator's state, which a recording forbids; a scaler may skip a step.
        plain = accelerator.scaler is None and not plan.gradient_checkpointing
        self.passes = Passes(accelerator, record=alone and plain)
        averages = moving_averages(stage.trained, plan.ema_decay)
        self.state = RunState(modules, averages, optimizers, accelerator.scaler)

    def step(self, parts: Iterator[Pair], stop: StopRequest) -> tuple[Numbers, bool]:
        """One optimiser step of every active player; returns the numbers to log, and whether a stop was requested.

        Raises:
            TrainingError: a loss or a gradient is no number; the message names the step and the images.
        """
        plan, began, step = self.stage.optimisation, time.perf_counter(), self.state.step
        rate = plan.rate(step)
        players = [player for player in self.objectives if self.stage.plays(player, step)]
        readings: Readings = {}
        losses: list[Tensor] = []
        names: list[str] = []
        for index in range(self.cut.accumulation):
            pair = next(parts).to(self.accelerator.device)
            names += pair.names
            draws = (self.settings.seed, step, self.accelerator.device, self.cut.part(index), self.cut.parts)
            for player in players:
                last = index == self.cut.accumulation - 1
                objective = self.objectives[player]
                with nullcontext() if last else self.accelerator.no_sync(objective):
                    course = self.stage.course(player, step)
                    loss, said = self.passes.run(objective, pair, Draws(*draws), 1 / self.cut.accumulation, course)
                    losses.append(loss)
                for key, value in said.items():
                    readings[key] = readings.get(key, 0.0) + value / self.cut.accumulation
        readings["gradient"] = self._update(players, rate)
        fetched = torch.stack([*readings.values(), torch.stack(losses).sum()])  # together: a step waits for a GPU once
        *numbers, total = fetched.tolist()
        told = dict(zip(readings, numbers, strict=True))
        flags = [not math.isfinite(total) or self._broken(told["gradient"]), stop.requested]
        failed, stopped = self._anywhere(flags)
        if failed:
            shown = ", ".join(sorted(set(gather_object(names))))
            raise TrainingError(f"the loss is not a number at step {step}, with {shown}; lower the learning rate.")
        self.state.finish_step()
        seconds = time.perf_counter() - began
        return {**self._mean(told), "learning_rate": rate, "images_per_second": plan.batch_size / seconds}, stopped

    def _update(self, players: list[str], rate: float) -> Tensor:
        """Clip and apply the gradients; the model's norm before clipping."""
        norm = torch.zeros((), device=self.accelerator.device)
        for player in players:
            optimizer = self.state.optimizers[player]
            for group in optimizer.param_groups:
                group["lr"] = rate * group["factor"]
            parameters = [p for group in optimizer.param_groups for p in group["params"]]
            length = self.accelerator.clip_grad_norm_(parameters, self.stage.optimisation.clip_grad_norm)
            norm = cast(Tensor, length) if player == MODEL else norm
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        return norm

    def _broken(self, norm: float) -> bool:
        """Float16 may overflow: its scaler skips the step and tries a smaller scale."""
        return not math.isfinite(norm) and self.accelerator.scaler is None

    def _anywhere(self, flags: list[bool]) -> list[bool]:
        """Which flags are set on any process, so that all processes stop at the same step."""
        if self.accelerator.num_processes == 1:
            return flags
        up = torch.tensor([flags], device=self.accelerator.device, dtype=torch.int32)
        return [bool(flag) for flag in self.accelerator.gather(up).amax(dim=0).tolist()]

    def _mean(self, numbers: Numbers) -> Numbers:
        """The numbers of the whole batch: the mean of the processes' parts."""
        if self.accelerator.num_processes == 1:
            return numbers
        values = torch.tensor(list(numbers.values()), device=self.accelerator.device)
        return dict(zip(numbers, self.accelerator.reduce(values, "mean").tolist(), strict=True))

    @torch.no_grad()
    def check(self, checks: Pair, journal: Journal) -> None:
        """Score the averaged weights on the held-out pairs, on the main process."""
        if not self.accelerator.is_main_process:
            return
        draws = (self.settings.seed, 0, self.accelerator.device)
        with self.state.averaged(), self.accelerator.autocast():
            numbers = self.stage.health(checks, Draws(*draws))
            made = self.stage.picture(checks, Draws(*draws))
        journal.health(self.state.step, numbers, checks, made)

    def save(self, folder: Path) -> None:
        """Write a checkpoint, by the main process."""
        if self.accelerator.is_main_process:
            self.state.save(folder, self.settings.keep)
        self.accelerator.wait_for_everyone()
