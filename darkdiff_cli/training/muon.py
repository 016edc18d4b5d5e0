"""Muon: momentum whose step for a weight matrix is made orthogonal (Jordan et al. 2024), with Adam for the rest."""

from collections import defaultdict
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

MOMENTUM = 0.95
NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)  # Jordan's quintic: singular values end between about 0.7 and 1.2
ITERATIONS = 5
ADAM_RMS = 0.2  # of an Adam step at rate 1, so that one learning rate does for both (Liu et al. 2025, arXiv 2502.16982)
NARROW = 8  # channels; the first and the last convolution of a network stay with Adam


class Muon(torch.optim.Optimizer):
    """Orthogonal momentum for the weights of convolutions and projections, Adam for norms, biases and thin layers.

    The weight of a convolution counts as a matrix (out_channels, in_channels * height * width). Its step has the size
    that Adam's usually has, so the learning rates of Adam apply.

    Args:
        groups: parameter groups, each with `params`; other keys are kept.
        lr: learning rate of groups without their own.
        betas: of Adam.
        eps: of Adam.
    """

    def __init__(
        self, groups: list[dict[str, Any]], lr: float, betas: tuple[float, float] = (0.9, 0.99), eps: float = 1e-8
    ) -> None:
        super().__init__(groups, {"lr": lr, "betas": betas, "eps": eps})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """One step on the gradients at hand; parameters without a gradient stay as they are."""
        assert closure is None
        for group in self.param_groups:
            alike: dict[torch.Size, list[tuple[Tensor, Tensor]]] = defaultdict(list)
            for parameter in group["params"]:
                gradient = parameter.grad
                if gradient is None:
                    continue
                if is_matrix(parameter):
                    direction = self._momentum(parameter, gradient)
                    alike[direction.shape].append((parameter, direction))
                else:
                    self._adam(parameter, gradient, group)
            for shape, members in alike.items():
                size = group["lr"] * ADAM_RMS * max(shape) ** 0.5
                steps = orthogonalised(torch.stack([direction for _, direction in members]))
                for (parameter, _), step in zip(members, steps, strict=True):
                    parameter.sub_(step.to(parameter.dtype).view_as(parameter), alpha=size)

    def _momentum(self, parameter: Tensor, gradient: Tensor) -> Tensor:
        """Nesterov's look ahead along the averaged gradient, as a matrix."""
        state = self.state[parameter]
        if not state:
            state["momentum"] = torch.zeros_like(parameter)
        state["momentum"].lerp_(gradient, 1 - MOMENTUM)
        return gradient.lerp(state["momentum"], MOMENTUM).reshape(parameter.shape[0], -1)

    def _adam(self, parameter: Tensor, gradient: Tensor, group: dict[str, Any]) -> None:
        """Kingma and Ba's step."""
        (first, second), state = group["betas"], self.state[parameter]
        if not state:
            state["step"] = torch.zeros(())
            state["mean"], state["square"] = torch.zeros_like(parameter), torch.zeros_like(parameter)
        state["step"] += 1
        state["mean"].lerp_(gradient, 1 - first)
        state["square"].lerp_(gradient**2, 1 - second)
        count = float(state["step"])
        mean, square = state["mean"] / (1 - first**count), state["square"] / (1 - second**count)
        parameter.addcdiv_(mean, square.sqrt_().add_(group["eps"]), value=-group["lr"])


def is_matrix(parameter: Tensor) -> bool:
    """Whether a parameter mixes many channels into many."""
    return parameter.ndim >= 2 and min(parameter.shape[:2]) > NARROW


def orthogonalised(matrices: Tensor) -> Tensor:
    """Bring all singular values of matrices near to 1, by Newton and Schulz' iteration in bfloat16.

    Args:
        matrices: (count, rows, columns) of any scale.

    Returns:
        (count, rows, columns) bfloat16 with the same singular vectors; zeros stay zeros.
    """
    a, b, c = NEWTON_SCHULZ
    tall = matrices.shape[1] > matrices.shape[2]
    x = matrices.mT if tall else matrices
    x = (x / (x.norm(dim=(1, 2), keepdim=True) + 1e-12)).bfloat16()
    for _ in range(ITERATIONS):
        square = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(square, square, square, beta=b, alpha=c), x, beta=a)
    return x.mT if tall else x
