import pytest
import torch
from diffusers import UNet2DConditionModel

from darkdiff_models import ContextProcessor, DarkDiffUNet
from darkdiff_models.networks.conditioning import LatentContext
from darkdiff_models.networks.surgery import denoiser

PROMPT = torch.randn(1, 3, 24, generator=torch.Generator().manual_seed(1))


def stock() -> UNet2DConditionModel:
    torch.manual_seed(0)
    return UNet2DConditionModel(
        in_channels=4, out_channels=4, block_out_channels=(16, 32), layers_per_block=1, norm_num_groups=8,
        down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"), up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
        attention_head_dim=(2, 4), cross_attention_dim=24, use_linear_projection=True,
    ).eval()  # fmt: skip


@pytest.mark.parametrize("conditioning", ["concat", "controlnet"])
@torch.no_grad()
def test_beside_the_condition_it_starts_as_the_pretrained_unet(conditioning: str) -> None:
    plain = stock()
    unet, context = denoiser(plain, PROMPT, conditioning=conditioning)
    assert isinstance(context, LatentContext)
    z_t, z_y, t = torch.randn(2, 4, 8, 12), torch.randn(2, 4, 8, 12), torch.tensor(321)
    expected = plain(z_t, t, PROMPT.expand(2, -1, -1)).sample
    assert torch.allclose(unet.eval()(z_t, t, unet.prepare(context(z_y))), expected, atol=1e-5)


@pytest.mark.parametrize("conditioning", ["concat", "controlnet", "global", "region"])
def test_the_condition_reaches_the_prediction_once_it_is_trained(conditioning: str) -> None:
    unet, context = denoiser(stock(), PROMPT, 4, conditioning)
    z_t, t = torch.randn(1, 4, 8, 8), torch.tensor(10)
    optimizer = torch.optim.Adam([*unet.parameters(), *context.parameters()], lr=1e-3)
    for _ in range(3):
        optimizer.zero_grad()
        unet(z_t, t, unet.prepare(context(torch.ones(1, 4, 8, 8)))).pow(2).mean().backward()
        optimizer.step()
    with torch.no_grad():
        one, two = (unet(z_t, t, unet.prepare(context(torch.full((1, 4, 8, 8), v)))) for v in (1.0, -1.0))
    assert not torch.allclose(one, two, atol=1e-5)
    unused = [name for name, p in unet.named_parameters() if p.grad is None]
    assert not unused


@pytest.mark.parametrize(("conditioning", "reached"), [("global", 256), ("region", 16)])
@torch.no_grad()
def test_how_far_one_context_token_reaches(conditioning: str, reached: int) -> None:
    attention = denoiser(stock(), PROMPT, 4, conditioning)[0].region_attentions[0]
    tokens, before = torch.randn(1, 256, 16), torch.randn(1, 16, 16, 16)
    after = before.clone()
    after[:, 0, 0, 0] += 5.0
    first, second = (attention(tokens, attention.project_features(m), (16, 16)) for m in (before, after))
    assert int(((first - second).abs().sum(-1) > 1e-6).sum()) == reached


def test_latent_context_survives_saving(tmp_path) -> None:
    LatentContext(in_channels=6).save_pretrained(tmp_path)
    loaded = LatentContext.from_pretrained(tmp_path)
    latents = torch.randn(1, 6, 4, 4)
    assert loaded.config["in_channels"] == 6
    assert torch.equal(loaded(latents)[0], latents)


@pytest.mark.parametrize("conditioning", ["attention", "controlnet"])
def test_forgotten_activations_give_the_same_gradients(conditioning: str) -> None:
    torch.manual_seed(0)
    shape = {
        "block_out_channels": (16, 32), "layers_per_block": 1, "attention_levels": (True, True), "num_heads": (2, 4),
        "cross_attention_dim": 24, "prompt_tokens": 3, "norm_num_groups": 8,
    }  # fmt: skip
    unet = DarkDiffUNet(region_size=4, conditioning=conditioning, **shape)
    context = LatentContext() if conditioning == "controlnet" else ContextProcessor(**shape)
    z_t, z_y = torch.randn(1, 4, 8, 8), torch.randn(1, 4, 8, 8)
    gradients = []
    for on in (False, True):
        for network in (unet, context):
            network.zero_grad()
            if isinstance(network, DarkDiffUNet | ContextProcessor):
                network.use_checkpointing(on)
        unet(z_t, torch.tensor(7), unet.prepare(context(z_y))).pow(2).mean().backward()
        networks = (unet, context)
        gradients.append([p.grad.clone() for n in networks for p in n.parameters() if p.grad is not None])
    assert len(gradients[0]) == len(gradients[1]) > 50
    assert all(torch.allclose(a, b, atol=1e-6) for a, b in zip(*gradients, strict=True))
