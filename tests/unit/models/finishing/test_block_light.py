import numpy as np
import pytest
import torch

from darkdiff_cli.colour import srgb_encode
from darkdiff_models.finishing.block_light import block_light, curve_slope, decode_curve, encode_curve


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


def test_the_slope_is_that_of_the_curve() -> None:
    linear = torch.tensor([0.0, 0.001, 0.0029, 0.0034, 0.02, 0.3, 1.0], dtype=torch.float64)
    step = 1e-6
    difference = (encode_curve(linear + step) - encode_curve(linear - step)) / (2 * step)
    assert torch.allclose(curve_slope(linear), difference, rtol=1e-4)
