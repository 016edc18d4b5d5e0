"""Group norms with the statistics of the whole picture, for networks that run tile by tile."""

from types import TracebackType

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class SharedNorms:
    """Within this context, every group norm of a network takes its statistics from the first batch it sees.

    A group norm's mean and variance come from all pixels of its input, so a tile of plain sky is normalised by other
    numbers than its neighbours, and a seam shows where they meet. Here the first batch, a sample of the whole
    picture, sets one mean and variance for each norm and group, pooled over the batch; all later batches are
    normalised by these, also when the context is entered again. The network is then the same function for every tile.

    Args:
        network: its group norms are replaced by shared ones in the context, and restored after it.
    """

    def __init__(self, network: nn.Module) -> None:
        self.places = [
            (parent, name, norm, SharedNorm(norm))
            for parent in network.modules()
            for name, norm in parent.named_children()
            if isinstance(norm, nn.GroupNorm)
        ]

    def __enter__(self) -> "SharedNorms":
        for parent, name, _, shared in self.places:
            setattr(parent, name, shared)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for parent, name, norm, _ in self.places:
            setattr(parent, name, norm)


class SharedNorm(nn.Module):
    """A group norm that normalises every batch by the mean and variance of the first one.

    With fixed statistics it is batch norm in evaluation mode, which torch computes in one pass in any precision.

    Args:
        norm: the group norm to replace; groups, weights and epsilon are taken from it.
    """

    def __init__(self, norm: nn.GroupNorm) -> None:
        super().__init__()
        self.norm = norm
        self.statistics: tuple[Tensor, Tensor] | None = None

    def forward(self, batch: Tensor) -> Tensor:
        """(batch, channels, h, w) images or (batch, channels, n) tokens -> the same shape."""
        if self.statistics is None:
            self.statistics = pooled_statistics(batch if batch.ndim == 3 else middle(batch), self.norm.num_groups)
        scale, shift = (None if one is None else one.float() for one in (self.norm.weight, self.norm.bias))
        return F.batch_norm(batch, *self.statistics, scale, shift, eps=self.norm.eps)


def middle(images: Tensor) -> Tensor:
    """(batch, channels, h, w) without a quarter of the height and width on each side.

    Near the edges of a sample, zero padding changes the statistics, though the picture has no border there.
    """
    height, width = images.shape[-2:]
    return images[..., height // 4 : height - height // 4, width // 4 : width - width // 4]


def pooled_statistics(batch: Tensor, groups: int) -> tuple[Tensor, Tensor]:
    """Mean and variance of each group of channels over a batch seen as one image, each (channels,) float32."""
    pooled = batch.float().transpose(0, 1).reshape(groups, -1)
    variance, mean = torch.var_mean(pooled, dim=1, correction=0)
    size = batch.shape[1] // groups
    return mean.repeat_interleave(size), variance.repeat_interleave(size)
