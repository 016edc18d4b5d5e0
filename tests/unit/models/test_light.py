import numpy as np
import pytest
import torch

from darkdiff_cli.colour import srgb_encode
from darkdiff_models.autoencoder import ResidualAutoencoderKL
from darkdiff_models.light import SCALES, Light, anchor, block_light, curve_slope, decode_curve, encode_curve, smooth


def test_curve_is_the_projects_and_inverts_beyond_the_display() -> None:
    linear = torch.linspace(0, 1, 101)
    assert np.allclose(encode_curve(linear).numpy(), srgb_encode(linear.numpy()), atol=1e-6)
    assert encode_curve(torch.tensor(0.18)) == pytest.approx(0.46136, abs=1e-5)
    wide = torch.linspace(-0.2, 1.5, 200)
    assert torch.allclose(encode_curve(decode_curve(wide)), wide, atol=1e-5)


def test_block_light_measures_mean_and_noise() -> None:
    generator = torch.Generator().manual_seed(0)
    lrgb = 0.3 + 0.2 * torch.randn(2, 3, 256, 256, generator=generator)
    light = block_light(lrgb, 8)
    assert light.mean.shape == light.variance.shape == (2, 3, 32, 32)
    assert torch.allclose(light.mean, torch.nn.functional.avg_pool2d(lrgb, 8))
    assert float(light.variance.mean()) == pytest.approx(0.04, rel=0.02)
    ramp = torch.linspace(0, 1, 64).expand(1, 3, 64, 64)
    assert block_light(ramp, 8).variance.max() < 2e-4  # a slope is no noise


@pytest.mark.parametrize("dilations", [dilations for dilations, _ in SCALES])
def test_smoothing_keeps_means_and_spreads_as_its_kernel_says(dilations) -> None:
    assert torch.allclose(smooth(torch.full((1, 3, 5, 9), 0.3), dilations), torch.full((1, 3, 5, 9), 0.3))
    spot = torch.zeros(1, 1, 33, 33)
    spot[..., 16, 16] = 1.0
    spread = smooth(spot, dilations)[0, 0].sum(0)
    assert float(spread.sum()) == pytest.approx(1.0)
    place = torch.arange(33.0) - 16
    assert float((spread * place**2).sum()) == pytest.approx(sum(d * d for d in dilations) / 2)


@pytest.mark.parametrize("noise", [0.02, 0.3])
def test_a_cast_is_taken_out_whatever_the_noise(noise: float) -> None:
    generator = torch.Generator().manual_seed(0)
    truth = torch.tensor([0.1, 0.2, 0.4]).view(1, 3, 1, 1).expand(1, 3, 128, 128)
    noisy = truth + noise * torch.randn(truth.shape, generator=generator)
    cast = encode_curve(truth * torch.tensor([0.7, 1.0, 1.4]).view(1, 3, 1, 1))
    mended = decode_curve(anchor(cast, block_light(noisy, 8)))
    assert (mended.mean((2, 3)) - truth.mean((2, 3))).abs().max() < 0.015
    assert (decode_curve(cast).mean((2, 3)) - truth.mean((2, 3))).abs().max() > 0.1


def test_the_sensors_noise_does_not_come_back_as_blotches() -> None:
    """A dark flat area at x300: the picture was clean before, and it stays within two thousandths of it after."""
    generator = torch.Generator().manual_seed(0)
    truth = torch.full((1, 3, 256, 256), 0.05)
    noisy = truth + 0.15 * torch.randn(truth.shape, generator=generator)
    after = decode_curve(anchor(encode_curve(truth), block_light(noisy, 8)))
    alone = smooth(block_light(noisy, 8).mean, (1,))
    assert float(after.std()) < 0.6 * float(alone.std())
    assert float(after.std()) < 0.005


def test_detail_is_the_networks() -> None:
    stripes = torch.full((1, 3, 32, 32), 0.2)
    stripes[..., ::2] = 0.6
    level = torch.full((1, 3, 4, 4), float(decode_curve(stripes).mean()))
    assert torch.allclose(anchor(stripes, Light(level, torch.zeros_like(level))), stripes, atol=1e-4)


def test_highlights_are_left_alone() -> None:
    white, level = torch.full((1, 3, 16, 16), 1.0), torch.full((1, 3, 2, 2), 0.8)
    assert torch.allclose(anchor(white, Light(level, torch.zeros_like(level))), white, atol=1e-6)


@pytest.mark.parametrize("level", [0.03, 0.2, 0.45, 0.68])
def test_an_area_shown_far_too_bright_comes_down_to_the_light_that_was_counted(level: float) -> None:
    shown = encode_curve(torch.tensor([0.86, 0.88, 0.97]).view(1, 3, 1, 1).expand(1, 3, 64, 64))
    light = Light(torch.full((1, 3, 8, 8), level), torch.full((1, 3, 8, 8), 0.05))
    after = decode_curve(anchor(shown, light))
    assert (after - level).abs().max() < 0.03 * level


def test_gradients_are_finite_in_the_black() -> None:
    srgb = torch.linspace(-0.1, 1.2, 3 * 256).view(1, 3, 16, 16).requires_grad_()
    mean = torch.tensor([-0.1, 0.0, 0.5, 1.0]).view(1, 1, 2, 2).expand(1, 3, 2, 2)
    anchor(srgb, Light(mean, torch.tensor([0.0, 0.1, 0.2, 0.0]).view(1, 1, 2, 2).expand(1, 3, 2, 2))).sum().backward()
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


def test_the_slope_is_that_of_the_curve() -> None:
    linear = torch.tensor([0.0, 0.001, 0.0029, 0.0034, 0.02, 0.3, 1.0], dtype=torch.float64)
    step = 1e-6
    difference = (encode_curve(linear + step) - encode_curve(linear - step)) / (2 * step)
    assert torch.allclose(curve_slope(linear), difference, rtol=1e-4)
