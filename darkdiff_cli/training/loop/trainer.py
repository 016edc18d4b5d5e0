"""One step of training: gradients of every player, clipping, the optimisers, averages; and what is kept of them."""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Literal, cast

import torch
from accelerate import Accelerator
from accelerate.utils import gather_object
from torch import Tensor, nn
from torch.utils.data import Dataset

from darkdiff_cli.datasets import Pair
from darkdiff_cli.errors import TrainingError
from darkdiff_cli.interrupt import StopRequest
from darkdiff_cli.training.loop.batches import Cut, batches
from darkdiff_cli.training.loop.draws import Draws
from darkdiff_cli.training.loop.journal import Journal
from darkdiff_cli.training.loop.machine import RunSettings, data_workers
from darkdiff_cli.training.loop.optimizers import make_optimizer
from darkdiff_cli.training.loop.replay import Passes
from darkdiff_cli.training.loop.state import RunState, moving_averages
from darkdiff_cli.training.stages.stage import MODEL, Numbers, Objective, Readings, Stage
from darkdiff_models.learning.fast_blocks import use_fast_blocks
from darkdiff_models.networks.blocks import Checkpointed

Part = Literal["data", "gradients", "optimiser", "rest"]
"""Of a step: waiting for pairs and their way to the device; forward and backward passes; clipping and the optimisers;
numbers for the log and averages."""
Mark = Callable[[Part], None]


class Trainer:
    """A stage with its optimisers on this process's device.

    Args:
        stage: what trains.
        accelerator: the machine.
        settings: of the machine.
        cut: this process's part of each batch.
        mark: called when a part of a step is done, with the part's name; `bench train` listens.
    """

    def __init__(
        self,
        stage: Stage,
        accelerator: Accelerator,
        settings: RunSettings,
        cut: Cut,
        mark: Mark = lambda _part: None,
    ) -> None:
        self.stage, self.accelerator, self.settings, self.cut, self.mark = stage, accelerator, settings, cut, mark
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
            optimizer = make_optimizer(plan, groups, accelerator.device)
            self.objectives[player], optimizers[player] = accelerator.prepare(Objective(stage, player), optimizer)
        alone = accelerator.device.type == "cuda" and accelerator.num_processes == cut.accumulation == 1
        # Checkpointing asks for a generator's state, which a recording forbids; a scaler may skip a step.
        plain = accelerator.scaler is None and not plan.gradient_checkpointing
        self.passes = Passes(accelerator, record=alone and plain)
        averages = moving_averages(stage.trained, plan.ema_decay)
        self.state = RunState(modules, averages, optimizers, accelerator.scaler)
        self.notes: list[str] = []  # of the last step, on all processes
        self.heard: set[str] = set()

    def parts(self, data: Dataset[Pair]) -> Iterator[Pair]:
        """This process's parts of the batches from the next step on."""
        workers, pinned = data_workers(self.settings, self.accelerator), self.accelerator.device.type == "cuda"
        return batches(data, self.state.step, self.stage.optimisation, self.cut, workers, self.stage.multiple, pinned)

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
        names, notes = list[str](), list[str]()
        for index in range(self.cut.accumulation):
            pair = next(parts).to(self.accelerator.device)
            self.mark("data")
            names += pair.names
            notes += pair.notes
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
            self.mark("gradients")
        readings["gradient"] = self._update(players, rate)
        self.mark("optimiser")
        fetched = torch.stack([*readings.values(), torch.stack(losses).sum()])  # together: a step waits for a GPU once
        *numbers, total = fetched.tolist()
        told = dict(zip(readings, numbers, strict=True))
        failed, stopped = not math.isfinite(total) or self._broken(told["gradient"]), stop.requested
        failed, stopped, noted = self._anywhere([failed, stopped, not self.heard.issuperset(notes)])
        self.notes = self.unheard(gather_object(notes)) if noted else []
        if failed:
            shown = ", ".join(sorted(set(gather_object(names))))
            raise TrainingError(f"the loss is not a number at step {step}, with {shown}; lower the learning rate.")
        self.state.finish_step()
        self.mark("rest")
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

    def unheard(self, notes: Sequence[str]) -> list[str]:
        """The notes that have not been heard before, each once."""
        new = [note for note in dict.fromkeys(notes) if note not in self.heard]
        self.heard.update(new)
        return new

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
