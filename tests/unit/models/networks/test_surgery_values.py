"""Which weight of Stable Diffusion goes where, with no two of them alike."""

import pytest
import torch
from diffusers import UNet2DConditionModel

from darkdiff_models.networks.surgery import denoiser

PROMPT = torch.randn(1, 3, 24, generator=torch.Generator().manual_seed(1))


def stock(**changes: object) -> UNet2DConditionModel:
    """diffusers' U-Net of Stable Diffusion 2's architecture, its norms no longer ones and zeros."""
    torch.manual_seed(0)
    shape = {
        "in_channels": 4,
        "out_channels": 4,
        "block_out_channels": (16, 32),
        "layers_per_block": 1,
        "norm_num_groups": 8,
        "down_block_types": ("CrossAttnDownBlock2D", "DownBlock2D"),
        "up_block_types": ("UpBlock2D", "CrossAttnUpBlock2D"),
        "attention_head_dim": (2, 4),
        "cross_attention_dim": 24,
        "use_linear_projection": True,
    }
    unet = UNet2DConditionModel(**{**shape, **changes}).eval()
    with torch.no_grad():
        for name, parameter in unet.named_parameters():
            if "norm" in name:
                parameter.normal_()
    return unet


def test_region_attention_reads_keys_values_and_norm_from_the_self_attention_before_it() -> None:
    plain = stock()
    unet, _ = denoiser(plain, PROMPT)
    source = dict(plain.named_parameters())
    blocks = [f"{part}.attentions.0.transformer_blocks.0." for part in ("down_blocks.0", "mid_block")]
    assert len(unet.region_attentions) == len(blocks)
    for region, block in zip(unet.region_attentions, blocks, strict=True):
        pairs = {
            "attn2.to_q.weight": region.to_q.weight,
            "attn2.to_out.0.weight": region.to_out[0].weight,
            "attn1.to_k.weight": region.to_k.weight,
            "attn1.to_v.weight": region.to_v.weight,
            "norm1.weight": region.norm_context.weight,
            "norm1.bias": region.norm_context.bias,
        }
        for name, weight in pairs.items():
            assert torch.equal(weight, source[block + name]), name


@pytest.mark.parametrize(("heads", "expected"), [(4, (4, 4)), ((2, 8), (2, 8))])
def test_heads_are_one_number_for_all_levels_or_one_each(heads: object, expected: tuple[int, int]) -> None:
    unet, context = denoiser(stock(attention_head_dim=heads), PROMPT)
    assert tuple(unet.config["num_heads"]) == tuple(context.config["num_heads"]) == expected


@torch.no_grad()
def test_context_and_denoiser_carry_the_prompt_and_every_shape() -> None:
    plain = stock()
    unet, context = denoiser(plain, PROMPT, region_size=4)
    for network in (unet, context):
        assert torch.equal(network.empty_prompt, PROMPT)
        assert tuple(network.config["block_out_channels"]) == (16, 32)
        assert tuple(network.config["attention_levels"]) == (True, False)
        assert (network.config["layers_per_block"], network.config["norm_num_groups"]) == (1, 8)
        assert (network.config["cross_attention_dim"], network.config["prompt_tokens"]) == (24, 3)
    assert unet.config["region_size"] == 4
