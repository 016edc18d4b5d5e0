"""The sensor's linear light in blocks, and the sRGB transfer curve."""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor


class Light(NamedTuple):
    """The sensor's linear light in blocks.

    Attributes:
        mean: (batch, 3, h / block, w / block) mean linear light.
        variance: of the same shape, the variance of a single pixel's noise.
    """

    mean: Tensor
    variance: Tensor


def block_light(lrgb: Tensor, block: int) -> Light:
    """Measure mean light and noise of blocks; the noise from differences of neighbouring pixels.

    Args:
        lrgb: (batch, 3, h, w) linear light, h and w multiples of `block`.
        block: side of a block in pixels.
    """
    down = F.pad(lrgb[:, :, 1:] - lrgb[:, :, :-1], (0, 0, 0, 1), mode="replicate")
    right = F.pad(lrgb[..., 1:] - lrgb[..., :-1], (0, 1, 0, 0), mode="replicate")
    return Light(F.avg_pool2d(lrgb, block), F.avg_pool2d((down**2 + right**2) / 4, block))


def decode_curve(srgb: Tensor) -> Tensor:
    """sRGB -> linear light (IEC 61966-2-1); the linear part extends below 0, the curve above 1."""
    curve = ((srgb.clamp_min(0.04045) + 0.055) / 1.055) ** 2.4
    return torch.where(srgb <= 0.04045, srgb / 12.92, curve)


def encode_curve(linear: Tensor) -> Tensor:
    """Linear light -> sRGB, the inverse of `decode_curve`."""
    curve = 1.055 * linear.clamp_min(0.0031308) ** (1 / 2.4) - 0.055
    return torch.where(linear <= 0.0031308, 12.92 * linear, curve)


def curve_slope(linear: Tensor) -> Tensor:
    """Derivative of `encode_curve`, d sRGB / d linear."""
    slope = 1.055 / 2.4 * linear.clamp_min(0.0031308) ** (1 / 2.4 - 1)
    return torch.where(linear <= 0.0031308, 12.92, slope)
