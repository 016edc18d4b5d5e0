"""Checkpoints of a run: one safetensors file a step, written whole or not at all, and exact to resume from."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from darkdiff_cli.errors import TrainingError
from darkdiff_cli.training.loop.ema import Average


@dataclass
class RunState:
    """Everything that the next step depends on; randomness depends on seed and step alone (see Draws).

    Attributes:
        modules: what trains, by name.
        averages: the averaged weights of the modules that have them.
        optimizers: by player.
        scaler: of float16 losses; None in the other precisions.
        step: optimiser steps done.
    """

    modules: dict[str, nn.Module]
    averages: dict[str, Average]
    optimizers: dict[str, torch.optim.Optimizer]
    scaler: torch.amp.GradScaler | None = None
    step: int = 0

    def save(self, folder: Path, keep: int) -> Path:
        """Write `step-N.safetensors` and drop all but the newest `keep`.

        Raises:
            TrainingError: the disk is full or read-only; earlier checkpoints are whole.
        """
        path = folder / f"step-{self.step:08d}.safetensors"
        partial = path.with_suffix(".partial")
        groups = {player: optimizer.state_dict()["param_groups"] for player, optimizer in self.optimizers.items()}
        scaler = {} if self.scaler is None else self.scaler.state_dict()
        metadata = {"step": str(self.step), "groups": json.dumps(groups), "scaler": json.dumps(scaler)}
        try:
            folder.mkdir(parents=True, exist_ok=True)
            save_file(self._tensors(), str(partial), metadata=metadata)
            os.replace(partial, path)
        except (OSError, SafetensorError) as error:
            partial.unlink(missing_ok=True)
            raise TrainingError(f"{path}: the checkpoint cannot be written ({error}); free some space.") from error
        for old in sorted(folder.glob("step-*.safetensors"))[:-keep]:
            old.unlink()
        return path

    def load(self, path: Path) -> None:
        """Restore modules, averages, optimisers and step.

        Raises:
            TrainingError: the checkpoint is damaged, or belongs to networks of other shapes.
        """
        try:
            with safe_open(str(path), "pt") as file:
                tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
                metadata = file.metadata()
        except (OSError, SafetensorError) as error:
            raise TrainingError(f"{path}: is damaged ({error}); delete it to resume from the one before.") from error
        try:
            for name, module in self.modules.items():
                module.load_state_dict(_part(tensors, f"module/{name}/"))
            for name, average in self.averages.items():
                average.weights = _part(tensors, f"average/{name}/", like=average.weights)
            groups = json.loads(metadata["groups"])
            for player, optimizer in self.optimizers.items():
                state = _nested(_part(tensors, f"optimizer/{player}/"))
                optimizer.load_state_dict({"state": state, "param_groups": groups[player]})
            if self.scaler is not None and (scale := json.loads(metadata["scaler"])):
                self.scaler.load_state_dict(scale)
        except (RuntimeError, KeyError, ValueError) as error:
            raise TrainingError(f"{path}: does not fit the recipe's networks; choose another --output.") from error
        self.step = int(metadata["step"])

    def _tensors(self) -> dict[str, Tensor]:
        tensors = {}
        for name, module in self.modules.items():
            tensors.update({f"module/{name}/{k}": v for k, v in module.state_dict().items()})
        for name, average in self.averages.items():
            tensors.update({f"average/{name}/{k}": v for k, v in average.weights.items()})
        for player, optimizer in self.optimizers.items():
            for index, values in optimizer.state_dict()["state"].items():
                tensors.update({f"optimizer/{player}/{index}/{k}": torch.as_tensor(v) for k, v in values.items()})
        return {key: value.detach().to("cpu").contiguous() for key, value in tensors.items()}


def newest_checkpoint(folder: Path) -> Path | None:
    """The checkpoint of the highest step, or None."""
    return max(folder.glob("step-*.safetensors"), default=None)


def _part(tensors: dict[str, Tensor], prefix: str, like: dict[str, Tensor] | None = None) -> dict[str, Tensor]:
    part = {key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)}
    if like is None:
        return part
    return {key: part[key].to(value) for key, value in like.items()}


def _nested(flat: dict[str, Tensor]) -> dict[int, dict[str, Any]]:
    state: dict[int, dict[str, Any]] = {}
    for key, value in flat.items():
        index, name = key.split("/")
        state.setdefault(int(index), {})[name] = value
    return state
