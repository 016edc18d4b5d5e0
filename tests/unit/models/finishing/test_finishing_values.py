"""The steps after the networks on flat areas, where every number can be worked out."""

import math

import pytest
import torch

from darkdiff_models.finishing import Finishing, finish
from darkdiff_models.finishing.block_gains import log_light, upsample_joint_bilateral
from darkdiff_models.finishing.block_light import Light, block_light, curve_slope, decode_curve, encode_curve
from darkdiff_models.finishing.chroma_smoothing import smooth_chroma
from darkdiff_models.finishing.colour_anchor import anchor_colours
from darkdiff_models.finishing.fusion import fuse
from darkdiff_models.finishing.noise_estimate import estimate_noise


def flat(level: float, side: int = 32) -> torch.Tensor:
    return torch.full((1, 3, side, side), level)


@pytest.mark.parametrize("axis", [2, 3])
def test_differences_along_either_axis_tell_the_noise(axis: int) -> None:
    """Stripes of +-0.1: neighbours differ by 0.2 along one axis and by nothing along the other."""
    signs = 1.0 - 2 * (torch.arange(64) % 2)
    stripes = 0.1 * (signs.view(-1, 1) if axis == 2 else signs.view(1, -1)).expand(1, 3, 64, 64)
    light = block_light(0.5 + stripes, 8)
    assert torch.allclose(light.mean, torch.full((1, 3, 8, 8), 0.5), atol=1e-6)
    assert torch.allclose(light.variance, torch.full((1, 3, 8, 8), 0.2**2 / 4), atol=1e-6)


def test_the_logarithm_of_light_stops_at_its_floor() -> None:
    levels = torch.tensor([-0.3, 0.0, 0.5])
    assert log_light(levels, 0.02).tolist() == pytest.approx([math.log(0.02), math.log(0.02), math.log(0.52)])


def test_a_pixel_takes_from_the_blocks_around_it_by_distance_and_likeness() -> None:
    """Two blocks of 4 pixels of light 0.2 and 0.25, gains 1 and 2; pixels of light 0.2 between their centres."""
    blocks = torch.tensor([1.0, 2.0]).view(1, 1, 1, 2)
    levels = torch.tensor([0.2, 0.25]).view(1, 1, 1, 2).expand(1, 3, 1, 2)
    grown = upsample_joint_bilateral(blocks, levels, torch.full((1, 3, 4, 8), 0.2))[0, 0, 0]
    apart = math.log(0.22 / 0.27) / 0.2  # in tolerances, both sides 0.02 more
    unlike = math.exp(-3 * apart**2) + 0.01  # three channels
    expected = []
    for right in (0.125, 0.375, 0.625, 0.875):
        first, second = (1 - right) * 1.01, right * unlike
        expected.append((first + 2 * second) / (first + second))
    assert grown.tolist() == pytest.approx([1, 1, *expected, 2, 2], abs=1e-4)


def test_texture_finer_than_three_pixels_is_no_edge() -> None:
    """Columns 0.2, 0.3, 0.2 over and over look like their mean, whatever the pixel itself is."""
    columns = torch.tensor([0.2, 0.3, 0.2]).repeat(8).expand(1, 3, 8, 24)
    blocks, levels = torch.tensor([1.0, 2.0, 3.0]).view(1, 1, 1, 3), torch.tensor([0.7 / 3, 0.3, 0.2])
    args = blocks, levels.view(1, 1, 1, 3).expand(1, 3, 1, 3)
    grown, even = (upsample_joint_bilateral(*args, light) for light in (columns, torch.full_like(columns, 0.7 / 3)))
    assert torch.allclose(grown[..., 1:-1], even[..., 1:-1], atol=1e-5)


def anchored(shown: float, counted: float, noise: float) -> float:
    """Linear light of a flat area after the anchor, its levels `shown` by the picture and `counted` by the sensor."""
    light = Light(torch.full((1, 3, 4, 4), counted), torch.full((1, 3, 4, 4), noise * 8**2))
    after = decode_curve(anchor_colours(encode_curve(flat(shown)), light))
    assert float(after.max() - after.min()) < 1e-4
    return float(after.mean())


def by_hand(shown: float, counted: float, noise: float) -> float:
    """Four scales of an empirical Bayes estimate; `noise` is the variance of a block's mean."""
    level = shown + 0.01  # all levels are that much more than they are
    counted += 0.01
    for dilations in ((1, 2, 4, 8), (1, 2, 4), (1, 2), (1,)):
        step = counted / level - 1
        doubt = noise / (2 * math.pi * sum(d * d for d in dilations)) / level**2
        error = min(max(step**2 - doubt, 0.02**2), 0.1**2)
        heard = min(max((counted - 0.7) / 0.1, 0.0), 1.0)
        target = counted + heard * max(level - counted, 0.0)
        trust = min(max((1.01 - target) / 0.3, 0.0), 1.0)
        level *= 1 + trust * error / (error + doubt) * step
    return level - 0.01


@pytest.mark.parametrize("noise", [0.0, 1e-4, 1e-3, 1e-2])
@pytest.mark.parametrize(
    ("shown", "counted"), [(0.2, 0.22), (0.2, 0.3), (0.3, 0.2), (0.02, 0.05), (0.9, 0.74), (0.7, 0.8), (0.95, 0.85)]
)
def test_levels_move_to_what_was_counted_as_far_as_it_is_believed(shown: float, counted: float, noise: float) -> None:
    """Believed by the variance that passes over so many blocks leave, against an error of 2 to 10 %; the picture is
    heard from 0.7 of white on, and what is above fades out towards white."""
    assert anchored(shown, counted, noise) == pytest.approx(by_hand(shown, counted, noise), abs=3e-4)


@pytest.mark.parametrize("error", [0.01, 0.05])
@pytest.mark.parametrize("shown", [0.02, 0.4, 0.8])
def test_picture_and_plain_rendering_count_by_the_inverse_of_their_variances(error: float, shown: float) -> None:
    """Noise of the sensor in linear light, through the slope of the curve where the picture is."""
    generator = torch.Generator().manual_seed(0)
    ramp = torch.linspace(0.1, 0.6, 64).expand(1, 3, 64, 64)
    lrgb = ramp + 0.02 * (1 + ramp) * torch.randn(ramp.shape, generator=generator)
    picture = encode_curve(flat(shown, 64))
    fused = fuse(picture, lrgb, error)
    for channel in range(3):
        gain, read = estimate_noise(lrgb[0, channel].numpy())
        assert gain > 0
        variance = (gain * shown + read) * float(curve_slope(torch.tensor(shown))) ** 2
        share = error**2 / (error**2 + variance)
        plain = encode_curve(lrgb[0, channel]).clamp(0, 1)
        expected = (1 - share) * picture[0, channel] + share * plain
        assert torch.allclose(fused[0, channel], expected, atol=1e-4)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("anchor", [True, False])
@pytest.mark.parametrize("error", [0.0, 0.05])
def test_finishing_is_its_steps_in_order_and_a_loss_passes_the_anchor_alone(anchor, error, training) -> None:
    generator = torch.Generator().manual_seed(0)
    srgb = 0.2 + 0.5 * torch.rand((1, 3, 32, 32), generator=generator)
    lrgb = decode_curve(srgb) * 1.3 + 0.1 * torch.randn((1, 3, 32, 32), generator=generator)
    light, expected = block_light(lrgb, 8), srgb
    if anchor:
        expected = anchor_colours(expected, light)
        expected = expected if training else smooth_chroma(expected, light)
    expected = expected[..., 4:28, 4:28]
    if error and not training:
        expected = fuse(expected, lrgb[..., 4:28, 4:28], error)
    made = finish(srgb, lrgb, 8, Finishing(anchor, error), training, lambda image: image[..., 4:28, 4:28])
    assert torch.allclose(made, expected, atol=1e-6)


@pytest.mark.parametrize(("gain", "sigma"), [(0.0, 4.0), (2.0, 0.0), (1.0, 10.0)])
def test_noise_is_measured_to_a_tenth(gain: float, sigma: float) -> None:
    """In the middle of a slope of normal noise of variance gain * level + sigma^2."""
    level = torch.linspace(100.0, 900.0, 512).expand(512, 512)
    noise = torch.randn((512, 512), generator=torch.Generator().manual_seed(0))
    found, read = estimate_noise((level + (gain * level + sigma**2).sqrt() * noise).numpy())
    assert found * 500 + read == pytest.approx(gain * 500 + sigma**2, rel=0.1)


def test_neither_part_of_the_noise_is_negative() -> None:
    """Where noise grows faster than light, and where it falls, a line would begin or end below nothing."""
    level = torch.linspace(100.0, 900.0, 512).expand(512, 512)
    noise = torch.randn((512, 512), generator=torch.Generator().manual_seed(0))
    gain, read = estimate_noise((level + 0.05 * level * noise).numpy())
    assert gain > 0
    assert read == 0.0
    gain, read = estimate_noise((level + 0.05 * level.flip(1) * noise).numpy())
    assert gain == 0.0
    assert read > 0
