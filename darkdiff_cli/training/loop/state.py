"""The state of a run, kept in checkpoints: one safetensors file a step, whole or not at all, exact to resume from."""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import torch
from diffusers.training_utils import EMAModel
from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor, nn

from darkdiff_cli.errors import OutputError, TrainingError
from darkdiff_cli.files import atomically, remove_partials
from darkdiff_cli.training.loop.checkpoints import Checkpoint, DamageError, checkpoints, damaged
from darkdiff_cli.training.loop.optimizers import OtherOptimizerError, check_groups, check_kept
from darkdiff_cli.training.loop.terms import Terms


@dataclass
class RunState:
    """Everything that the next step depends on; randomness depends on seed and step alone (see Draws).

    Attributes:
        modules: what trains, by name.
        averages: of modules by name, see `moving_averages`; what is scored and kept.
        optimizers: by player.
        scaler: of float16 losses; None in the other precisions.
        step: optimiser steps done.
        terms: of the run; checkpoints keep them.
    """

    modules: dict[str, nn.Module]
    averages: dict[str, EMAModel]
    optimizers: dict[str, torch.optim.Optimizer]
    scaler: torch.amp.GradScaler | None = None
    step: int = 0
    terms: Terms = field(default_factory=dict)

    def finish_step(self) -> None:
        """Count an optimiser step, and let the averages take in its weights."""
        self.step += 1
        for name, average in self.averages.items():
            average.step(self.modules[name].parameters())

    @contextmanager
    def averaged(self) -> Iterator[None]:
        """The averaged weights in place for a block; afterwards the modules' own are back."""
        pairs = [(average, list(self.modules[name].parameters())) for name, average in self.averages.items()]
        for average, parameters in pairs:
            average.store(parameters)
        try:
            for average, parameters in pairs:
                average.copy_to(parameters)
            yield
        finally:
            for average, parameters in pairs:
                average.restore(parameters)

    def save(self, folder: Path, keep: int) -> Path:
        """Write `step-N.safetensors` and drop all but the newest `keep`.

        Raises:
            TrainingError: the disk is full or read-only; earlier checkpoints are whole.
        """
        path = folder / f"step-{self.step:08d}.safetensors"
        groups = {player: optimizer.state_dict()["param_groups"] for player, optimizer in self.optimizers.items()}
        scaler = {} if self.scaler is None else self.scaler.state_dict()
        tensors = self._tensors()
        notes = {"step": self.step, "tensors": len(tensors), "groups": groups, "scaler": scaler, "terms": self.terms}
        metadata = {name: json.dumps(value) for name, value in notes.items()}
        try:
            remove_partials(folder)  # of a run that was killed
            atomically(path, lambda partial: save_file(tensors, str(partial), metadata=metadata))
        except (OSError, OutputError, SafetensorError) as error:
            raise TrainingError(
                f"{path}: the checkpoint cannot be written ({reason_of(error)}); free some space and go on with "
                "--resume."
            ) from error
        for old in checkpoints(folder)[:-keep]:
            old.unlink()
        return path

    def load(self, path: Path) -> Terms:
        """Restore modules, averages, optimisers and step.

        Returns:
            The terms of the run that wrote the checkpoint.

        Raises:
            TrainingError: the checkpoint is damaged, or belongs to networks of other shapes or to another optimiser.
        """
        found = Checkpoint.read(path)
        try:
            for name, module in self.modules.items():
                _check_like(found.part(f"module/{name}/"), module.state_dict())
                module.load_state_dict(found.part(f"module/{name}/"))
            for name, average in self.averages.items():
                kept = found.part(f"average/{name}/")
                _check_like(kept, self._average(name))
                for key, value in self._average(name).items():
                    value.copy_(kept[key])
                average.optimization_step = found.step
            for player, optimizer in self.optimizers.items():
                state, own = found.optimizer_state(player), optimizer.state_dict()["param_groups"]
                check_groups(found.groups[player], own)
                check_kept(optimizer, state, found.step)
                optimizer.load_state_dict({"state": state, "param_groups": own})
            if self.scaler is not None and found.scaler:
                self.scaler.load_state_dict(found.scaler)
        except DamageError as error:
            raise damaged(path, error) from error
        except OtherOptimizerError as error:
            raise TrainingError(f"{path}: {error}; set it as it was, or choose another --output.") from error
        except (LookupError, RuntimeError, TypeError, ValueError) as error:
            raise TrainingError(f"{path}: does not fit the recipe's networks; choose another --output.") from error
        self.step = found.step
        return found.terms

    def _average(self, name: str) -> dict[str, Tensor]:
        """A module's averaged weights by parameter."""
        names = (key for key, _ in self.modules[name].named_parameters())
        return dict(zip(names, self.averages[name].shadow_params, strict=True))

    def _tensors(self) -> dict[str, Tensor]:
        tensors = {}
        for name, module in self.modules.items():
            tensors.update({f"module/{name}/{k}": v for k, v in module.state_dict().items()})
        for name in self.averages:
            tensors.update({f"average/{name}/{k}": v for k, v in self._average(name).items()})
        for player, optimizer in self.optimizers.items():
            for index, values in optimizer.state_dict()["state"].items():
                tensors.update({f"optimizer/{player}/{index}/{k}": torch.as_tensor(v) for k, v in values.items()})
        return {key: value.detach().to("cpu").contiguous() for key, value in tensors.items()}


def moving_averages(modules: Mapping[str, nn.Module], decay: float) -> dict[str, EMAModel]:
    """Exponential moving averages of modules' parameters; a module without any has none.

    After optimiser step s (1 is the first) a share of min(decay, (1 + s) / (10 + s)) of the old average is kept, so
    that the random start does not linger.

    Args:
        modules: by name.
        decay: share of the old average that is kept in the end.
    """
    # EMAModel begins its warm-up one step late, with s = 0, unless it is told that the updates began a step earlier.
    warm = {"decay": decay, "update_after_step": -1}
    return {
        name: EMAModel(module.parameters(), foreach=True, **warm)
        for name, module in modules.items()
        if any(True for _ in module.parameters())
    }


def reason_of(error: Exception) -> str:
    """Why something could not be written, in the system's words; safetensors quotes them."""
    cause = error.__cause__ if isinstance(error, OutputError) else error
    quoted = re.search(r'(?:I/O error: |message: ")([^("]+?)(?: \(|")', str(cause))
    return quoted[1] if quoted else getattr(cause, "strerror", None) or str(cause)


def _check_like(stored: Mapping[str, Tensor], own: Mapping[str, Tensor]) -> None:
    """Check that tensors are of the names, shapes and types of others.

    Raises:
        ValueError: they are not.
    """
    form = {key: (value.shape, value.dtype) for key, value in own.items()}
    if {key: (value.shape, value.dtype) for key, value in stored.items()} != form:
        raise ValueError("other names, shapes or types")
