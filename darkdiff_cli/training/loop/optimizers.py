"""The optimiser that a plan names."""

from typing import Any

import torch

from darkdiff_cli.training.loop.muon import Muon
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
