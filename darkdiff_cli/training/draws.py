"""Randomness of one training step, the same on every machine and after every resume."""

import torch
from torch import Tensor


class Draws:
    """Random numbers of a step, drawn on the CPU from a generator that only the seed and the step decide.

    Args:
        seed: of the run.
        step: of the optimiser.
        device: where the numbers are wanted.
    """

    def __init__(self, seed: int, step: int, device: torch.device) -> None:
        self.generator = torch.Generator().manual_seed(seed * 1_000_003 + step)
        self.device = device

    def normal_like(self, like: Tensor) -> Tensor:
        """Standard normal numbers of a tensor's shape."""
        return torch.randn(like.shape, generator=self.generator).to(self.device)

    def chosen(self, count: int, share: float) -> Tensor:
        """(count,) bool, each True with probability `share`."""
        return (torch.rand(count, generator=self.generator) < share).to(self.device)

    def timesteps(self, count: int, limit: int) -> Tensor:
        """(count,) integers in [0, limit), spread evenly: each batch covers the whole range (lower variance)."""
        start = torch.rand(1, generator=self.generator)
        spread = (start + torch.arange(count) / count) % 1.0
        order = torch.randperm(count, generator=self.generator)
        return (spread[order] * limit).long().to(self.device)
