"""The machine that a run finds: devices, processes, precision."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from accelerate import Accelerator

from darkdiff_cli.errors import SettingsError
from darkdiff_models.devices import autocast_dtype, pick_device

Precision = Literal["auto", "fp32", "bf16", "fp16"]
GPU_WORKERS = 4  # each keeps decoded photographs in memory
ACCELERATE_NAME = {"fp32": "no", "bf16": "bf16", "fp16": "fp16"}


@dataclass(frozen=True)
class RunSettings:
    """Settings of the machine, which do not change the result beyond rounding (a recipe's do).

    Attributes:
        output: folder of the run.
        seed: of all randomness.
        resume: go on from the newest checkpoint.
        workers: processes that make training pairs; 0 makes them in this one, None asks `data_workers`.
        device: "auto", "cpu", "cuda", "mps".
        precision: of the networks' arithmetic; "auto" is bf16 where the hardware multiplies it, else fp32.
        log_every, check_every: steps between lines of the log, and between health checks with a checkpoint.
        keep: checkpoints kept.
    """

    output: Path
    seed: int = 0
    resume: bool = False
    workers: int | None = None
    device: str = "auto"
    precision: Precision = "auto"
    log_every: int = 50
    check_every: int = 500
    keep: int = 2


def data_workers(settings: RunSettings, accelerator: Accelerator) -> int:
    """How many processes make pairs for this one: a GPU takes more pairs than one of them makes."""
    if settings.workers is not None:
        return settings.workers
    cores = (os.cpu_count() or 1) // accelerator.num_processes
    return max(1, min(GPU_WORKERS, cores - 1)) if accelerator.device.type == "cuda" else 1


def make_accelerator(settings: RunSettings) -> Accelerator:
    """The machine as Accelerate sees it: `accelerate launch` decides how many processes there are.

    Raises:
        SettingsError: the device is not there, or does not multiply in the precision.
    """
    try:
        device = pick_device(settings.device)
        name = settings.precision
        if name == "auto":
            name = "bf16" if autocast_dtype(device) is not None else "fp32"
        return Accelerator(cpu=device.type == "cpu", mixed_precision=ACCELERATE_NAME[name])
    except ValueError as error:
        raise SettingsError(f"{error}.") from error
