"""Muon: momentum whose step for a weight matrix is made orthogonal (Jordan et al. 2024), with Adam for the rest."""

from collections import defaultdict
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.optim.adam import adam

from darkdiff_models.devices import autocast_dtype

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
            learning = [parameter for parameter in group["params"] if parameter.grad is not None]
            alike: dict[tuple[int, int], list[Tensor]] = defaultdict(list)
            for parameter in learning:
                if is_matrix(parameter):
                    rows = parameter.shape[0]
                    alike[rows, parameter.numel() // rows].append(parameter)
            for shape, matrices in alike.items():
                self._orthogonal(matrices, group["lr"] * ADAM_RMS * max(shape) ** 0.5)
            if rest := [parameter for parameter in learning if not is_matrix(parameter)]:
                self._adam(rest, group)

    def _orthogonal(self, parameters: list[Tensor], size: float) -> None:
        """Step along Nesterov's look ahead of matrices of one shape, made orthogonal together."""
        for parameter in parameters:
            if not self.state[parameter]:
                self.state[parameter]["momentum"] = torch.zeros_like(parameter)
        momenta = [self.state[parameter]["momentum"] for parameter in parameters]
        gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
        torch._foreach_lerp_(momenta, gradients, 1 - MOMENTUM)
        ahead = torch._foreach_lerp(gradients, momenta, MOMENTUM)
        steps = orthogonalised(torch.stack([direction.reshape(len(direction), -1) for direction in ahead]))
        shaped = [step.view_as(parameter) for step, parameter in zip(steps, parameters, strict=True)]
        torch._foreach_add_(parameters, shaped, alpha=-size)

    def _adam(self, parameters: list[Tensor], group: dict[str, Any]) -> None:
        """Kingma and Ba's step."""
        for parameter in parameters:
            if not self.state[parameter]:
                self.state[parameter]["step"] = torch.zeros(())
                self.state[parameter] |= {name: torch.zeros_like(parameter) for name in ("mean", "square")}
        states = [self.state[parameter] for parameter in parameters]
        (first, second), gradients = group["betas"], [p.grad for p in parameters if p.grad is not None]
        means, squares, counts = ([state[name] for state in states] for name in ("mean", "square", "step"))
        adam(
            parameters, gradients, means, squares, [], counts, amsgrad=False, beta1=first, beta2=second,
            lr=group["lr"], weight_decay=0.0, eps=group["eps"], maximize=False,
        )  # fmt: skip


def is_matrix(parameter: Tensor) -> bool:
    """Whether a parameter mixes many channels into many."""
    return parameter.ndim >= 2 and min(parameter.shape[:2]) > NARROW


def orthogonalised(matrices: Tensor) -> Tensor:
    """Bring all singular values of matrices near to 1, by Newton and Schulz' iteration.

    bfloat16 is precise enough for it; where the hardware does not multiply that natively, it takes hundreds of times
    as long as fp32.

    Args:
        matrices: (count, rows, columns) fp32 of any scale.

    Returns:
        (count, rows, columns) fp32 with the same singular vectors; zeros stay zeros.
    """
    a, b, c = NEWTON_SCHULZ
    tall = matrices.shape[1] > matrices.shape[2]
    x = matrices.mT if tall else matrices
    x = (x / (x.norm(dim=(1, 2), keepdim=True) + 1e-12)).to(autocast_dtype(x.device) or x.dtype)
    for _ in range(ITERATIONS):
        square = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(square, square, square, beta=b, alpha=c), x, beta=a)
    return (x.mT if tall else x).to(matrices.dtype)
