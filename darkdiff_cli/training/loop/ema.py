"""The averaged weights: what is scored and kept."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn


class Average:
    """Exponential moving average of a module's parameters.

    Args:
        module: the module that trains.
        decay: share of the old average kept at each step; ramped up at the beginning, so that the random start does
            not linger.
    """

    def __init__(self, module: nn.Module, decay: float) -> None:
        self.module, self.decay = module, decay
        self.weights: dict[str, Tensor] = {k: p.detach().clone() for k, p in module.named_parameters()}

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Take in the parameters after optimiser step `step` (1 is the first)."""
        decay = min(self.decay, (1 + step) / (10 + step))
        parameters = [parameter.detach() for _, parameter in self.module.named_parameters()]
        if parameters:
            torch._foreach_lerp_(list(self.weights.values()), parameters, 1 - decay)  # one kernel on a GPU

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Put the averaged weights in place for the duration of a block."""
        own = {name: p.detach().clone() for name, p in self.module.named_parameters()}
        try:
            self._copy(self.weights)
            yield
        finally:
            self._copy(own)

    @torch.no_grad()
    def _copy(self, weights: dict[str, Tensor]) -> None:
        for name, parameter in self.module.named_parameters():
            parameter.copy_(weights[name])
