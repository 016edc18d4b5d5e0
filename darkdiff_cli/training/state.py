"""Checkpoints of a run: one safetensors file a step, written whole or not at all, and exact to resume from."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from darkdiff_cli.errors import TrainingError
from darkdiff_cli.training.ema import Average


@dataclass
class RunState:
    """Everything that the next step depends on; randomness depends on seed and step alone (see Draws)."""

    modules: dict[str, nn.Module]
    averages: dict[str, Average]
    optimizer: torch.optim.Optimizer
    step: int = 0

    def save(self, folder: Path, keep: int) -> Path:
        """Write `step-N.safetensors` and drop all but the newest `keep`.

        Raises:
            TrainingError: the disk is full or read-only; earlier checkpoints are whole.
        """
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"step-{self.step:08d}.safetensors"
        partial = path.with_suffix(".partial")
        try:
            save_file(self._tensors(), str(partial), metadata={"step": str(self.step), "groups": self._groups()})
            os.replace(partial, path)
        except Exception as error:
            partial.unlink(missing_ok=True)
            raise TrainingError(f"{path}: the checkpoint cannot be written ({error}); free some space.") from error
        for old in sorted(folder.glob("step-*.safetensors"))[:-keep]:
            old.unlink()
        return path

    def load(self, path: Path) -> None:
        """Restore modules, averages, optimiser and step.

        Raises:
            TrainingError: the checkpoint belongs to networks of other shapes.
        """
        with safe_open(str(path), "pt") as file:
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
            metadata = file.metadata()
        try:
            for name, module in self.modules.items():
                module.load_state_dict(_part(tensors, f"module/{name}/"))
            for name, average in self.averages.items():
                average.weights = _part(tensors, f"average/{name}/", like=average.weights)
        except (RuntimeError, KeyError) as error:
            raise TrainingError(f"{path}: does not fit the recipe's networks; choose another --output.") from error
        state: dict[int, dict[str, Tensor]] = {}
        for key, value in _part(tensors, "optimizer/").items():
            index, name = key.split("/")
            state.setdefault(int(index), {})[name] = value
        self.optimizer.load_state_dict({"state": state, "param_groups": json.loads(metadata["groups"])})
        self.step = int(metadata["step"])

    def _tensors(self) -> dict[str, Tensor]:
        tensors = {}
        for name, module in self.modules.items():
            tensors.update({f"module/{name}/{k}": v for k, v in module.state_dict().items()})
        for name, average in self.averages.items():
            tensors.update({f"average/{name}/{k}": v for k, v in average.weights.items()})
        for index, values in self.optimizer.state_dict()["state"].items():
            tensors.update({f"optimizer/{index}/{k}": torch.as_tensor(v) for k, v in values.items()})
        return {key: value.detach().cpu().contiguous().clone() for key, value in tensors.items()}

    def _groups(self) -> str:
        groups: list[dict[str, Any]] = self.optimizer.state_dict()["param_groups"]
        return json.dumps(groups)


def newest_checkpoint(folder: Path) -> Path | None:
    """The checkpoint with the highest step, None if there is none."""
    return max(folder.glob("step-*.safetensors"), default=None)


def _part(tensors: dict[str, Tensor], prefix: str, like: dict[str, Tensor] | None = None) -> dict[str, Tensor]:
    part = {key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)}
    return part if like is None else {key: part[key].to(value) for key, value in like.items()}
