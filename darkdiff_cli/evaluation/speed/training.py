"""Where the time and the memory of a training step go."""

import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from itertools import chain

import torch
from torch import Tensor

from darkdiff_cli.allocator import keep_freed_memory
from darkdiff_cli.errors import SettingsError
from darkdiff_cli.evaluation.speed.device import matrix_peak
from darkdiff_cli.evaluation.speed.marks import Marks
from darkdiff_cli.evaluation.speed.memory import PeakMemory
from darkdiff_cli.evaluation.speed.untrained import UntrainedRun
from darkdiff_cli.interrupt import StopRequest
from darkdiff_cli.training.cost import META, cost_of
from darkdiff_cli.training.loop.batches import Cut
from darkdiff_cli.training.loop.machine import make_accelerator
from darkdiff_cli.training.loop.memory import fitting
from darkdiff_cli.training.loop.trainer import Trainer
from darkdiff_cli.training.pairs import StageName
from darkdiff_models.devices import device_name

LATE = 1_000_000  # the step at which the clock starts: by then every player plays
WARM_UP = 3  # steps
PIECES = 3 + WARM_UP  # of work beside the steps that are measured, as `begin` counts them
PRECISIONS = {"no": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


@dataclass(frozen=True)
class TrainingSpeed:
    """What was seen of some steps of a stage.

    Attributes:
        recipe, stage, device, precision: what was trained, under what.
        batch_size, parts, crop: images of a step, the parts in which they pass, and their side in LRGB pixels.
        steps: how many were measured.
        seconds: of a step, the mean.
        seconds_by_part: of it, see `trainer.Part`.
        step_teraflop: arithmetic of a step, counted; with what gradient checkpointing computes again.
        device_teraflops: measured peak of square matrix products, per second.
        gigabytes: of weights, gradients, optimiser and averages, counted; on a GPU also of activations and workspaces,
            which are the rest of the peak.
        peak_gigabytes: of memory, see `PeakMemory`.
    """

    recipe: str
    stage: str
    device: str
    precision: str
    batch_size: int
    parts: int
    crop: int
    steps: int
    seconds: float
    seconds_by_part: dict[str, float]
    step_teraflop: float
    device_teraflops: float
    gigabytes: dict[str, float]
    peak_gigabytes: float

    @property
    def images_per_second(self) -> float:
        """The rate."""
        return self.batch_size / self.seconds

    @property
    def teraflops(self) -> float:
        """Arithmetic per second."""
        return self.step_teraflop / self.seconds

    @property
    def share_of_peak(self) -> float:
        """The same as a share of the device's matrix-product peak."""
        return self.teraflops / self.device_teraflops

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        rates = {name: getattr(self, name) for name in ("images_per_second", "teraflops", "share_of_peak")}
        return asdict(self) | rates


def run_training(
    run: UntrainedRun, name: StageName, kept: bool, steps: int, begin: Callable[[str], None]
) -> TrainingSpeed:
    """Train some steps of a stage and keep nothing.

    Args:
        run: what to train.
        name: of the stage.
        kept: see `UntrainedRun.data`.
        steps: that are measured, after a warm-up; the run's length is `LATE`, the warm-up and these.
        begin: called with what comes next, before everything that takes time.

    Raises:
        SettingsError: something that the stage needs is missing, or several processes share the batch.
        MemoryLimitError: a step does not fit into memory.
        KeyboardInterrupt: SIGINT or SIGTERM came.
    """
    accelerator = make_accelerator(run.settings)
    device = accelerator.device
    if accelerator.num_processes > 1:
        raise SettingsError("bench train measures one device; run it without accelerate launch or torchrun.")
    if device.type == "cpu":
        keep_freed_memory()
    begin("networks")
    stage = run.made(name, device)
    plan, cut = stage.optimisation, Cut.of(stage.optimisation, 0, 1)
    begin("pairs")
    data, marks, memory = run.data(name, stage, kept), Marks(device), PeakMemory(device)
    with fitting(stage.name, plan), StopRequest() as stop:
        trainer = Trainer(stage, accelerator, run.settings, cut, marks.mark)
        trainer.state.step = LATE
        parts = trainer.parts(data)
        for number in range(WARM_UP + steps):
            begin("warm-up" if number < WARM_UP else f"step {number - WARM_UP + 1}")
            if number == WARM_UP:
                memory.reset()
                marks.start()
                began = time.perf_counter()
            if trainer.step(parts, stop)[1]:
                raise KeyboardInterrupt
    by_part = marks.seconds()
    seconds = time.perf_counter() - began
    begin("arithmetic")
    return TrainingSpeed(
        recipe=run.recipe.name,
        stage=stage.name,
        device=device_name(device),
        precision=str(PRECISIONS[accelerator.mixed_precision]).removeprefix("torch."),
        batch_size=plan.batch_size,
        parts=cut.accumulation,
        crop=plan.crop,
        steps=steps,
        seconds=seconds / steps,
        seconds_by_part={part: spent / steps for part, spent in by_part.items()},
        gigabytes=(held := _held(trainer)) | _rest(held, memory.gigabytes(), device),
        peak_gigabytes=memory.gigabytes(),
        step_teraflop=cost_of(run.made(name, META), run.recipe.channels(name)).step_flops / 1e12,
        device_teraflops=matrix_peak(device, PRECISIONS[accelerator.mixed_precision]),
    )


def _held(trainer: Trainer) -> dict[str, float]:
    """Gigabytes that stay from step to step, and those of the gradients, by what they are."""
    stage, state = trainer.stage, trainer.state
    modules = [*state.modules.values(), *stage.frozen.values()]
    groups = [group for optimizer in state.optimizers.values() for group in optimizer.param_groups]
    return {
        "weights": _gigabytes(chain.from_iterable(chain(m.parameters(), m.buffers()) for m in modules)),
        "gradients": _gigabytes(p for group in groups for p in group["params"]),
        "optimiser": _gigabytes(
            value
            for optimizer in state.optimizers.values()
            for values in optimizer.state.values()
            for value in values.values()
            if isinstance(value, Tensor)
        ),
        "averages": _gigabytes(p for average in state.averages.values() for p in average.shadow_params),
    }


def _rest(held: dict[str, float], peak: float, device: torch.device) -> dict[str, float]:
    """What a GPU's peak holds beside that; of a processor's nobody can tell."""
    return {"activations": peak - sum(held.values())} if device.type == "cuda" else {}


def _gigabytes(tensors: Iterable[Tensor]) -> float:
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors) / 1e9
