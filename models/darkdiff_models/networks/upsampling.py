"""The decoder's doubling of a map, with fewer than half of the products."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Doubling(nn.Module):
    """Nearest-neighbour doubling and a 3x3 convolution, as Stable Diffusion's decoder doubles, in one step.

    A transposed convolution does not repeat pixels only to multiply each of them anew: 16 products a pixel of the
    small map instead of 36, and no large map in between. Parameters have the names of diffusers' `Upsample2D`.

    Args:
        conv: the 3x3 convolution, with a padding of 1.
    """

    def __init__(self, conv: nn.Conv2d) -> None:
        super().__init__()
        self.conv = conv

    def forward(self, hidden: Tensor) -> Tensor:
        """(batch, channels, h, w) -> (batch, channels, 2h, 2w)."""
        # A small pixel stands twice in each direction, so each of its 4 x 4 weights is a sum over a 2 x 2 window.
        turned = F.pad(self.conv.weight.flip(2, 3).transpose(0, 1), (1, 1, 1, 1))
        kernel = F.avg_pool2d(turned, 2, stride=1, divisor_override=1)
        return torch.as_tensor(F.conv_transpose2d(hidden, kernel, self.conv.bias, stride=2, padding=1))
