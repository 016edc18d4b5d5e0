"""The light that the sensor counted, as an anchor for the colours of the finished picture."""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

FLOOR = 0.01  # linear light; below it levels are shifted rather than scaled
TRUSTED = 0.7  # block means above this are pulled down by clipped noise and fade out towards 1
CLIPPED = 0.8  # above this, what the picture shows as white is taken for clipped
SCALES = (((1, 2, 4, 8), 0.1), ((1, 2, 4), 0.1), ((1, 2), 0.1), ((1,), 0.03))
"""From wide areas to small ones: dilations of the smoothing passes over blocks, and the relative error that the
picture's levels are expected to have by then, what the sensor's noise is weighed against."""


class Light(NamedTuple):
    """What the sensor counted in blocks.

    Attributes:
        mean: (batch, 3, h / block, w / block) mean linear light.
        variance: of the same shape, the variance of a single pixel's noise.
    """

    mean: Tensor
    variance: Tensor


def block_light(lrgb: Tensor, block: int) -> Light:
    """Measure the light of blocks, and its noise by the differences of neighbouring pixels.

    Args:
        lrgb: (batch, 3, h, w) linear light, h and w multiples of `block`.
        block: side of a block in pixels.
    """
    down = F.pad(lrgb[:, :, 1:] - lrgb[:, :, :-1], (0, 0, 0, 1), mode="replicate")
    right = F.pad(lrgb[..., 1:] - lrgb[..., :-1], (0, 1, 0, 0), mode="replicate")
    return Light(F.avg_pool2d(lrgb, block), F.avg_pool2d((down**2 + right**2) / 4, block))


def anchor(srgb: Tensor, light: Light) -> Tensor:
    """Scale and shift a picture's linear light so that its levels are those that the sensor counted.

    A network reads absolute levels poorly through its group norms, and a sensor's noise averages out: detail is the
    network's, the level of an area the sensor's. Wide areas come first; small ones only as far as the noise that is
    left in their mean lets them be believed. Blocks near saturation are left as they are.

    Args:
        srgb: (batch, 3, h, w) sRGB, not clipped.
        light: from `block_light` of the noisy linear sRGB image.

    Returns:
        (batch, 3, h, w) sRGB, not clipped.
    """
    linear = decode_curve(srgb)
    block = srgb.shape[-1] // light.mean.shape[-1]
    for dilations, expected_error in SCALES:
        own = smooth(F.avg_pool2d(linear, block), dilations).clamp_min(0) + FLOOR
        counted = smooth(light.mean, dilations).clamp_min(0) + FLOOR
        # Pixels in the mean: the block's, times the blocks under the smoothing kernel of variance sum(d^2) / 2.
        pixels = block**2 * 2 * torch.pi * sum(d * d for d in dilations)
        noise = smooth(light.variance, dilations) / (pixels * own**2)
        believed = expected_error**2 / (expected_error**2 + noise)
        # The picture is heard near saturation only: group norms take levels away, so it shows any flat area as bright.
        heard = ((counted - TRUSTED) / (CLIPPED - TRUSTED)).clamp(0, 1)
        level = counted + heard * (own - counted).clamp_min(0)
        trust = ((1 + FLOOR - level) / (1 - TRUSTED)).clamp(0, 1)
        gain = 1 + trust * believed * (counted / own - 1)
        gain = F.interpolate(gain, size=srgb.shape[-2:], mode="bilinear", align_corners=False)
        linear = (linear + FLOOR) * gain - FLOOR  # black cannot be scaled up to the little light that was there
    return encode_curve(linear)


def smooth(blocks: Tensor, dilations: tuple[int, ...]) -> Tensor:
    """Binomial (1, 2, 1) smoothing of a (batch, channels, h, w) map along both axes, once for each dilation."""
    for d in dilations:
        padded = F.pad(blocks, (d, d, d, d), mode="replicate")
        rows = (padded[:, :, : -2 * d] + 2 * padded[:, :, d:-d] + padded[:, :, 2 * d :]) / 4
        blocks = (rows[..., : -2 * d] + 2 * rows[..., d:-d] + rows[..., 2 * d :]) / 4
    return blocks


def decode_curve(srgb: Tensor) -> Tensor:
    """sRGB -> linear light (IEC 61966-2-1); the straight part goes on below 0, the curve above 1."""
    curve = ((srgb.clamp_min(0.04045) + 0.055) / 1.055) ** 2.4
    return torch.where(srgb <= 0.04045, srgb / 12.92, curve)


def encode_curve(linear: Tensor) -> Tensor:
    """Linear light -> sRGB, the inverse of `decode_curve`."""
    curve = 1.055 * linear.clamp_min(0.0031308) ** (1 / 2.4) - 0.055
    return torch.where(linear <= 0.0031308, 12.92 * linear, curve)


def curve_slope(linear: Tensor) -> Tensor:
    """Derivative of `encode_curve`: how much sRGB a little more linear light makes."""
    slope = 1.055 / 2.4 * linear.clamp_min(0.0031308) ** (1 / 2.4 - 1)
    return torch.where(linear <= 0.0031308, 12.92, slope)
