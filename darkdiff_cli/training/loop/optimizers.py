"""The optimiser that a plan names."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from darkdiff_cli.training.loop.muon import Muon, is_matrix
from darkdiff_cli.training.recipe.optimisation import Optimisation


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


def check_kept(optimizer: torch.optim.Optimizer, state: Mapping[int, Mapping[str, Tensor]]) -> None:
    """Check what an optimiser is to go on with: one that lacks a moment would only fail at its next step.

    Args:
        optimizer: as `make_optimizer` has made it, or Accelerate's wrapping of it.
        state: what it kept of its parameters, by their numbers and by name; of one without a gradient, nothing.

    Raises:
        LookupError, ValueError: it would not have kept this of these parameters.
    """
    muon = isinstance(getattr(optimizer, "optimizer", optimizer), Muon)
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
