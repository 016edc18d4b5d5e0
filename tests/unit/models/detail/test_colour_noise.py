"""Colour noise is smoothed by as many pixels as the noise allows, and brightness never."""

import pytest
import torch
from torch import Tensor

from darkdiff_models.detail import Detail
from darkdiff_models.detail.colour_noise import LUMA, POWER, REACH, WIDTHS, blurred, smooth_colour_noise
from darkdiff_models.detail.samples import Samples
from darkdiff_models.detail.tiled import full_size

SIDE = 32
GREY = 0.2  # of sRGB, where the curve is steep


def samples(read: float) -> Samples:
    """A flat sensor whose primaries are sRGB's; `read` is its read noise in linear light."""
    colours = torch.full((1, 3, SIDE, SIDE), 0.5)
    noise = torch.tensor([[[0.0, read**2]] * 3])
    return Samples(colours, torch.ones_like(colours), noise, torch.eye(3)[None])


def smoothed(picture: Tensor, read: float) -> Tensor:
    return smooth_colour_noise(picture, torch.full((1, 3, SIDE // 2, SIDE // 2), GREY), samples(read))


def test_luma_stays_whatever_the_noise() -> None:
    picture, weights = torch.rand(1, 3, SIDE, SIDE), torch.tensor(LUMA).view(1, 3, 1, 1)
    made = smoothed(picture, 0.1)
    assert not torch.allclose(made, picture, atol=0.1)
    assert torch.allclose((made * weights).sum(1), (picture * weights).sum(1), atol=1e-6)


def test_without_noise_nothing_changes() -> None:
    picture = torch.rand(1, 3, SIDE, SIDE)
    assert torch.allclose(smoothed(picture, 0.0), picture, atol=1e-6)


@pytest.mark.parametrize("read", [0.003, 0.02, 0.08, 3.0])
def test_a_point_of_colour_gets_the_width_that_the_noise_asks_for(read: float) -> None:
    slope = 1.055 / 2.4 * (((GREY + 0.055) / 1.055) ** 2.4) ** (1 / 2.4 - 1)
    expected = min(REACH * (read * slope) ** POWER, WIDTHS[-1]) ** 2
    picture = torch.full((1, 3, SIDE, SIDE), 0.5)
    red = torch.tensor([0.3, 0.0, 0.0])
    picture[0, :, 16, 16] += red - (red * torch.tensor(LUMA)).sum()  # a colour without luma
    point = smoothed(picture, read)[0, 0] - 0.5
    places = torch.arange(SIDE) - 16.0
    assert point.sum() == pytest.approx(float(picture[0, 0, 16, 16]) - 0.5, abs=1e-5)
    for axis in (0, 1):
        spread = float((point.sum(axis) * places**2).sum() / point.sum())
        assert spread == pytest.approx(expected, rel=0.06, abs=0.01)


def test_a_border_is_as_bright_and_colourful_as_before() -> None:
    flat = torch.tensor([0.6, 0.3, 0.2]).view(1, 3, 1, 1).expand(1, 3, 9, 7)
    assert torch.allclose(blurred(flat, 1.2), flat, atol=1e-6)


def test_the_full_size_picture_is_smoothed() -> None:
    nothing, picture = Detail((8, 16), (1, 1)).eval().requires_grad_(False), torch.rand(SIDE // 2, SIDE // 2, 3)
    picture = 0.3 + 0.4 * picture  # nothing is clipped
    silent, made = (full_size(nothing, picture, samples(read)) for read in (0.0, 0.1))
    half, before = (image.permute(2, 0, 1)[None] for image in (picture, silent))
    expected = smooth_colour_noise(before, half, samples(0.1))[0].permute(1, 2, 0)
    first, second, third = (torch.diff(image[8:-8, 8:-8], dim=1) for image in (silent, made, expected))
    assert (second - third).abs().max() < 2e-3  # noise moves the means of wide areas as well, which no edge shows
    assert (second - first).abs().max() > 0.02
