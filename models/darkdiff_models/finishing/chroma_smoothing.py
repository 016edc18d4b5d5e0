"""Chroma smoothing: remove colour differences that are smaller than the noise."""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from darkdiff_models.finishing.block_gains import FLOOR, apply_gain, log_light, upsample_bilinear
from darkdiff_models.finishing.block_light import Light, decode_curve, encode_curve
from darkdiff_models.finishing.edge_aware_mean import EdgeAwareMean, remaining_variance

FINE_SIDE = 2  # pixels: side of the smallest areas whose colours are smoothed
FINE_DILATIONS = (4, 2, 1)
WIDE_DILATIONS = ((8,), (16,))
"""Then wider areas, one after the other: the wider the area, the smaller the colour difference that noise explains."""
CORRELATION = 3.0  # an anchored picture's noise is correlated between blocks: wide means keep this much more of it
COLOUR_TOLERANCE, LUMINANCE_TOLERANCE = 0.8, 2.0  # in standard deviations of a block's light
MIN_TOLERANCE = 1e-4
LUMINANCE = (0.2126, 0.7152, 0.0722)  # of linear sRGB, ITU-R BT.709


def smooth_chroma(srgb: Tensor, light: Light) -> Tensor:
    """Smooth a picture's colours where neighbouring areas differ by less than the noise; luminance stays.

    Noise in the input mottles the networks' colours as well as the sensor's block means. Not for training: the networks
    would not learn what is corrected after them.

    Args:
        srgb: (batch, 3, h, w) sRGB, not clipped, from `anchor_colours`.
        light: from `block_light` of the noisy linear sRGB image.

    Returns:
        (batch, 3, h, w) sRGB, not clipped.
    """
    linear = decode_curve(srgb)
    block = srgb.shape[-1] // light.mean.shape[-1]
    levels = F.avg_pool2d(linear, block)
    tolerance = _tolerance(levels, light.variance / block**2)
    gain = _smoothing_gain(levels, tolerance, (FINE_DILATIONS, *WIDE_DILATIONS))
    linear = apply_gain(linear, upsample_bilinear(gain, linear))
    fine = F.avg_pool2d(linear, min(FINE_SIDE, block))
    gain = _smoothing_gain(fine, upsample_bilinear(tolerance, fine), (FINE_DILATIONS,))
    return encode_curve(apply_gain(linear, upsample_bilinear(gain, linear)))


def _tolerance(levels: Tensor, noise: Tensor) -> Tensor:
    """(batch, 4, h, w) differences in log light, of three colours and the luminance, that noise explains.

    Args:
        levels: (batch, 3, h, w) linear light of blocks.
        noise: of the same shape, variance of the sensor's block means.
    """
    smoother = EdgeAwareMean(torch.zeros_like(levels), 1.0, FINE_DILATIONS)
    relative = smoother.mean(noise.clamp_min(0).sqrt() / (levels.clamp_min(0) + FLOOR), FINE_DILATIONS[1:])
    light = relative * levels.clamp_min(0) * _weights(levels) / _luminance(levels)
    colour, light = (part.pow(2).sum(dim=1, keepdim=True).sqrt() for part in (relative, light))
    parts = [(COLOUR_TOLERANCE * colour).expand_as(levels), LUMINANCE_TOLERANCE * light]
    return MIN_TOLERANCE + torch.cat(parts, dim=1)


def _smoothing_gain(levels: Tensor, tolerance: Tensor, scales: Sequence[Sequence[int]]) -> Tensor:
    """Gains that smooth colours of areas which differ by less than the tolerance, and keep their luminance.

    Noise gets smaller from scale to scale, and the tolerance for colour with it (edge-avoiding wavelets: Dammertz et
    al., HPG 2010).

    Args:
        levels: (batch, 3, h, w) linear light of areas.
        tolerance: (batch, 4, h, w) from `_tolerance`.
        scales: passes of each scale, from small areas to wide ones.
    """
    luminance = _luminance(levels)
    original = colour = log_light(levels, FLOOR) - luminance.log()
    hue, light = tolerance.split([colour.shape[1], 1], dim=1)
    applied: list[int] = []
    remaining = 1.0
    for passes in scales:
        smoother = EdgeAwareMean(
            torch.cat([colour, luminance.log()], dim=1), torch.cat([hue * remaining, light], dim=1), passes
        )
        colour = smoother.mean(colour, passes)
        applied += passes
        remaining = CORRELATION * math.sqrt(remaining_variance(applied))
    gain = (colour - original).exp()
    return gain * luminance / _luminance(apply_gain(levels, gain))


def _luminance(levels: Tensor) -> Tensor:
    """(batch, 3, h, w) linear light -> (batch, 1, h, w) luminance + FLOOR."""
    return (levels.clamp_min(0) * _weights(levels)).sum(dim=1, keepdim=True) + FLOOR


def _weights(like: Tensor) -> Tensor:
    return like.new_tensor(LUMINANCE).view(1, 3, 1, 1)
