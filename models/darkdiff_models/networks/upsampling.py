"""The decoder's upsampling by two, with fewer than half of the multiplications."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class UpsampleConv(nn.Module):
    """Nearest-neighbour upsampling by two and a 3x3 convolution, as in Stable Diffusion's decoder, in one step.

    As one transposed convolution it needs 16 multiplications per input pixel instead of 36, and no enlarged map in
    between. Parameter names are those of diffusers' `Upsample2D`.

    Args:
        conv: the 3x3 convolution, with a padding of 1.
    """

    def __init__(self, conv: nn.Conv2d) -> None:
        super().__init__()
        self.conv = conv

    def forward(self, hidden: Tensor) -> Tensor:
        """(batch, channels, h, w) -> (batch, channels, 2h, 2w)."""
        # Each input pixel is repeated 2 x 2 times, so each of its 4 x 4 weights is a sum over a 2 x 2 window.
        padded = F.pad(self.conv.weight.flip(2, 3).transpose(0, 1), (1, 1, 1, 1))
        kernel = F.avg_pool2d(padded, 2, stride=1, divisor_override=1)
        return torch.as_tensor(F.conv_transpose2d(hidden, kernel, self.conv.bias, stride=2, padding=1))
