"""The light that the sensor counted, as an anchor for the colours of the finished picture."""

import torch
import torch.nn.functional as F
from torch import Tensor

FLOOR = 0.02  # linear light; keeps the gain near 1 where an error of the black level is as large as the light
TRUSTED = 0.7  # block means above this are pulled down by clipped noise and fade out towards 1


def block_light(lrgb: Tensor, block: int) -> Tensor:
    """Mean linear light of blocks, smoothed over neighbours so that little of the sensor's noise is left.

    Args:
        lrgb: (batch, 3, h, w) linear light, h and w multiples of `block`.
        block: side of a block in pixels.

    Returns:
        (batch, 3, h / block, w / block).
    """
    means = F.pad(F.avg_pool2d(lrgb, block), (1, 1, 1, 1), mode="replicate")
    rows = means[:, :, :-2] + 2 * means[:, :, 1:-1] + means[:, :, 2:]
    return (rows[..., :-2] + 2 * rows[..., 1:-1] + rows[..., 2:]) / 16


def anchor(srgb: Tensor, light: Tensor) -> Tensor:
    """Scale a picture's linear light so that its block means are those that the sensor counted.

    A network reads absolute levels poorly through its group norms, and a sensor's noise averages out: detail is the
    network's, the level of an area the sensor's. Blocks near saturation are left as they are.

    Args:
        srgb: (batch, 3, h, w) sRGB, not clipped.
        light: (batch, 3, h / block, w / block) from `block_light` of the noisy linear sRGB image.

    Returns:
        (batch, 3, h, w) sRGB, not clipped.
    """
    linear = decode_curve(srgb)
    own = block_light(linear, srgb.shape[-1] // light.shape[-1]).clamp_min(0)
    trust = ((1 - torch.maximum(own, light)) / (1 - TRUSTED)).clamp(0, 1)
    gain = 1 + trust * ((light.clamp_min(0) + FLOOR) / (own + FLOOR) - 1)
    gain = F.interpolate(gain, size=srgb.shape[-2:], mode="bilinear", align_corners=False)
    return encode_curve(linear * gain)


def decode_curve(srgb: Tensor) -> Tensor:
    """sRGB -> linear light (IEC 61966-2-1); the straight part goes on below 0, the curve above 1."""
    curve = ((srgb.clamp_min(0.04045) + 0.055) / 1.055) ** 2.4
    return torch.where(srgb <= 0.04045, srgb / 12.92, curve)


def encode_curve(linear: Tensor) -> Tensor:
    """Linear light -> sRGB, the inverse of `decode_curve`."""
    curve = 1.055 * linear.clamp_min(0.0031308) ** (1 / 2.4) - 0.055
    return torch.where(linear <= 0.0031308, 12.92 * linear, curve)
