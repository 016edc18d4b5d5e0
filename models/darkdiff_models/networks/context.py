"""The context processor: a copy of the U-Net's encoder that reads the noisy latents once (Sec. 4.2)."""

from collections.abc import Sequence
from typing import Any

import torch
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.embeddings import TimestepEmbedding, Timesteps
from diffusers.models.modeling_utils import ModelMixin
from torch import Tensor, nn

from darkdiff_models.networks.attention import CrossAttention
from darkdiff_models.networks.blocks import Checkpointed, DownBlock, MidBlock, SpatialTransformer, UNetShape
from darkdiff_models.networks.conditioning import embed_timestep
from darkdiff_models.networks.precision import matched


class ContextProcessor(ModelMixin, ConfigMixin, Checkpointed):
    """Encoder of the SD U-Net, with its own weights and the timestep fixed at 0.

    It does not depend on the timestep, so it runs once per image, and the denoiser projects its features to keys and
    values once as well. Arguments as in `DarkDiffUNet`.
    """

    _keep_in_fp32_modules = ("time_embedding",)

    @register_to_config
    def __init__(
        self,
        in_channels: int = 4,
        block_out_channels: Sequence[int] = (320, 640, 1280, 1280),
        layers_per_block: int = 2,
        attention_levels: Sequence[bool] = (True, True, True, False),
        num_heads: Sequence[int] = (5, 10, 20, 20),
        cross_attention_dim: int = 1024,
        prompt_tokens: int = 77,
        norm_num_groups: int = 32,
    ) -> None:
        super().__init__()
        shape = UNetShape(
            tuple(block_out_channels), layers_per_block, tuple(attention_levels), tuple(num_heads), norm_num_groups
        )
        first = shape.block_out_channels[0]

        def text(dim: int, heads: int) -> CrossAttention:
            return CrossAttention(dim, heads, cross_attention_dim)

        self.conv_in = nn.Conv2d(in_channels, first, 3, padding=1)
        self.time_proj = Timesteps(first, flip_sin_to_cos=True, downscale_freq_shift=0)
        self.time_embedding = TimestepEmbedding(first, shape.time_dim)
        levels = range(len(shape.block_out_channels))
        self.down_blocks = nn.ModuleList([DownBlock(shape, level, text) for level in levels])
        self.mid_block = MidBlock(shape, text)
        del self.mid_block.resnets[1], self.mid_block.attentions[0].proj_out  # unused: the output is the last tokens
        self.register_buffer("empty_prompt", torch.zeros(1, prompt_tokens, cross_attention_dim))

    def forward(self, latents: Tensor) -> list[Tensor]:
        """Compute the context features of a noisy image.

        Args:
            latents: (batch, in_channels, h, w) z_y, the scaled latents of the noisy LRGB.

        Returns:
            One (batch, dim, h', w') map per transformer block, in forward order: the block's output tokens.
        """
        hidden = self.conv_in(matched(latents, self.conv_in))
        temb = embed_timestep(self.time_proj, self.time_embedding, torch.zeros((), device=latents.device), hidden)
        features: list[Tensor] = []
        block: Any
        for block in self.down_blocks:
            for index, resnet in enumerate(block.resnets):
                hidden = self.run(resnet, hidden, temb)
                if len(block.attentions) > 0:
                    features.append(self.run(self._read, block.attentions[index], hidden))
                    hidden = block.attentions[index].merge(hidden, features[-1])
            for downsampler in block.downsamplers:
                hidden = downsampler(hidden)
        block = self.mid_block
        hidden = self.run(block.resnets[0], hidden, temb)
        return [*features, self.run(self._read, block.attentions[0], hidden)]

    def _read(self, transformer: SpatialTransformer, hidden: Tensor) -> Tensor:
        return transformer.read(hidden, transformer.cross_attention.project(self.empty_prompt))
