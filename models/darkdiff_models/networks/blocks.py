"""Blocks of the Stable Diffusion U-Net, with diffusers' parameter names and a choice of cross-attention."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from diffusers.models.attention import FeedForward
from diffusers.models.resnet import Downsample2D, ResnetBlock2D, Upsample2D
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from darkdiff_models.networks.attention import CrossAttention, KeyValue, SelfAttention

CrossAttentionFactory = Callable[[int, int], CrossAttention]  # (dim, heads) -> attn2


@dataclass(frozen=True)
class UNetShape:
    """Sizes shared by the denoiser and the context processor; the defaults of `DarkDiffUNet` are SD 2.1's."""

    block_out_channels: tuple[int, ...]
    layers_per_block: int
    attention_levels: tuple[bool, ...]
    num_heads: tuple[int, ...]
    norm_num_groups: int

    @property
    def time_dim(self) -> int:
        """Width of the timestep embedding."""
        return self.block_out_channels[0] * 4


class Checkpointed:
    """Gradient checkpointing: activations are computed again in the backward pass instead of kept."""

    checkpointing = False

    def use_checkpointing(self, on: bool) -> None:
        """Turn gradient checkpointing on or off, here and in every submodule that supports it."""
        assert isinstance(self, nn.Module)
        for module in self.modules():
            if isinstance(module, Checkpointed):
                module.checkpointing = on

    def run(self, part: Callable[..., Any], *arguments: object) -> Any:
        """Call a submodule, with gradient checkpointing if it is on."""
        if self.checkpointing and torch.is_grad_enabled():
            return checkpoint(part, *arguments, use_reentrant=False)
        return part(*arguments)


class TransformerBlock(nn.Module):
    """Self-attention, cross-attention, feed-forward, each behind its norm (SD's BasicTransformerBlock)."""

    def __init__(self, dim: int, heads: int, cross_attention: CrossAttention) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(dim)
        self.attn1 = SelfAttention(dim, heads)
        self.norm2 = nn.LayerNorm(dim)
        self.attn2 = cross_attention
        self.norm3 = nn.LayerNorm(dim)
        self.ff = FeedForward(dim, activation_fn="geglu")

    def forward(self, tokens: Tensor, kv: KeyValue, size: tuple[int, int]) -> Tensor:
        """(batch, h * w, dim) -> the same shape."""
        tokens = tokens + self.attn1.attend_self(self.norm1(tokens))
        tokens = tokens + self.attn2(self.norm2(tokens), kv, size)
        return torch.as_tensor(tokens + self.ff(self.norm3(tokens)))


class SpatialTransformer(nn.Module):
    """A transformer block on a feature map (SD 2.1's linear projections)."""

    def __init__(self, dim: int, heads: int, groups: int, make_attention: CrossAttentionFactory) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(groups, dim, eps=1e-6)
        self.proj_in = nn.Linear(dim, dim)
        self.transformer_blocks = nn.ModuleList([TransformerBlock(dim, heads, make_attention(dim, heads))])
        self.proj_out = nn.Linear(dim, dim)

    @property
    def cross_attention(self) -> CrossAttention:
        """The cross-attention (attn2) of its one block."""
        attention = self.transformer_blocks[0].attn2
        assert isinstance(attention, CrossAttention)
        return attention

    def read(self, hidden: Tensor, kv: KeyValue) -> Tensor:
        """Run the block on a (batch, dim, h, w) map; returns its output tokens as a map of the same shape."""
        size = (hidden.shape[2], hidden.shape[3])
        tokens = self.proj_in(self.norm(hidden).flatten(2).transpose(1, 2))
        return torch.as_tensor(self.transformer_blocks[0](tokens, kv, size).transpose(1, 2).unflatten(2, size))

    def merge(self, hidden: Tensor, tokens: Tensor) -> Tensor:
        """Project the output of `read` and add it to the map that `read` was given."""
        new = self.proj_out(tokens.flatten(2).transpose(1, 2)).transpose(1, 2)
        return hidden + new.unflatten(2, tuple(hidden.shape[2:]))

    def forward(self, hidden: Tensor, kv: KeyValue) -> Tensor:
        """(batch, dim, h, w) -> the same shape."""
        return self.merge(hidden, self.read(hidden, kv))


def _resnet(in_channels: int, out_channels: int, shape: UNetShape) -> ResnetBlock2D:
    return ResnetBlock2D(
        in_channels=in_channels,
        out_channels=out_channels,
        temb_channels=shape.time_dim,
        groups=shape.norm_num_groups,
        eps=1e-5,
    )


class DownBlock(nn.Module, Checkpointed):
    """Resnets, each followed by a transformer on levels with attention, then a downsampling convolution."""

    def __init__(self, shape: UNetShape, level: int, make_attention: CrossAttentionFactory) -> None:
        super().__init__()
        out = shape.block_out_channels[level]
        into = shape.block_out_channels[max(level - 1, 0)]
        layers = range(shape.layers_per_block)
        self.resnets = nn.ModuleList([_resnet(into if i == 0 else out, out, shape) for i in layers])
        heads, groups = shape.num_heads[level], shape.norm_num_groups
        attends = shape.attention_levels[level]
        self.attentions = nn.ModuleList(
            [SpatialTransformer(out, heads, groups, make_attention) for _ in layers if attends]
        )
        last = level == len(shape.block_out_channels) - 1
        self.downsamplers = nn.ModuleList([] if last else [Downsample2D(out, use_conv=True, name="op")])

    def forward(self, hidden: Tensor, temb: Tensor, kvs: Iterator[KeyValue]) -> tuple[Tensor, list[Tensor]]:
        """Returns the downsampled map and the skip connections, one per resnet and one for the downsampling."""
        skips = []
        for index, resnet in enumerate(self.resnets):
            hidden = self.run(resnet, hidden, temb)
            if len(self.attentions) > 0:
                hidden = self.run(self.attentions[index], hidden, next(kvs))
            skips.append(hidden)
        for downsampler in self.downsamplers:
            hidden = downsampler(hidden)
            skips.append(hidden)
        return hidden, skips


class MidBlock(nn.Module, Checkpointed):
    """Resnet, transformer, resnet."""

    def __init__(self, shape: UNetShape, make_attention: CrossAttentionFactory) -> None:
        super().__init__()
        dim = shape.block_out_channels[-1]
        self.resnets = nn.ModuleList([_resnet(dim, dim, shape) for _ in range(2)])
        transformer = SpatialTransformer(dim, shape.num_heads[-1], shape.norm_num_groups, make_attention)
        self.attentions = nn.ModuleList([transformer])

    def forward(self, hidden: Tensor, temb: Tensor, kvs: Iterator[KeyValue]) -> Tensor:
        """(batch, dim, h, w) -> the same shape."""
        hidden = self.run(self.resnets[0], hidden, temb)
        hidden = self.run(self.attentions[0], hidden, next(kvs))
        return torch.as_tensor(self.run(self.resnets[1], hidden, temb))


class UpBlock(nn.Module, Checkpointed):
    """Resnets on map and skip connection, each followed by a transformer, then an upsampling convolution."""

    def __init__(self, shape: UNetShape, level: int, make_attention: CrossAttentionFactory) -> None:
        super().__init__()
        channels = shape.block_out_channels
        out, below, above = channels[level], channels[min(level + 1, len(channels) - 1)], channels[max(level - 1, 0)]
        layers = shape.layers_per_block + 1
        resnets, attentions = [], []
        for index in range(layers):
            skip = above if index == layers - 1 else out
            resnets.append(_resnet((below if index == 0 else out) + skip, out, shape))
            if shape.attention_levels[level]:
                attentions.append(
                    SpatialTransformer(out, shape.num_heads[level], shape.norm_num_groups, make_attention)
                )
        self.resnets = nn.ModuleList(resnets)
        self.attentions = nn.ModuleList(attentions)
        self.upsamplers = nn.ModuleList([] if level == 0 else [Upsample2D(out, use_conv=True)])

    def forward(self, hidden: Tensor, skips: list[Tensor], temb: Tensor, kvs: Iterator[KeyValue]) -> Tensor:
        """Pops its skip connections off the end of `skips` and returns the upsampled map."""
        for index, resnet in enumerate(self.resnets):
            hidden = self.run(resnet, torch.cat([hidden, skips.pop()], dim=1), temb)
            if len(self.attentions) > 0:
                hidden = self.run(self.attentions[index], hidden, next(kvs))
        for upsampler in self.upsamplers:
            hidden = upsampler(hidden, tuple(skips[-1].shape[-2:]))
        return hidden
