"""Randomness of one training step, the same on every machine, however a batch is cut, and after every resume."""

import torch
from torch import Tensor

GOLDEN = 0.618034  # its multiples, whole numbers taken off, spread evenly however many there are


class Draws:
    """Random numbers of a step, drawn on the CPU from a generator that only the seed and the step decide.

    A batch may be cut into parts, over processes or one after the other: each part draws the numbers of the whole
    batch and keeps its own.

    Args:
        seed: of the run.
        step: of the optimiser.
        device: where the numbers are wanted.
        part, parts: which part of the batch this is.
    """

    def __init__(self, seed: int, step: int, device: torch.device, part: int = 0, parts: int = 1) -> None:
        self.generator = torch.Generator().manual_seed(seed * 1_000_003 + step)
        self.step, self.device, self.part, self.parts = step, device, part, parts

    def normal_like(self, like: Tensor) -> Tensor:
        """Standard normal numbers of the shape of this part's tensor."""
        whole = torch.randn((like.shape[0] * self.parts, *like.shape[1:]), generator=self.generator)
        return self._own(whole)

    def chosen(self, count: int, share: float) -> Tensor:
        """(count,) bool, each True with probability `share`."""
        return self._own(torch.rand(count * self.parts, generator=self.generator) < share)

    def timesteps(self, count: int, limit: int) -> Tensor:
        """(count,) integers in [0, limit), spread evenly: each batch covers the whole range (lower variance)."""
        whole = count * self.parts
        start = torch.rand(1, generator=self.generator)
        spread = (start + torch.arange(whole) / whole) % 1.0
        order = torch.randperm(whole, generator=self.generator)
        return self._own((spread[order] * limit).long())

    def place(self, period: int) -> Tensor:
        """(2,) integers in [0, period): a place of a square, each in its turn as the steps go by."""
        return torch.tensor([self.step % period, self.step // period % period]).to(self.device)

    def slant(self, round_of: int) -> Tensor:
        """() an angle in degrees: 0 for a round of so many steps, then one from 0 to 90 for each step of the next.

        All places of a square (`place`) have their turn in a round, with and without a slant.
        """
        upright = self.step // round_of % 2 == 0
        return torch.tensor(0.0 if upright else 90.0 * (self.step * GOLDEN % 1.0)).to(self.device)

    def _own(self, whole: Tensor) -> Tensor:
        return whole.chunk(self.parts)[self.part].to(self.device)
