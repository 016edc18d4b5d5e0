"""The optimiser that a plan names."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from darkdiff_cli.errors import shown
from darkdiff_cli.training.loop.checkpoints import DamageError, is_number
from darkdiff_cli.training.loop.muon import Muon, is_matrix
from darkdiff_cli.training.recipe.optimisation import Optimisation

KEPT_BY = {"muon": {"momentum", "mean", "square"}, "adam": {"exp_avg", "exp_avg_sq"}}
"""What only one of the optimisers keeps of a parameter."""
SQUARES = {"exp_avg_sq", "square"}  # the means of squared gradients that optimisers keep


class OtherOptimizerError(ValueError):
    """A checkpoint is another optimiser's; its text says whose, and which it should be."""


def make_optimizer(plan: Optimisation, groups: list[dict[str, Any]], device: torch.device) -> torch.optim.Optimizer:
    """Make it for parameters that are on their device.

    Args:
        plan: names it, with its rates.
        groups: of parameters, see `Stage.parameter_groups`.
        device: of the parameters. On CUDA one kernel does all of Adam's step; its unfused step would need memory for
            copies of all gradients.
    """
    if plan.optimizer == "muon":
        return Muon(groups, lr=plan.learning_rate, betas=plan.betas)
    return torch.optim.Adam(groups, lr=plan.learning_rate, betas=plan.betas, fused=device.type == "cuda")


def check_groups(kept: Sequence[Mapping[str, Any]], own: Sequence[Mapping[str, Any]]) -> None:
    """Check the groups of a checkpoint against the optimiser's, whose settings are the recipe's and stay.

    Args:
        kept, own: groups of parameters as `state_dict` of an optimiser gives them.

    Raises:
        LookupError, ValueError: they are of other parameters.
        DamageError: a setting has a value that it cannot have.
    """
    for group, mine in zip(kept, own, strict=True):
        if any(group[key] != mine[key] for key in ("name", "params") if key in mine):
            raise ValueError("other groups of parameters")
        for key, value in mine.items():
            if key in group and not _is_setting(group[key], value):
                raise DamageError(f"{key} of its optimiser is {shown(group[key])}")


def _is_setting(kept: object, own: object) -> bool:
    """Whether a value that was read from JSON has the form of one of an optimiser's settings."""
    if isinstance(own, tuple | list):
        alike = isinstance(kept, list) and len(kept) == len(own)
        return alike and all(map(_is_setting, kept, own))  # type: ignore[call-overload]
    if isinstance(own, bool) or own is None:
        return isinstance(kept, bool) or kept is None
    return isinstance(kept, str) if isinstance(own, str) else is_number(kept)


def check_kept(optimizer: torch.optim.Optimizer, state: Mapping[int, Mapping[str, Tensor]], done: int) -> None:
    """Check what an optimiser is to go on with: one that lacks a moment would only fail at its next step.

    Args:
        optimizer: as `make_optimizer` has made it, or Accelerate's wrapping of it.
        state: what it kept of its parameters, by their numbers and by name; of one without a gradient, nothing.
        done: steps of the run.

    Raises:
        OtherOptimizerError: the other one has kept it.
        LookupError, ValueError: it would not have kept this of these parameters.
        DamageError: it never keeps such values.
    """
    muon = isinstance(getattr(optimizer, "optimizer", optimizer), Muon)
    own, other = ("muon", "adam") if muon else ("adam", "muon")
    names = {name for kept in state.values() for name in kept}
    if names & KEPT_BY[other] and not names & KEPT_BY[own]:
        raise OtherOptimizerError(f"was trained with optimizer: {other}, and the recipe says {own}")
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    for index, kept in state.items():
        parameter = parameters[index]
        moments = {"exp_avg", "exp_avg_sq"}
        if muon:
            moments = {"momentum"} if is_matrix(parameter) else {"mean", "square"}
        if kept.keys() - {"step"} != moments or ("step" in kept) == (moments == {"momentum"}):
            raise ValueError(f"an optimiser does not keep {sorted(kept)}")
        for name, value in kept.items():
            if value.shape != (() if name == "step" else parameter.shape) or not value.is_floating_point():
                raise ValueError(f"{name} is not of the parameter's shape")
            if name in SQUARES and (value < 0).any():
                raise DamageError(f"{name} of its optimiser is below zero")
            if name == "step" and not ((count := float(value)).is_integer() and 0 <= count <= done):
                raise DamageError(f"step of its optimiser is {count:g}")
