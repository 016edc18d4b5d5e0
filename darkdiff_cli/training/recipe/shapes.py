"""Widths and depths of the networks that a recipe makes itself."""

from dataclasses import dataclass
from typing import Annotated, Literal

from darkdiff_cli.ranges import Range

WIDTH = Range(1, 8192)
DEPTH = Range(1, 16)


@dataclass(frozen=True)
class AutoencoderShape:
    """Widths of stage 0's autoencoder (see ResidualAutoencoderKL)."""

    block_out_channels: Annotated[tuple[int, ...], WIDTH] = (128, 256, 512, 512)
    latent_channels: Annotated[int, WIDTH] = 4
    layers_per_block: Annotated[int, DEPTH] = 2
    norm_num_groups: Annotated[int, WIDTH] = 32
    mid_block_add_attention: bool = True

    def fault(self) -> str | None:
        """What does not go together, or None."""
        return _undivided(self.block_out_channels, self.norm_num_groups, "norm_num_groups")


@dataclass(frozen=True)
class DenoiserShape:
    """Widths of stage 0's U-Net (see DarkDiffUNet)."""

    block_out_channels: Annotated[tuple[int, ...], WIDTH] = (320, 640, 1280, 1280)
    attention_levels: tuple[bool, ...] = (True, True, True, False)
    num_heads: Annotated[tuple[int, ...], WIDTH] = (5, 10, 20, 20)
    layers_per_block: Annotated[int, DEPTH] = 2
    cross_attention_dim: Annotated[int, WIDTH] = 1024
    prompt_tokens: Annotated[int, WIDTH] = 77
    norm_num_groups: Annotated[int, WIDTH] = 32
    prediction_type: Literal["epsilon", "v_prediction"] = "epsilon"

    def fault(self) -> str | None:
        """What does not go together, or None."""
        widths, heads = self.block_out_channels, self.num_heads
        if not len(widths) == len(self.attention_levels) == len(heads):
            return "block_out_channels, attention_levels and num_heads must be of one length"
        for width, count in zip(widths, heads, strict=True):
            if fault := _undivided((width,), count, "num_heads"):
                return fault
        return _undivided(widths, self.norm_num_groups, "norm_num_groups")


@dataclass(frozen=True)
class DetailShape:
    """Widths and depths of stage 3's network (see Detail)."""

    block_out_channels: Annotated[tuple[int, ...], WIDTH] = (32, 64, 128)
    blocks: Annotated[tuple[int, ...], DEPTH] = (2, 2, 3)

    def fault(self) -> str | None:
        """What does not go together, or None."""
        return (
            None
            if len(self.block_out_channels) == len(self.blocks)
            else "block_out_channels and blocks must be of one length"
        )


def _undivided(widths: tuple[int, ...], count: int, name: str) -> str | None:
    """That a setting does not divide a width, or None."""
    odd = [width for width in widths if width % count]
    return f"block_out_channels of {odd[0]} cannot be cut into {name} of {count}" if odd else None
