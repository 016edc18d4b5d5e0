import pytest
import torch
import torch.nn.functional as F

from darkdiff_models.finishing.block_light import block_light, decode_curve, encode_curve
from darkdiff_models.finishing.chroma_smoothing import LUMINANCE, smooth_chroma
from darkdiff_models.finishing.colour_anchor import anchor_colours


def _finished(srgb: torch.Tensor, noisy: torch.Tensor) -> torch.Tensor:
    light = block_light(noisy, 8)
    return decode_curve(smooth_chroma(anchor_colours(srgb, light), light))


def test_an_error_that_the_light_shows_is_taken_out_where_noise_alone_is_not() -> None:
    """Left the picture is wrong by a third here and there, right it is not."""
    generator = torch.Generator().manual_seed(0)
    truth = torch.full((1, 3, 256, 256), 0.2)
    wrong = F.interpolate(1 + 0.4 * torch.randn(1, 1, 16, 16, generator=generator), scale_factor=16.0, mode="bicubic")
    wrong = wrong.clamp(0.4, 2.0)
    wrong[..., 128:] = 1.0
    noisy = truth + 0.05 * torch.randn(truth.shape, generator=generator)
    after = _finished(encode_curve(truth * wrong), noisy) / truth
    before, left, right = (F.avg_pool2d(x, 16).std() for x in (wrong[..., :112], after[..., :112], after[..., 144:]))
    assert left < 0.3 * before
    assert right < 0.5 * F.avg_pool2d(noisy[..., 144:] / truth[..., 144:], 16).std()


@pytest.mark.parametrize("size", [4, 16])
def test_mottled_colours_are_evened_out_in_the_noise_and_kept_in_the_light(size: int) -> None:
    generator = torch.Generator().manual_seed(0)
    mottles = 1 + 0.12 * torch.randn(1, 3, 128 // size, 128 // size, generator=generator)
    shown = 0.1 * F.interpolate(mottles, scale_factor=float(size), mode="bilinear")
    spread = {}
    for noise in (1e-4, 0.15):
        noisy = shown + noise * torch.randn(shown.shape, generator=generator)
        after = F.avg_pool2d(_finished(encode_curve(shown), noisy), size)
        spread[noise] = float((after - after.mean(dim=1, keepdim=True)).std())
    before = F.avg_pool2d(shown, size)
    assert spread[1e-4] == pytest.approx(float((before - before.mean(dim=1, keepdim=True)).std()), rel=0.05)
    assert spread[0.15] < 0.6 * spread[1e-4]


def test_two_colours_stay_two_in_the_noise() -> None:
    generator = torch.Generator().manual_seed(0)
    truth = torch.tensor([0.2, 0.1, 0.05]).view(1, 3, 1, 1).repeat(1, 1, 128, 128)
    truth[..., 64:] = torch.tensor([0.05, 0.1, 0.2]).view(1, 3, 1, 1)
    noisy = truth + 0.1 * torch.randn(truth.shape, generator=generator)
    after = _finished(encode_curve(truth), noisy)
    assert (after / truth - 1).abs().max() < 0.25
    assert (after[..., 56:72] / truth[..., 56:72] - 1).abs().mean() < 0.06


def test_calming_keeps_the_luminance() -> None:
    generator = torch.Generator().manual_seed(0)
    srgb = 0.2 + 0.6 * torch.rand(1, 3, 64, 64, generator=generator)
    light = block_light(decode_curve(srgb) + 0.2 * torch.randn(srgb.shape, generator=generator), 8)
    luminance = [
        F.avg_pool2d(decode_curve(x)[0], 8).mul(torch.tensor(LUMINANCE).view(3, 1, 1)).sum(0)
        for x in (srgb, smooth_chroma(srgb, light))
    ]
    assert (luminance[1] / luminance[0] - 1).abs().max() < 0.06
    assert (luminance[1] / luminance[0] - 1).abs().mean() < 0.02


@torch.no_grad()
def test_broad_patches_of_colour_are_evened_out_in_the_noise_and_kept_in_the_light() -> None:
    generator = torch.Generator().manual_seed(0)
    patches = 1 + 0.05 * torch.randn(1, 3, 8, 8, generator=generator)
    shown = 0.1 * F.interpolate(patches, scale_factor=64.0, mode="bicubic")
    spread = {}
    for noise in (1e-4, 0.15):
        light = block_light(shown + noise * torch.randn(shown.shape, generator=generator), 8)
        after = F.avg_pool2d(decode_curve(smooth_chroma(encode_curve(shown), light)), 32)
        spread[noise] = float((after / after.mean(dim=1, keepdim=True)).std())
    before = F.avg_pool2d(shown, 32)
    assert spread[1e-4] == pytest.approx(float((before / before.mean(dim=1, keepdim=True)).std()), rel=0.02)
    assert spread[0.15] < 0.6 * spread[1e-4]


@torch.no_grad()
def test_a_slow_change_of_colour_that_the_light_can_tell_stays() -> None:
    """From orange to blue over the width of a sky; noise of one and a half times the light."""
    generator = torch.Generator().manual_seed(0)
    slope = torch.linspace(-1, 1, 512).view(1, 1, 1, 512)
    truth = 0.1 * (1 + 0.4 * torch.tensor([-1.0, 0.0, 1.0]).view(1, 3, 1, 1) * slope).expand(1, 3, 256, 512)
    light = block_light(truth + 0.15 * torch.randn(truth.shape, generator=generator), 8)
    after = decode_curve(smooth_chroma(encode_curve(truth), light))
    assert (F.avg_pool2d(after, 32) / F.avg_pool2d(truth, 32) - 1).abs().max() < 0.05
