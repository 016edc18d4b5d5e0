import numpy as np
import pytest
import torch

from darkdiff_cli.colour import srgb_encode
from darkdiff_models.autoencoder import ResidualAutoencoderKL
from darkdiff_models.light import anchor, block_light, decode_curve, encode_curve


def test_curve_is_the_projects_and_inverts_beyond_the_display() -> None:
    linear = torch.linspace(0, 1, 101)
    assert np.allclose(encode_curve(linear).numpy(), srgb_encode(linear.numpy()), atol=1e-6)
    assert encode_curve(torch.tensor(0.18)) == pytest.approx(0.46136, abs=1e-5)
    wide = torch.linspace(-0.2, 1.5, 200)
    assert torch.allclose(encode_curve(decode_curve(wide)), wide, atol=1e-5)


def test_block_light_is_the_mean_and_weighs_neighbours_evenly() -> None:
    assert torch.allclose(block_light(torch.full((1, 3, 32, 48), 0.3), 8), torch.full((1, 3, 4, 6), 0.3))
    spot = torch.zeros(1, 3, 40, 40)
    spot[:, :, 16:24, 16:24] = 1.0
    expected = torch.tensor([[1.0, 2, 1], [2, 4, 2], [1, 2, 1]]) / 16
    assert torch.allclose(block_light(spot, 8)[0, 0, 1:4, 1:4], expected)
    assert block_light(spot, 8).sum() == pytest.approx(3.0)


def test_a_cast_is_taken_out_whatever_the_noise() -> None:
    generator = torch.Generator().manual_seed(0)
    truth = torch.tensor([0.1, 0.2, 0.4]).view(1, 3, 1, 1).expand(1, 3, 64, 64)
    noisy = truth + 0.3 * torch.randn(truth.shape, generator=generator)
    cast = encode_curve(truth * torch.tensor([0.7, 1.0, 1.4]).view(1, 3, 1, 1))
    mended = decode_curve(anchor(cast, block_light(noisy, 8)))
    assert (mended.mean((2, 3)) - truth.mean((2, 3))).abs().max() < 0.01
    assert (decode_curve(cast).mean((2, 3)) - truth.mean((2, 3))).abs().max() > 0.1


def test_detail_is_the_networks() -> None:
    stripes = torch.full((1, 3, 32, 32), 0.2)
    stripes[..., ::2] = 0.6
    flat = torch.full((1, 3, 4, 4), float(decode_curve(stripes).mean()))
    assert torch.allclose(anchor(stripes, flat), stripes, atol=1e-4)


def test_highlights_are_left_alone() -> None:
    white = torch.full((1, 3, 16, 16), 1.0)
    assert torch.allclose(anchor(white, torch.full((1, 3, 2, 2), 0.8)), white)


def test_gradients_are_finite_in_the_black() -> None:
    srgb = torch.linspace(-0.1, 1.2, 3 * 256).view(1, 3, 16, 16).requires_grad_()
    anchor(srgb, torch.tensor([-0.1, 0.0, 0.5, 1.0]).view(1, 1, 2, 2).expand(1, 3, 2, 2)).sum().backward()
    assert srgb.grad is not None
    assert torch.isfinite(srgb.grad).all()


@torch.no_grad()
def test_an_anchored_autoencoder_gives_the_sensors_levels() -> None:
    torch.manual_seed(0)
    vae = ResidualAutoencoderKL(
        block_out_channels=(8, 16), layers_per_block=1, norm_num_groups=4, mid_block_add_attention=False,
        colour_anchor=True,
    ).eval()  # fmt: skip
    vae.decoder.conv_out.weight *= 0.1  # a picture within the display's range
    lrgb = torch.full((2, 3, 64, 64), 0.25)
    lrgb[1] = 0.1
    encoding = vae.encode(lrgb)
    both = decode_curve(vae.decode(encoding.latents, encoding)).mean((1, 2, 3))
    second = vae.decode(encoding.latents[:1], encoding.select(torch.tensor([True, False])))
    assert torch.allclose(both, torch.tensor([0.25, 0.1]), rtol=0.3)
    assert torch.allclose(second, vae.decode(encoding.latents, encoding)[:1], atol=1e-5)
