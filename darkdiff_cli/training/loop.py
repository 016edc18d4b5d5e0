"""The one training loop: steps, averaging, health checks, checkpoints, exact resume."""

import json
import math
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from torch.utils.data import DataLoader, Dataset

from darkdiff_cli.datasets import Pair, collate
from darkdiff_cli.errors import TrainingError
from darkdiff_cli.training.draws import Draws
from darkdiff_cli.training.ema import Average
from darkdiff_cli.training.recipe import Optimisation
from darkdiff_cli.training.stage import Numbers, Stage
from darkdiff_cli.training.state import RunState, newest_checkpoint
from darkdiff_models.devices import autocast_dtype, pick_device

Report = Callable[[str, int, int, Numbers], None]
"""(what, step, steps in all, numbers)."""

HEALTH_IMAGES = 16


@dataclass(frozen=True)
class RunSettings:
    """Settings of the machine, which do not change the result (a recipe's do).

    Attributes:
        output: folder of the run.
        seed: of all randomness.
        resume: go on from the newest checkpoint.
        workers: processes that make training pairs; 0 makes them in this one.
        device: "auto", "cpu", "cuda", "mps".
        log_every, check_every: steps between lines of the log, and between health checks with a checkpoint.
        keep: checkpoints kept.
    """

    output: Path
    seed: int = 0
    resume: bool = False
    workers: int = 1
    device: str = "auto"
    log_every: int = 50
    check_every: int = 500
    keep: int = 2


def train(stage: Stage, data: Dataset[Pair], held_out: Dataset[Pair], settings: RunSettings, report: Report) -> None:
    """Train a stage to its end and export it to `settings.output / stage.name`.

    Args:
        stage: what trains.
        data: training pairs by index; step s takes the items s * batch_size onwards.
        held_out: pairs for the health checks.
        settings: of the machine.
        report: takes the numbers of each logged step and health check.

    Raises:
        TrainingError: a loss is no number, or a checkpoint cannot be read or written.
        KeyboardInterrupt: passed on after a checkpoint was saved.
    """
    plan, device = stage.optimisation, pick_device(settings.device)
    accelerator = Accelerator(cpu=device.type == "cpu", mixed_precision="bf16" if autocast_dtype(device) else "no")
    for module in [*stage.trained.values(), *stage.frozen.values()]:
        module.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizer = torch.optim.AdamW(stage.parameter_groups(), lr=plan.learning_rate, betas=plan.betas, weight_decay=0.0)
    state = RunState(stage.trained, {n: Average(m, plan.ema_decay) for n, m in stage.trained.items()}, optimizer)
    folder = settings.output / stage.name
    newest = newest_checkpoint(folder / "checkpoints") if settings.resume else None
    if newest is not None:
        state.load(newest)
    checks = collate([held_out[i] for i in range(HEALTH_IMAGES)]).to(device)
    try:
        batches = _batches(data, state.step, plan, settings)
        while state.step < plan.steps:
            numbers = _step(stage, state, next(batches).to(device), accelerator, settings.seed)
            done = state.step
            if done % settings.log_every == 0 or done == plan.steps:
                _log(folder, "loss", done, numbers)
                report("loss", done, plan.steps, numbers)
            if done % settings.check_every == 0 or done == plan.steps:
                _check(stage, state, checks, folder, settings, report)
    except KeyboardInterrupt:
        state.save(folder / "checkpoints", settings.keep)
        raise
    with ExitStack() as stack:
        for average in state.averages.values():
            stack.enter_context(average.applied())
        stage.export(folder)


def _step(stage: Stage, state: RunState, pair: Pair, accelerator: Accelerator, seed: int) -> Numbers:
    """One optimiser step; the learning rate follows from the step alone."""
    plan, began = stage.optimisation, time.perf_counter()
    rate = learning_rate(plan, state.step)
    for group in state.optimizer.param_groups:
        group["lr"] = rate * group["factor"]
    with accelerator.autocast():
        loss, numbers = stage.loss(pair, Draws(seed, state.step, pair.noisy_lrgb.device))
    if not math.isfinite(loss.item()):
        raise TrainingError(
            f"the loss is not a number at step {state.step}, with {', '.join(pair.names)}; lower the rate."
        )
    state.optimizer.zero_grad(set_to_none=True)
    accelerator.backward(loss)
    parameters = [p for group in state.optimizer.param_groups for p in group["params"]]
    norm = accelerator.clip_grad_norm_(parameters, plan.clip_grad_norm)
    state.optimizer.step()
    state.step += 1
    for average in state.averages.values():
        average.update(state.step)
    seconds = time.perf_counter() - began
    return {**numbers, "gradient": float(norm), "learning_rate": rate, "seconds": seconds}


def learning_rate(plan: Optimisation, step: int) -> float:
    """Linear warm-up, then a cosine from the peak down to the final rate."""
    if step < plan.warmup:
        return plan.learning_rate * (step + 1) / plan.warmup
    progress = (step - plan.warmup) / max(1, plan.steps - plan.warmup)
    share = 0.5 * (1 + math.cos(math.pi * min(1.0, progress)))
    return plan.final_learning_rate + (plan.learning_rate - plan.final_learning_rate) * share


@torch.no_grad()
def _check(stage: Stage, state: RunState, checks: Pair, folder: Path, settings: RunSettings, report: Report) -> None:
    with ExitStack() as stack:
        for average in state.averages.values():
            stack.enter_context(average.applied())
        numbers = stage.health(checks, Draws(settings.seed, 0, checks.noisy_lrgb.device))
    state.save(folder / "checkpoints", settings.keep)
    _log(folder, "health", state.step, numbers)
    report("health", state.step, stage.optimisation.steps, numbers)


def _batches(data: Dataset[Pair], first: int, plan: Optimisation, settings: RunSettings) -> Iterator[Pair]:
    """Batches from step `first` on; worker processes are spawned, since LibRaw's threads do not survive a fork."""
    order = range(first * plan.batch_size, plan.steps * plan.batch_size)
    workers: dict[str, Any] = {}
    if settings.workers > 0:
        workers = {"num_workers": settings.workers, "multiprocessing_context": "spawn", "prefetch_factor": 4}
    return iter(DataLoader(data, batch_size=plan.batch_size, sampler=order, collate_fn=collate, **workers))


def _log(folder: Path, what: str, step: int, numbers: Numbers) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "log.jsonl").open("a", encoding="utf-8") as file:
        file.write(
            json.dumps({"what": what, "step": step, **{k: float(f"{v:.5g}") for k, v in numbers.items()}}) + "\n"
        )
