import pytest
import torch
from diffusers import UNet2DConditionModel

from darkdiff_models import ContextProcessor, DarkDiffUNet
from darkdiff_models.networks.surgery import denoiser
from tests.conftest import UNET_SHAPE

SD21 = {
    "block_out_channels": (320, 640, 1280, 1280),
    "layers_per_block": 2,
    "attention_head_dim": (5, 10, 20, 20),
    "cross_attention_dim": 1024,
    "down_block_types": ("CrossAttnDownBlock2D",) * 3 + ("DownBlock2D",),
    "up_block_types": ("UpBlock2D",) + ("CrossAttnUpBlock2D",) * 3,
}


def stock(**shape: object) -> UNet2DConditionModel:
    """diffusers' U-Net of SD 2's kind, at toy widths unless told otherwise."""
    toy = {
        "block_out_channels": (16, 32),
        "layers_per_block": 2,
        "attention_head_dim": (2, 4),
        "cross_attention_dim": 24,
        "norm_num_groups": 8,
        "down_block_types": ("CrossAttnDownBlock2D", "DownBlock2D"),
        "up_block_types": ("UpBlock2D", "CrossAttnUpBlock2D"),
    }
    torch.manual_seed(0)
    return UNet2DConditionModel(in_channels=4, out_channels=4, use_linear_projection=True, **(shape or toy)).eval()


def prompt(dim: int = 24) -> torch.Tensor:
    return torch.randn(1, 5, dim, generator=torch.Generator().manual_seed(1))


@torch.no_grad()
def test_context_processor_is_the_stock_encoder_at_timestep_zero() -> None:
    plain = stock()
    _, context = denoiser(plain, prompt())
    seen = []
    for module in plain.modules():
        if type(module).__name__ == "BasicTransformerBlock":
            module.register_forward_hook(lambda _m, _i, output: seen.append(output))
    latents = torch.randn(1, 4, 8, 12)
    plain(latents, 0, prompt())
    features = context(latents)
    assert len(features) == 3  # two in the first block, one in the middle
    for feature, tokens in zip(features, seen, strict=False):
        assert torch.allclose(feature.flatten(2).transpose(1, 2), tokens, atol=1e-5)


@torch.no_grad()
def test_denoiser_is_the_stock_unet_where_its_condition_says_nothing() -> None:
    plain = stock()
    unet, context = denoiser(plain, prompt())
    latents = torch.randn(2, 4, 8, 8)
    for attention in unet.region_attentions:  # a cross-attention that gives nothing, on both sides
        attention.to_out[0].weight.zero_(), attention.to_out[0].bias.zero_()
    for part in (plain.down_blocks, plain.mid_block):
        for name, parameter in part.named_parameters():
            if "attn2.to_out" in name:
                parameter.zero_()
    expected = plain(latents, 7, prompt().expand(2, -1, -1)).sample
    assert torch.allclose(unet(latents, torch.tensor(7), unet.prepare(context(latents))), expected, atol=1e-5)


def test_region_attention_starts_from_the_pretrained_weights() -> None:
    plain = stock()
    unet, _ = denoiser(plain, prompt())
    source = dict(plain.named_parameters())
    block = "down_blocks.0.attentions.1.transformer_blocks.0."
    region = unet.region_attentions[1]
    assert torch.equal(region.to_q.weight, source[block + "attn2.to_q.weight"])
    assert torch.equal(region.to_out[0].weight, source[block + "attn2.to_out.0.weight"])
    assert torch.equal(region.to_k.weight, source[block + "attn1.to_k.weight"])
    assert torch.equal(region.to_v.weight, source[block + "attn1.to_v.weight"])
    assert torch.equal(region.norm_context.weight, source[block + "norm1.weight"])


def test_a_weight_without_a_place_is_an_error() -> None:
    plain = stock()
    plain.surplus = torch.nn.Linear(2, 2)
    with pytest.raises(ValueError, match="surplus"):
        denoiser(plain, prompt())


def test_surgery_maps_every_key_at_sd_widths() -> None:
    with torch.device("meta"):
        plain = UNet2DConditionModel(in_channels=4, out_channels=4, use_linear_projection=True, **SD21)
        ours = DarkDiffUNet()
        context = ContextProcessor()
    assert sum(p.numel() for p in plain.parameters()) == 865_910_724
    theirs = {key: value.shape for key, value in plain.state_dict().items()}
    mine = {key: value.shape for key, value in ours.state_dict().items()}
    assert set(theirs) <= set(mine)
    own = set(mine) - set(theirs)
    assert own == {key for key in mine if "norm_context" in key} | {"empty_prompt"}
    differing = {key for key in theirs if theirs[key] != mine[key]}
    assert len(differing) == 2 * 7  # k and v of the region attentions, d -> d instead of text -> d
    assert all("attn2.to_k" in key or "attn2.to_v" in key for key in differing)
    assert set(context.state_dict()) <= set(theirs) | {"empty_prompt"}


@pytest.mark.slow
@torch.no_grad()
def test_a_full_size_checkpoint_is_retasked_and_runs() -> None:
    unet, context = denoiser(stock(**SD21), prompt(1024))
    latents = torch.randn(1, 4, 16, 16)
    assert unet(latents, torch.tensor(500), unet.prepare(context(latents))).shape == (1, 4, 16, 16)


@torch.no_grad()
def test_prepared_condition_does_not_depend_on_the_timestep() -> None:
    unet, context = denoiser(stock(), prompt())
    latents = torch.randn(1, 4, 8, 8)
    condition = unet.prepare(context(latents))
    first, second = (unet(latents, torch.tensor(t), condition) for t in (10, 900))
    assert not torch.allclose(first, second)
    assert torch.equal(first, unet(latents, torch.tensor(10), condition))


def test_wrong_number_of_maps_is_refused() -> None:
    unet, _ = denoiser(stock(), prompt())
    with pytest.raises(ValueError, match="context maps"):
        unet.prepare([torch.zeros(1, 16, 8, 8)])


def test_every_weight_gets_a_gradient() -> None:
    torch.manual_seed(0)
    unet, context = DarkDiffUNet(region_size=4, **UNET_SHAPE), ContextProcessor(**UNET_SHAPE)
    unet.empty_prompt.normal_()
    context.empty_prompt.normal_()
    latents = torch.randn(2, 4, 8, 8)
    unet(latents, torch.tensor([3, 900]), unet.prepare(context(latents))).pow(2).mean().backward()
    for network in (unet, context):
        for name, parameter in network.named_parameters():
            assert parameter.grad is not None, name


@pytest.mark.parametrize("kind", [DarkDiffUNet, ContextProcessor])
def test_every_argument_survives_saving(kind: type, tmp_path) -> None:
    changes = {"in_channels": 5, **UNET_SHAPE} | ({"out_channels": 6, "region_size": 3} if kind is DarkDiffUNet else {})
    model = kind(**changes)
    model.save_pretrained(tmp_path)
    loaded = kind.from_pretrained(tmp_path)
    as_saved = {key: list(value) if isinstance(value, tuple) else value for key, value in changes.items()}
    assert {key: loaded.config[key] for key in changes} == as_saved
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), loaded.parameters(), strict=True))


def test_other_unets_are_refused() -> None:
    with pytest.raises(ValueError, match="Stable Diffusion 2"):
        denoiser(UNet2DConditionModel(block_out_channels=(32, 32, 32, 32), cross_attention_dim=8), prompt(8))
