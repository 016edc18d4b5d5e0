"""Stable Diffusion's autoencoder on Bayer planes: on equal greens it is the same function."""

import pytest
import torch
from diffusers import AutoencoderKL

from darkdiff_models.networks.surgery import residual_autoencoder


def stock(**changes: object) -> AutoencoderKL:
    torch.manual_seed(0)
    shape = {
        "down_block_types": ("DownEncoderBlock2D",) * 2,
        "up_block_types": ("UpDecoderBlock2D",) * 2,
        "block_out_channels": (8, 16),
        "layers_per_block": 1,
        "norm_num_groups": 4,
        "scaling_factor": 0.3,
    }
    return AutoencoderKL(**{**shape, **changes}).eval()


def planes(rgb: torch.Tensor) -> torch.Tensor:
    return rgb[:, [0, 1, 1, 2]]


@torch.no_grad()
@pytest.mark.parametrize("attention", [True, False])
def test_equal_greens_are_read_as_the_colour_picture(attention: bool) -> None:
    plain, rgb = stock(mid_block_add_attention=attention), torch.rand(2, 3, 32, 32)
    model = residual_autoencoder(plain, in_channels=4, out_channels=4).eval()
    expected = plain.encode(2 * rgb - 1).latent_dist.mean
    encoding = model.encode(planes(rgb))
    assert torch.allclose(encoding.posterior.mean, expected, atol=1e-5)
    assert torch.allclose(encoding.latents, 0.3 * expected, atol=1e-5)
    picture = (plain.decode(expected).sample + 1) / 2
    assert torch.allclose(model.decode(encoding.latents, encoding), planes(picture), atol=1e-5)
    assert model.config["mid_block_add_attention"] == attention


@torch.no_grad()
def test_both_greens_count_alike() -> None:
    model = residual_autoencoder(stock(), in_channels=4).eval()
    image = torch.rand(1, 4, 32, 32)
    assert torch.allclose(model.encode(image).latents, model.encode(image[:, [0, 2, 1, 3]]).latents, atol=1e-5)
    assert model.decode(model.encode(image).latents).shape[1] == 3
