"""The paper's alternatives to region attention: z_y concatenated to z_t, or read by a ControlNet (Table 6)."""

from collections.abc import Iterator

import torch
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.embeddings import TimestepEmbedding, Timesteps
from diffusers.models.modeling_utils import ModelMixin
from torch import Tensor, nn

from darkdiff_models.networks.attention import KeyValue
from darkdiff_models.networks.blocks import CrossAttentionFactory, DownBlock, MidBlock, UNetShape
from darkdiff_models.networks.precision import matched


class LatentContext(ModelMixin, ConfigMixin):
    """Replaces the context processor where the denoiser reads z_y itself: returns z_y unchanged.

    Args:
        in_channels: channels of the latents.
    """

    @register_to_config
    def __init__(self, in_channels: int = 4) -> None:
        super().__init__()
        # A constant, because a checkpoint without any tensor cannot be loaded.
        self.register_buffer("channels", torch.tensor([float(in_channels)]))

    def forward(self, latents: Tensor) -> list[Tensor]:
        """(batch, in_channels, h, w) z_y -> [z_y]."""
        return [latents]


class ControlEncoder(nn.Module):
    """A ControlNet (Zhang et al., ICCV 2023): a copy of the encoder behind convolutions that start at zero.

    It reads z_t and z_y at every timestep. Its outputs are added to the denoiser's skip connections and middle block.
    They start at zero, so before training the denoiser equals the pre-trained U-Net.

    Args:
        shape: widths of the U-Net.
        in_channels: channels of the latents.
        text: creates its cross-attentions.
    """

    def __init__(self, shape: UNetShape, in_channels: int, text: CrossAttentionFactory) -> None:
        super().__init__()
        first, levels = shape.block_out_channels[0], len(shape.block_out_channels)
        self.conv_in = nn.Conv2d(in_channels, first, 3, padding=1)
        self.time_proj = Timesteps(first, flip_sin_to_cos=True, downscale_freq_shift=0)
        self.time_embedding = TimestepEmbedding(first, shape.time_dim)
        self.down_blocks = nn.ModuleList([DownBlock(shape, level, text) for level in range(levels)])
        self.mid_block = MidBlock(shape, text)
        self.condition_in = nn.Conv2d(in_channels, first, 3, padding=1)
        widths = [first]
        for level, out in enumerate(shape.block_out_channels):
            widths += [out] * (shape.layers_per_block + (level < levels - 1))
        self.zero_convs = nn.ModuleList([nn.Conv2d(width, width, 1) for width in (*widths, widths[-1])])
        for parameter in self.zero_convs.parameters():
            nn.init.zeros_(parameter)

    def forward(self, latents: Tensor, timestep: Tensor, z_y: Tensor, kvs: Iterator[KeyValue]) -> list[Tensor]:
        """Maps to add to the skip connections, in their order, and last the one for the middle block."""
        hidden = self.conv_in(matched(latents, self.conv_in)) + self.condition_in(matched(z_y, self.condition_in))
        temb = embed_timestep(self.time_proj, self.time_embedding, timestep, hidden)
        maps = [hidden]
        for block in self.down_blocks:
            hidden, new = block(hidden, temb, kvs)
            maps += new
        maps.append(self.mid_block(hidden, temb, kvs))
        return [conv(one) for conv, one in zip(self.zero_convs, maps, strict=True)]


def embed_timestep(projection: Timesteps, embedding: TimestepEmbedding, timestep: Tensor, like: Tensor) -> Tensor:
    """(batch, time_dim) embedding of a scalar or (batch,) timestep, computed in fp32 and rounded as `like` is."""
    steps = timestep.to(like.device).expand(like.shape[0])
    waves = matched(projection(steps), embedding.linear_1)
    return torch.as_tensor(embedding(waves)).to(like.dtype)
