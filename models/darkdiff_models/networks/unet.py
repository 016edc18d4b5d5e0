"""The denoiser: Stable Diffusion's U-Net with region cross-attention in its encoder (Sec. 4.2)."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Literal

import torch
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.embeddings import TimestepEmbedding, Timesteps
from diffusers.models.modeling_utils import ModelMixin
from torch import Tensor, nn

from darkdiff_models.networks.attention import CrossAttention, KeyValue, RegionCrossAttention
from darkdiff_models.networks.blocks import Checkpointed, DownBlock, MidBlock, SpatialTransformer, UNetShape, UpBlock
from darkdiff_models.networks.conditioning import ControlEncoder, embed_timestep
from darkdiff_models.networks.precision import matched


@dataclass(frozen=True)
class Condition:
    """The denoiser's condition: all it needs of the noisy image, computed once for all steps.

    Attributes:
        encoder: keys and values for the cross-attentions of the U-Net's encoder, in its order: the noisy image's,
            region by region, or the empty prompt's.
        decoder: keys and values of the empty prompt for the decoder's cross-attentions, batch 1.
        latents: (batch, channels, h, w) z_y, where it is concatenated or read by a ControlNet; else None.
        control: keys and values of the empty prompt for the ControlNet's cross-attentions, batch 1.
    """

    encoder: tuple[KeyValue, ...]
    decoder: tuple[KeyValue, ...]
    latents: Tensor | None = None
    control: tuple[KeyValue, ...] = ()


class DarkDiffUNet(ModelMixin, ConfigMixin, Checkpointed):
    """U-Net of SD 2.1 whose down and mid blocks attend to the context processor's features, region by region.

    The decoder keeps the text cross-attention, with the embedding of the empty prompt stored in the checkpoint, so
    that no text encoder is needed. Defaults are SD 2.1's widths; parameter names are diffusers'.

    Args:
        in_channels, out_channels: channels of the latents.
        block_out_channels: width of each level.
        layers_per_block: resnets per level in the encoder (one more in the decoder).
        attention_levels: which levels have attention.
        num_heads: attention heads of each level.
        cross_attention_dim, prompt_tokens: shape of the empty-prompt embedding.
        region_size: side of a region in tokens, at every level; 0 for global cross-attention.
        region_position_bias: whether region attention learns where in a region a key lies as seen from a query (see
            `RegionCrossAttention`); the paper's does not.
        norm_num_groups: groups of the group norms.
        conditioning: "attention" is the paper's method. Table 6 has two others, which keep text attention everywhere:
            "concat" concatenates z_y to z_t; "controlnet" reads both with a copy of the encoder and adds its outputs to
            the skip connections.
    """

    _keep_in_fp32_modules = ("time_embedding", "conv_out")

    @register_to_config
    def __init__(
        self,
        in_channels: int = 4,
        out_channels: int = 4,
        block_out_channels: Sequence[int] = (320, 640, 1280, 1280),
        layers_per_block: int = 2,
        attention_levels: Sequence[bool] = (True, True, True, False),
        num_heads: Sequence[int] = (5, 10, 20, 20),
        cross_attention_dim: int = 1024,
        prompt_tokens: int = 77,
        region_size: int = 8,
        norm_num_groups: int = 32,
        conditioning: Literal["attention", "concat", "controlnet"] = "attention",
        region_position_bias: bool = False,
    ) -> None:
        super().__init__()
        shape = UNetShape(
            tuple(block_out_channels), layers_per_block, tuple(attention_levels), tuple(num_heads), norm_num_groups
        )
        first, levels = shape.block_out_channels[0], range(len(shape.block_out_channels))

        def region(dim: int, heads: int) -> CrossAttention:
            return RegionCrossAttention(dim, heads, region_size, region_position_bias)

        def text(dim: int, heads: int) -> CrossAttention:
            return CrossAttention(dim, heads, cross_attention_dim)

        read = region if conditioning == "attention" else text
        self.conv_in = nn.Conv2d(in_channels * (2 if conditioning == "concat" else 1), first, 3, padding=1)
        self.time_proj = Timesteps(first, flip_sin_to_cos=True, downscale_freq_shift=0)
        self.time_embedding = TimestepEmbedding(first, shape.time_dim)
        self.down_blocks = nn.ModuleList([DownBlock(shape, level, read) for level in levels])
        self.mid_block = MidBlock(shape, read)
        self.up_blocks = nn.ModuleList([UpBlock(shape, level, text) for level in reversed(levels)])
        self.conv_norm_out = nn.GroupNorm(norm_num_groups, first, eps=1e-5)
        self.conv_out = nn.Conv2d(first, out_channels, 3, padding=1)
        self.control = ControlEncoder(shape, in_channels, text) if conditioning == "controlnet" else None
        self.register_buffer("empty_prompt", torch.zeros(1, prompt_tokens, cross_attention_dim))

    @property
    def region_attentions(self) -> list[RegionCrossAttention]:
        """The region attentions in forward order."""
        modules = chain(self.down_blocks.modules(), self.mid_block.modules())
        return [module for module in modules if isinstance(module, RegionCrossAttention)]

    @property
    def new_modules(self) -> list[nn.Module]:
        """Modules that the pre-trained U-Net did not have, or used for text."""
        return [*self.region_attentions, *([self.control] if self.control is not None else [])]

    @property
    def size_multiple(self) -> int:
        """Height and width of the latents must be multiples of this."""
        return int(2 ** (len(self.config["block_out_channels"]) - 1))

    def prepare(self, features: Sequence[Tensor]) -> Condition:
        """Project context features and empty prompt to keys and values, once per image.

        Args:
            features: one (batch, dim, h, w) map per region attention, from `ContextProcessor`; or z_y alone, from
                `LatentContext`.

        Raises:
            ValueError: the number of maps is not the number of region attentions.
        """
        decoder = self._project_prompt(self.up_blocks)
        attentions = self.region_attentions
        if not attentions and len(features) == 1:
            encoder = (*self._project_prompt(self.down_blocks), *self._project_prompt(self.mid_block))
            return Condition(encoder, decoder, features[0], self._project_prompt(self.control) if self.control else ())
        if len(features) != len(attentions):
            raise ValueError(f"expected {len(attentions)} context maps, got {len(features)}")
        return Condition(tuple(a.project_features(f) for a, f in zip(attentions, features, strict=True)), decoder)

    def forward(self, latents: Tensor, timestep: Tensor, condition: Condition) -> Tensor:
        """Predict the noise (epsilon) or the velocity (v), as the scheduler's config says.

        Args:
            latents: (batch, in_channels, h, w) noisy latents z_t, h and w multiples of `size_multiple`.
            timestep: scalar or (batch,) in 0..999.
            condition: from `prepare`, of the same batch.

        Returns:
            (batch, out_channels, h, w).
        """
        encoder, decoder = iter(condition.encoder), iter(condition.decoder)
        concatenated = (
            [condition.latents] if self.config["conditioning"] == "concat" and condition.latents is not None else []
        )
        hidden = self.conv_in(matched(torch.cat([latents, *concatenated], dim=1), self.conv_in))
        temb = embed_timestep(self.time_proj, self.time_embedding, timestep, hidden)
        skips = [hidden]
        for block in self.down_blocks:
            hidden, new = block(hidden, temb, encoder)
            skips += new
        hidden = self.mid_block(hidden, temb, encoder)
        if self.control is not None and condition.latents is not None:
            *added, middle = self.control(latents, timestep, condition.latents, iter(condition.control))
            skips = [skip + extra for skip, extra in zip(skips, added, strict=True)]
            hidden = hidden + middle
        for block in self.up_blocks:
            hidden = block(hidden, skips, temb, decoder)
        hidden = nn.functional.silu(self.conv_norm_out(hidden))
        return torch.as_tensor(self.conv_out(matched(hidden, self.conv_out)))

    def _project_prompt(self, part: nn.Module) -> tuple[KeyValue, ...]:
        """Keys and values of the empty prompt for the text attentions of a part, in the order of its layers."""
        transformers = (m for m in part.modules() if isinstance(m, SpatialTransformer))
        return tuple(m.cross_attention.project(self.empty_prompt) for m in transformers)
