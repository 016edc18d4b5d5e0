"""The files of checkpoints: which there are, and what one holds, read whole and believed only where it makes sense."""

import json
import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from darkdiff_cli.errors import TrainingError, shown
from darkdiff_cli.training.loop.terms import Terms

NAME = re.compile(r"step-([0-9]{8,})\.safetensors")
PARTS = ("module", "average", "optimizer")  # that its tensors' names begin with


class DamageError(ValueError):
    """A checkpoint holds what no run writes, whatever its recipe."""


@dataclass(frozen=True)
class Checkpoint:
    """What a checkpoint holds.

    Attributes:
        tensors: by name.
        step: optimiser steps done.
        groups: of parameters, with their settings, by player.
        scaler: of float16 losses; empty in the other precisions.
        terms: of the run that wrote it; empty where an earlier version did.
    """

    tensors: dict[str, Tensor]
    step: int
    groups: dict[str, list[dict[str, Any]]]
    scaler: dict[str, Any]
    terms: Terms

    @classmethod
    def read(cls, path: Path) -> "Checkpoint":
        """Read `step-N.safetensors`.

        Raises:
            TrainingError: it is damaged: no file, not whole, or with numbers and notes that none of ours has.
        """
        try:
            if not path.is_file():
                raise ValueError("it is no file")
            with safe_open(str(path), "pt") as file:
                tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
                notes = file.metadata() or {}
            step, groups, scaler = (json.loads(notes.get(name, "null")) for name in ("step", "groups", "scaler"))
            if type(step) is not int or step != step_of(path):
                raise ValueError("its step is not that of its name")
            terms = json.loads(notes.get("terms", "{}"))
            if not isinstance(terms, dict):
                raise ValueError("its terms are none")
            if not (isinstance(groups, dict) and all(_is_groups(value) for value in groups.values())):
                raise ValueError("its groups of parameters are none")
            if not (isinstance(scaler, dict) and all(is_number(value) for value in scaler.values())):
                raise ValueError("its scaler is none")
            if notes.get("tensors", str(len(tensors))) != str(len(tensors)):  # the first versions did not count them
                raise ValueError(f"it holds {len(tensors)} tensors of {shown(notes['tensors'])}")
            if strange := next((key for key in tensors if key.partition("/")[0] not in PARTS), None):
                raise ValueError(f"it holds {shown(strange)}")
            if not all(torch.isfinite(value).all() for value in tensors.values()):
                raise ValueError("it holds values that are no numbers")
        except (OSError, SafetensorError, ValueError, RecursionError) as error:
            raise damaged(path, error) from error
        return cls(tensors, step, groups, scaler, terms)

    def part(self, prefix: str) -> dict[str, Tensor]:
        """The tensors whose names begin so, by the rest of their names."""
        return {key.removeprefix(prefix): value for key, value in self.tensors.items() if key.startswith(prefix)}

    def optimizer_state(self, player: str) -> dict[int, dict[str, Tensor]]:
        """What a player's optimiser keeps, by number of the parameter and name.

        Raises:
            ValueError: a name has no number in it.
        """
        state: dict[int, dict[str, Tensor]] = {}
        for key, value in self.part(f"optimizer/{player}/").items():
            index, name = key.split("/")
            state.setdefault(int(index), {})[name] = value
        return state


def damaged(path: Path, error: Exception) -> TrainingError:
    """What is said of a checkpoint that cannot be believed, and why."""
    return TrainingError(
        f"{path}: is damaged ({error}); delete it to resume from the one before, or, if there is none, choose another "
        "--output."
    )


def is_number(value: object) -> bool:
    """Whether a value that was read from JSON is a finite number from 0 on, as all settings of optimisers are."""
    return type(value) in (int, float) and 0 <= value < math.inf  # type: ignore[operator]


def _is_groups(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(group, dict) for group in value)


def step_of(path: Path) -> int | None:
    """The step in a checkpoint's name; None where it is no such name."""
    named = NAME.fullmatch(path.name)
    return int(named[1]) if named else None


def checkpoints(folder: Path) -> list[Path]:
    """The checkpoints of a folder in the order of their steps."""
    found = ((step_of(path), path) for path in folder.glob("step-*.safetensors"))
    return [path for _, path in sorted((step, path) for step, path in found if step is not None)]


def newest_checkpoint(folder: Path) -> Path | None:
    """The checkpoint of the highest step, or None."""
    return next(reversed(checkpoints(folder)), None)
