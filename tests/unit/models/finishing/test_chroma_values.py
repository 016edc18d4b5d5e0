"""Chroma smoothing: its tolerances by hand, and what they let through."""

import math

import pytest
import torch
import torch.nn.functional as F

from darkdiff_models.finishing.block_gains import apply_gain
from darkdiff_models.finishing.block_light import Light, decode_curve, encode_curve
from darkdiff_models.finishing.chroma_smoothing import _smoothing_gain, _tolerance, smooth_chroma

BLOCK = 8
LUMINANCE = torch.tensor([0.2126, 0.7152, 0.0722]).view(1, 3, 1, 1)


def luminance(linear: torch.Tensor) -> torch.Tensor:
    return (linear * LUMINANCE).sum(dim=1)


def halves(left: tuple[float, float, float], right: tuple[float, float, float]) -> torch.Tensor:
    """(1, 3, 256, 256) linear light of two colours side by side."""
    picture = torch.tensor(left).view(1, 3, 1, 1).repeat(1, 1, 256, 256)
    picture[..., 128:] = torch.tensor(right).view(1, 3, 1, 1)
    return picture


def contrast(linear: torch.Tensor) -> float:
    """Logarithm of red over blue, left against right of the edge."""
    ratio = (linear[:, 0] / linear[:, 2]).log().mean(dim=(0, 1))
    return float(ratio[96:128].mean() - ratio[128:160].mean())


def smoothed(linear: torch.Tensor, tolerance: float) -> torch.Tensor:
    """The picture after smoothing under noise that explains differences of `tolerance` in log light."""
    grey = 0.2
    deviation = tolerance / 0.8 / math.sqrt(3) * (grey + 0.01)  # of a block's mean
    mean = F.avg_pool2d(linear, BLOCK)
    light = Light(mean, torch.full_like(mean, deviation**2 * BLOCK**2))
    return decode_curve(smooth_chroma(encode_curve(linear), light))


def test_tolerances_are_08_deviations_of_colour_and_2_of_luminance() -> None:
    levels = torch.tensor([0.1, 0.2, 0.4]).view(1, 3, 1, 1).expand(1, 3, 8, 8)
    noise = torch.tensor([1e-4, 4e-4, 9e-4]).view(1, 3, 1, 1).expand(1, 3, 8, 8)
    relative = [0.01 / 0.11, 0.02 / 0.21, 0.03 / 0.41]
    total = 0.2126 * 0.1 + 0.7152 * 0.2 + 0.0722 * 0.4 + 0.01
    parts = [r * w * x / total for r, w, x in zip(relative, (0.2126, 0.7152, 0.0722), (0.1, 0.2, 0.4), strict=True)]
    colour, light = (math.sqrt(sum(x * x for x in numbers)) for numbers in (relative, parts))
    found = _tolerance(levels, noise)
    assert found.shape == (1, 4, 8, 8)
    assert found[0, :, 4, 4].tolist() == pytest.approx([0.8 * colour + 1e-4] * 3 + [2.0 * light + 1e-4], rel=1e-5)


def test_gains_change_colours_and_leave_the_luminance_of_every_area() -> None:
    levels = 0.05 + 0.5 * torch.rand((1, 3, 32, 32), generator=torch.Generator().manual_seed(0))
    gain = _smoothing_gain(levels, torch.full((1, 4, 32, 32), 2.0), ((4, 2, 1), (8,)))
    after = apply_gain(levels, gain)
    assert (after - levels).abs().mean() > 0.02
    assert torch.allclose(luminance(after), luminance(levels), atol=1e-5)


def test_a_difference_of_two_tolerances_stays_and_one_of_a_half_goes() -> None:
    """Red and blue a tenth up and down: differences of 0.19 and 0.19 in log light."""
    picture = halves((0.22, 0.2, 0.18), (0.18, 0.2, 0.22))
    before = contrast(picture)
    assert contrast(smoothed(picture, 0.1)) > 0.97 * before
    assert contrast(smoothed(picture, 0.4)) < 0.75 * before


def test_colours_do_not_mix_over_an_edge_of_light() -> None:
    """A difference of hue that noise explains, between areas of which one is half as bright again."""
    alike = halves((0.205, 0.2, 0.195), (0.195, 0.2, 0.205))
    brighter = halves((0.205, 0.2, 0.195), (0.2925, 0.3, 0.3075))
    assert contrast(smoothed(alike, 0.15)) < 0.6 * contrast(alike)
    assert contrast(smoothed(brighter, 0.15)) > 0.95 * contrast(brighter)
