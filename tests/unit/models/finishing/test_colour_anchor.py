import pytest
import torch

from darkdiff_models.finishing import Finishing, finish
from darkdiff_models.finishing.block_light import Light, block_light, decode_curve, encode_curve
from darkdiff_models.finishing.colour_anchor import anchor_colours
from darkdiff_models.finishing.edge_aware_mean import EdgeAwareMean


@pytest.mark.parametrize("noise", [0.02, 0.3])
def test_a_cast_is_taken_out_whatever_the_noise(noise: float) -> None:
    generator = torch.Generator().manual_seed(0)
    truth = torch.tensor([0.1, 0.2, 0.4]).view(1, 3, 1, 1).expand(1, 3, 128, 128)
    noisy = truth + noise * torch.randn(truth.shape, generator=generator)
    cast = encode_curve(truth * torch.tensor([0.7, 1.0, 1.4]).view(1, 3, 1, 1))
    mended = decode_curve(anchor_colours(cast, block_light(noisy, 8)))
    assert (mended.mean((2, 3)) - truth.mean((2, 3))).abs().max() < 0.015
    assert (decode_curve(cast).mean((2, 3)) - truth.mean((2, 3))).abs().max() > 0.1


def test_the_sensors_noise_does_not_come_back_as_blotches() -> None:
    """A dark flat area at x300: the picture was clean before, and it stays within two thousandths of it after."""
    generator = torch.Generator().manual_seed(0)
    truth = torch.full((1, 3, 256, 256), 0.05)
    noisy = truth + 0.15 * torch.randn(truth.shape, generator=generator)
    after = decode_curve(anchor_colours(encode_curve(truth), block_light(noisy, 8)))
    alone = EdgeAwareMean(torch.zeros(1, 1, 32, 32), 1.0, (1,)).mean(block_light(noisy, 8).mean, (1,))
    assert float(after.std()) < 0.6 * float(alone.std())
    assert float(after.std()) < 0.005


def test_detail_is_the_networks() -> None:
    stripes = torch.full((1, 3, 32, 32), 0.2)
    stripes[..., ::2] = 0.6
    level = torch.full((1, 3, 4, 4), float(decode_curve(stripes).mean()))
    assert torch.allclose(anchor_colours(stripes, Light(level, torch.zeros_like(level))), stripes, atol=1e-4)


def test_highlights_are_left_alone() -> None:
    white, level = torch.full((1, 3, 16, 16), 1.0), torch.full((1, 3, 2, 2), 0.8)
    assert torch.allclose(anchor_colours(white, Light(level, torch.zeros_like(level))), white, atol=1e-6)


@pytest.mark.parametrize("level", [0.03, 0.2, 0.45, 0.68])
def test_an_area_shown_far_too_bright_comes_down_to_the_light_that_was_counted(level: float) -> None:
    shown = encode_curve(torch.tensor([0.86, 0.88, 0.97]).view(1, 3, 1, 1).expand(1, 3, 64, 64))
    light = Light(torch.full((1, 3, 8, 8), level), torch.full((1, 3, 8, 8), 0.05))
    after = decode_curve(anchor_colours(shown, light))
    assert (after - level).abs().max() < 0.03 * level


def test_gradients_are_finite_in_the_black() -> None:
    srgb = torch.linspace(-0.1, 1.2, 3 * 256).view(1, 3, 16, 16).requires_grad_()
    mean = torch.tensor([-0.1, 0.0, 0.5, 1.0]).view(1, 1, 2, 2).expand(1, 3, 2, 2)
    anchor_colours(
        srgb, Light(mean, torch.tensor([0.0, 0.1, 0.2, 0.0]).view(1, 1, 2, 2).expand(1, 3, 2, 2))
    ).sum().backward()
    assert srgb.grad is not None
    assert torch.isfinite(srgb.grad).all()


@torch.no_grad()
@pytest.mark.parametrize("training", [False, True])
def test_a_finished_picture_has_the_sensors_levels(training: bool) -> None:
    lrgb = torch.full((2, 3, 64, 64), 0.25)
    lrgb[1] = 0.1
    srgb = encode_curve(lrgb) * 0.8
    both = decode_curve(finish(srgb, lrgb, 8, Finishing(colour_anchor=True), training)).mean((1, 2, 3))
    assert torch.allclose(both, torch.tensor([0.25, 0.1]), rtol=0.02)
    assert torch.equal(finish(srgb, lrgb, 8, Finishing(), training), srgb)


def test_areas_do_not_reach_over_the_edges_of_the_picture() -> None:
    """A dark wall beside a bright one, both shown a third too dark: no halo of the one on the other."""
    generator = torch.Generator().manual_seed(0)
    truth = torch.full((1, 3, 256, 256), 0.04)
    truth[..., 128:] = 0.5
    noisy = truth + 0.1 * torch.randn(truth.shape, generator=generator)
    after = decode_curve(anchor_colours(encode_curve(truth * 0.7), block_light(noisy, 8)))
    columns = (after / truth).mean((0, 1, 2))
    assert (columns[:112] - columns[:64].mean()).abs().max() < 0.05
    assert (columns[144:] - columns[192:].mean()).abs().max() < 0.05
    assert (after / truth).mean() == pytest.approx(1.0, abs=0.05)


@pytest.mark.parametrize("noise", [0.0, 1e-4, 0.02])
def test_a_picture_below_black_does_not_explode(noise: float) -> None:
    """As networks show at the start of their training; what is scaled is no more than the light that was counted."""
    below, light = (
        torch.full((1, 3, 64, 64), -0.2),
        Light(torch.full((1, 3, 8, 8), 0.5), torch.full((1, 3, 8, 8), noise)),
    )
    below[..., 32:] = 0.3
    assert decode_curve(anchor_colours(below, light)).abs().max() < 3
