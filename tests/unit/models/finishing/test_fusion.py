"""What the sensor recorded well stays; what it did not is the model's."""

import pytest
import torch

from darkdiff_models.finishing.block_light import encode_curve
from darkdiff_models.finishing.fusion import fuse


def scene(sigma: float) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """True sRGB, a model's picture that is 0.03 off everywhere, and the noisy input."""
    generator = torch.Generator().manual_seed(0)
    linear = torch.linspace(0.02, 0.8, 192).expand(1, 3, 192, 192)
    truth = encode_curve(linear)
    picture = truth + 0.03 * torch.sign(torch.randn(truth.shape, generator=generator))
    return truth, picture, linear + sigma * torch.randn(truth.shape, generator=generator)


def error(picture: torch.Tensor, truth: torch.Tensor) -> float:
    return float((picture - truth).pow(2).mean().sqrt())


def test_a_clean_input_passes_through() -> None:
    truth, picture, lrgb = scene(0.0)
    assert torch.allclose(fuse(picture, lrgb, 0.03), truth, atol=1e-4)


def test_a_hopeless_input_leaves_the_model_its_picture() -> None:
    _truth, picture, lrgb = scene(3.0)
    assert torch.allclose(fuse(picture, lrgb, 0.03), picture, atol=0.01)


@pytest.mark.parametrize("sigma", [0.003, 0.02, 0.1])
def test_between_them_it_is_better_than_either(sigma: float) -> None:
    truth, picture, lrgb = scene(sigma)
    plain = encode_curve(lrgb).clamp(0, 1)
    assert error(fuse(picture, lrgb, 0.03), truth) < min(error(picture, truth), error(plain, truth))


def test_bands_of_rows_leave_no_trace() -> None:
    _truth, picture, lrgb = (torch.cat([part] * 4, dim=2) for part in scene(0.05))  # more rows than a band has
    fused = fuse(picture, lrgb, 0.03)
    # The parts are alike, the noise is that of the whole: so are the pictures of all parts.
    assert all(torch.allclose(part, fused[:, :, :192], atol=1e-6) for part in fused.split(192, dim=2))


def test_a_picture_too_small_to_measure_is_the_models() -> None:
    picture = torch.rand(1, 3, 8, 8)
    assert torch.equal(fuse(picture, torch.rand(1, 3, 8, 8), 0.03), picture)


def overexposed(sigma: float) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """As `scene`, but the light rises to three times white, is cut off there, and is resampled, which rounds."""
    generator = torch.Generator().manual_seed(0)
    light = torch.logspace(-1.7, 0.48, 192).expand(1, 3, 192, 192)
    truth = encode_curve(light.clamp(max=1))
    picture = truth + 0.03 * torch.sign(torch.randn(truth.shape, generator=generator))
    cut = (light + sigma * torch.randn(truth.shape, generator=generator)).clamp(max=1)
    rounded = cut * (1 - 3e-7 * torch.rand(truth.shape, generator=generator))
    return truth, picture, rounded


def test_light_that_is_cut_off_does_not_hide_the_noise_of_the_rest() -> None:
    truth, picture, lrgb = overexposed(0.1)
    dark = slice(0, 96)
    fused = fuse(picture, lrgb, 0.03)
    assert error(fused[..., dark], truth[..., dark]) < 1.02 * error(picture[..., dark], truth[..., dark])


def test_what_lies_beyond_white_is_white_with_as_much_noise_as_there_may_be() -> None:
    _truth, picture, lrgb = overexposed(0.3)
    fused = fuse(picture, lrgb, 0.03)
    assert torch.allclose(fused[..., 184:], torch.ones(1, 3, 192, 8), atol=1e-6)
    edge = slice(128, 136)  # about white: half of the noise is left, and the picture is the model's
    assert error(fused[..., edge], picture[..., edge]) < 0.02
