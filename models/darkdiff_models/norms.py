"""Group norms that see the whole picture while the network sees one tile of it."""

from types import TracebackType

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle


class SharedNorms:
    """Within this context, every group norm of a network takes its statistics from the first batch that it meets.

    A group norm's mean and variance come from all pixels of its input, so a tile of plain sky is normalised by other
    numbers than its neighbours, and a seam shows where they meet. Here the first batch, a sample of the whole
    picture, sets one mean and variance for each norm and group, pooled over the batch; all later batches are
    normalised by these. The network is then the same function for every tile. Only the middle of each image of the
    sample counts: near its edges the convolutions' zero padding tells of borders that the picture does not have.

    Args:
        network: its group norms are changed within the context and left as they were after it.
    """

    def __init__(self, network: nn.Module) -> None:
        self.norms = [module for module in network.modules() if isinstance(module, nn.GroupNorm)]
        self.affine: dict[nn.GroupNorm, tuple[Tensor, Tensor]] = {}
        self.handles: list[RemovableHandle] = []

    def __enter__(self) -> "SharedNorms":
        self.handles = [norm.register_forward_hook(self._normalise) for norm in self.norms]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for handle in self.handles:
            handle.remove()

    def _normalise(self, norm: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor:
        assert isinstance(norm, nn.GroupNorm)
        if norm not in self.affine:
            self.affine[norm] = pooled_affine(norm, middle(inputs[0]))
        scale, shift = self.affine[norm]
        return torch.addcmul(shift, inputs[0], scale).to(output.dtype)


def middle(images: Tensor) -> Tensor:
    """(batch, channels, h, w) without a quarter of the height and width on each side."""
    height, width = images.shape[-2:]
    return images[..., height // 4 : height - height // 4, width // 4 : width - width // 4]


def pooled_affine(norm: nn.GroupNorm, batch: Tensor) -> tuple[Tensor, Tensor]:
    """What a group norm does to a batch seen as one image: x * scale + shift, each (1, channels, 1, 1)."""
    groups = batch.float().transpose(0, 1).reshape(norm.num_groups, -1)
    variance, mean = torch.var_mean(groups, dim=1, correction=0)
    per_group = norm.num_channels // norm.num_groups
    deviation = (variance + norm.eps).rsqrt().repeat_interleave(per_group)
    scale = deviation if norm.weight is None else deviation * norm.weight.float()
    shift = -mean.repeat_interleave(per_group) * scale
    if norm.bias is not None:
        shift = shift + norm.bias.float()
    return scale.view(1, -1, 1, 1), shift.view(1, -1, 1, 1)
