"""Weight surgery: from a Stable Diffusion checkpoint to DarkDiff's networks before training (Sec. 4.2-4.3)."""

from collections.abc import Mapping
from typing import Any, Literal

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from torch import Tensor

from darkdiff_models.networks.autoencoder import ResidualAutoencoderKL
from darkdiff_models.networks.conditioning import LatentContext
from darkdiff_models.networks.context import ContextProcessor
from darkdiff_models.networks.unet import DarkDiffUNet

StateDict = Mapping[str, Tensor]
Conditioning = Literal["region", "concat", "controlnet", "global"]
"""How the denoiser sees the noisy image: the paper's region attention, or an alternative of its Table 6."""


def residual_autoencoder(
    vae: AutoencoderKL,
    residual: bool = True,
    in_channels: int = 3,
    out_channels: int = 3,
) -> ResidualAutoencoderKL:
    """The pre-trained autoencoder with zero-initialised residual taps; its output is unchanged.

    With four channels the first and the last convolution read and write Bayer planes; where both greens are equal, the
    result is that of the pre-trained model.

    Args:
        vae: pre-trained, three channels.
        residual: see ResidualAutoencoderKL.
        in_channels, out_channels: 3, or 4 for Bayer planes.

    Raises:
        ValueError: weights of the checkpoint do not fit; the message names them.
    """
    config = vae.config
    model = ResidualAutoencoderKL(
        in_channels=in_channels,
        out_channels=out_channels,
        latent_channels=config["latent_channels"],
        block_out_channels=tuple(config["block_out_channels"]),
        layers_per_block=config["layers_per_block"],
        norm_num_groups=config["norm_num_groups"],
        mid_block_add_attention=config.get("mid_block_add_attention", True),
        scaling_factor=config["scaling_factor"],
        residual=residual,
    )
    weights = dict(vae.state_dict())
    if in_channels == 4:
        red, green, blue = weights["encoder.conv_in.weight"].unbind(1)
        weights["encoder.conv_in.weight"] = torch.stack([red, green / 2, green / 2, blue], dim=1)
    if out_channels == 4:
        for part in ("weight", "bias"):
            weights[f"decoder.conv_out.{part}"] = weights[f"decoder.conv_out.{part}"][[0, 1, 1, 2]]
    _load(model, weights, may_miss="residual_convs.")
    return model


def denoiser(
    unet: UNet2DConditionModel,
    empty_prompt: Tensor,
    region_size: int = 8,
    conditioning: Conditioning = "region",
    region_position_bias: bool = False,
) -> tuple[DarkDiffUNet, ContextProcessor | LatentContext]:
    """Build the denoiser and the context processor from a pre-trained U-Net.

    Region attention takes q and out from the pre-trained text attention (attn2), k and v from the same block's
    self-attention (attn1), which already read image tokens, and its context norm from the norm before attn1. A
    position bias starts at zero. The encoder's text keys and values are dropped.

    Args:
        unet: pre-trained, of SD 2's architecture.
        empty_prompt: (1, tokens, dim) text embedding of "".
        region_size: side of a region in tokens.
        conditioning: "region"; "global" makes the whole map one region; "concat" adds zero-initialised input channels
            for z_y; "controlnet" adds a copy of the encoder (Table 6). The last two need no context processor.
        region_position_bias: see DarkDiffUNet; of "region" alone.

    Raises:
        ValueError: the U-Net has another architecture, its weights do not fit, or there is no region for the bias.
    """
    shape = _unet_shape(unet.config, empty_prompt)
    net = DarkDiffUNet(
        in_channels=unet.config["in_channels"],
        out_channels=unet.config["out_channels"],
        region_size=0 if conditioning == "global" else region_size,
        conditioning=conditioning if conditioning in ("concat", "controlnet") else "attention",
        region_position_bias=region_position_bias,
        **shape,
    )
    weights = {**unet.state_dict(), "empty_prompt": empty_prompt}
    if conditioning in ("concat", "controlnet"):
        _load(net, concat_or_controlnet_weights(weights, conditioning == "controlnet"), may_miss="control.")
        return net, LatentContext(in_channels=unet.config["in_channels"])
    context = ContextProcessor(in_channels=unet.config["in_channels"], **shape)
    _load(net, region_weights(weights), may_miss="position_bias")
    encoder = {key: value for key, value in weights.items() if _in_context(key)}
    _load(context, encoder)
    return net, context


def region_weights(weights: StateDict) -> dict[str, Tensor]:
    """diffusers' U-Net weights with the encoder's text attention turned into region attention."""
    result = dict(weights)
    for key in weights:
        if not key.startswith(("down_blocks.", "mid_block.")) or ".attn2.to_q." not in key:
            continue
        block = key.removesuffix("attn2.to_q.weight")
        for name in ("to_k.weight", "to_v.weight"):
            result[f"{block}attn2.{name}"] = weights[f"{block}attn1.{name}"]
        for name in ("weight", "bias"):
            result[f"{block}attn2.norm_context.{name}"] = weights[f"{block}norm1.{name}"]
    return result


def concat_or_controlnet_weights(weights: StateDict, controlnet: bool) -> dict[str, Tensor]:
    """diffusers' U-Net weights with a ControlNet's copy of the encoder, or with input channels for z_y."""
    result = dict(weights)
    if not controlnet:
        first = weights["conv_in.weight"]
        result["conv_in.weight"] = torch.cat([first, torch.zeros_like(first)], dim=1)
        return result
    parts = ("conv_in.", "time_embedding.", "down_blocks.", "mid_block.")
    result.update({f"control.{key}": value for key, value in weights.items() if key.startswith(parts)})
    return result


def _unet_shape(config: Mapping[str, Any], empty_prompt: Tensor) -> dict[str, Any]:
    down = config["down_block_types"]
    if not set(down) <= {"CrossAttnDownBlock2D", "DownBlock2D"} or not config["use_linear_projection"]:
        raise ValueError("only U-Nets like Stable Diffusion 2's (linear projections, cross-attention) can be converted")
    heads = config["attention_head_dim"]  # despite its name, for SD it holds the number of heads
    return {
        "block_out_channels": tuple(config["block_out_channels"]),
        "layers_per_block": config["layers_per_block"],
        "attention_levels": tuple(kind == "CrossAttnDownBlock2D" for kind in down),
        "num_heads": tuple(heads) if not isinstance(heads, int) else (heads,) * len(down),
        "cross_attention_dim": config["cross_attention_dim"],
        "prompt_tokens": empty_prompt.shape[1],
        "norm_num_groups": config["norm_num_groups"],
    }


def _in_context(key: str) -> bool:
    encoder = key.startswith(("conv_in.", "time_embedding.", "down_blocks.", "mid_block.", "empty_prompt"))
    return encoder and not key.startswith(("mid_block.resnets.1.", "mid_block.attentions.0.proj_out."))


def _load(model: torch.nn.Module, weights: StateDict, may_miss: str | None = None) -> None:
    missing, unexpected = model.load_state_dict(dict(weights), strict=False)
    missing = [key for key in missing if may_miss is None or may_miss not in key]
    if missing or unexpected:
        raise ValueError(f"checkpoint does not fit: missing {sorted(missing)}, unexpected {sorted(unexpected)}")
