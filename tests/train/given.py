"""Draws and pairs that a test knows, so that losses can be written out by hand."""

import torch
from torch import Tensor

from darkdiff_cli.datasets import Pair
from darkdiff_cli.training.loop.draws import Draws

NOISE = 0.5  # the one number that is drawn wherever noise is


class Given(Draws):
    """Draws of a step whose outcome is known.

    Args:
        step: of the optimiser.
        timesteps: that are drawn for the whole batch.
        chosen: which images of the whole batch are chosen with a share; none with any other share.
        part, parts: which part of the batch this is.
    """

    def __init__(
        self,
        step: int = 0,
        timesteps: list[int] | None = None,
        chosen: dict[float, list[bool]] | None = None,
        part: int = 0,
        parts: int = 1,
    ) -> None:
        super().__init__(0, step, torch.device("cpu"), part, parts)
        self.given, self.masks = timesteps or [], chosen or {}

    def normal_like(self, like: Tensor) -> Tensor:
        """The same number everywhere."""
        return torch.full_like(like, NOISE)

    def chosen(self, count: int, share: float) -> Tensor:
        """The images that the test names for this share."""
        return self._own(torch.tensor(self.masks.get(share, [False] * count * self.parts)))

    def timesteps(self, count: int, limit: int) -> Tensor:
        """The timesteps that the test names."""
        assert len(self.given) == count * self.parts
        return self._own(torch.tensor(self.given))


def pair_of(batch: int, channels: int = 3, size: int = 32) -> Pair:
    """Random images, each of its own brightness, so that no two of them give the same loss."""
    generator = torch.Generator().manual_seed(1)
    level = torch.linspace(0.2, 0.9, batch).view(-1, 1, 1, 1)
    images = [level * torch.rand((batch, channels, size, size), generator=generator) for _ in range(3)]
    return Pair(*images, tuple(str(index) for index in range(batch)))


def kl(mean: Tensor, std: Tensor, pixels: int) -> Tensor:
    """KL divergence of N(mean, std^2) from N(0, 1), summed over an image, shared among the values of its picture."""
    terms = (mean**2 + std**2 - 1) / 2 - std.log()
    return terms.flatten(1).sum(dim=1).mean() / pixels
