"""Faster training: diffusers' residual blocks and group norms without needless passes over their maps."""

import torch
import torch.nn.functional as F
from diffusers.models.resnet import ResnetBlock2D
from torch import Tensor, nn

from darkdiff_models.learning.fast_group_norm import FastGroupNorm


class FastResnet(ResnetBlock2D):
    """The residual block of Stable Diffusion's VAE and U-Net, without resampling and dropout.

    In training mode diffusers' block copies its input to another memory layout before the 1x1 shortcut, for distributed
    training on GPUs, and divides its sum by one. This one does neither.
    """

    def forward(self, input_tensor: Tensor, temb: Tensor | None = None) -> Tensor:
        """(batch, in_channels, h, w) and, in a U-Net, (batch, time_dim) -> (batch, out_channels, h, w)."""
        hidden = self.conv1(F.silu(self.norm1(input_tensor)))
        if temb is not None:
            hidden = hidden + self.time_emb_proj(F.silu(temb))[:, :, None, None]
        hidden = self.conv2(F.silu(self.norm2(hidden)))
        shortcut = input_tensor if self.conv_shortcut is None else self.conv_shortcut(input_tensor)
        return torch.as_tensor(shortcut + hidden)


def use_fast_blocks(network: nn.Module) -> None:
    """Make all residual blocks and group norms of a network the fast ones, in place; weights and names stay."""
    for module in network.modules():
        if type(module) is nn.GroupNorm:
            module.__class__ = FastGroupNorm
        elif type(module) is ResnetBlock2D:
            module.__class__ = FastResnet
