"""A finished picture's colours are no more than its light can tell."""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from darkdiff_models.finishing.block_gains import FLOOR, enlarged, log_light, scaled
from darkdiff_models.finishing.block_light import Light, decode_curve, encode_curve
from darkdiff_models.finishing.edge_aware_mean import EdgeAwareMean, averaged

CALMED = 2  # pixels: side of the smallest areas whose colours are evened out
CALM_PASSES = (4, 2, 1)
WIDE_PASSES = ((8,), (16,))
"""Over wider areas, one after the other: the wider an area, the smaller a difference of hue that noise explains."""
WIDE_EDGE = 3.0  # the noise of an anchored picture is not each block's own: wide means keep so much more of it
COLOUR_EDGE, LIGHT_EDGE = 0.8, 2.0  # the same for colour and for light, in deviations of a block's counted light
LEAST = 1e-4  # so that no tolerance is 0
LUMINANCE = (0.2126, 0.7152, 0.0722)  # of linear sRGB, ITU-R BT.709


def smooth_chroma(srgb: Tensor, light: Light) -> Tensor:
    """Even out a finished picture's colours where neighbouring areas differ by less than the noise tells apart.

    The networks' colours are mottled by the noise they saw, and so is the light that was counted in small areas. The
    luminance stays. Not for training: the networks would not learn what is taken from them afterwards.

    Args:
        srgb: (batch, 3, h, w) sRGB, not clipped, from `anchor`.
        light: from `block_light` of the noisy linear sRGB image.

    Returns:
        (batch, 3, h, w) sRGB, not clipped.
    """
    linear = decode_curve(srgb)
    block = srgb.shape[-1] // light.mean.shape[-1]
    levels = F.avg_pool2d(linear, block)
    tolerance = _tolerance(levels, light.variance / block**2)
    linear = scaled(linear, enlarged(_calmed(levels, tolerance, (CALM_PASSES, *WIDE_PASSES)), linear))
    fine = F.avg_pool2d(linear, min(CALMED, block))
    gain = _calmed(fine, enlarged(tolerance, fine), (CALM_PASSES,))
    return encode_curve(scaled(linear, enlarged(gain, linear)))


def _tolerance(levels: Tensor, noise: Tensor) -> Tensor:
    """(batch, 4, h, w) how much three colours and the luminance may differ in the noise, as logarithms of light.

    Args:
        levels: (batch, 3, h, w) linear light of blocks.
        noise: of the same shape, the variance of the light that was counted there.
    """
    even = EdgeAwareMean(torch.zeros_like(levels), 1.0, CALM_PASSES)
    relative = even.mean(noise.clamp_min(0).sqrt() / (levels.clamp_min(0) + FLOOR), CALM_PASSES[1:])
    light = relative * levels.clamp_min(0) * _weights(levels) / _luminance(levels)
    colour, light = (part.pow(2).sum(dim=1, keepdim=True).sqrt() for part in (relative, light))
    return LEAST + torch.cat([(COLOUR_EDGE * colour).expand_as(levels), LIGHT_EDGE * light], dim=1)


def _calmed(levels: Tensor, tolerance: Tensor, scales: Sequence[Sequence[int]]) -> Tensor:
    """Gains that even out colours of areas whose differences are tolerable, and keep their luminance.

    Noise averages out from scale to scale, and the colours that are tolerated draw together with it (edge-avoiding
    wavelets by falling tolerances: Dammertz et al., HPG 2010).

    Args:
        levels: (batch, 3, h, w) linear light of areas.
        tolerance: (batch, 4, h, w) from `_tolerance`.
        scales: passes of each scale, from small areas to wide ones.
    """
    luminance = _luminance(levels)
    shown = colour = log_light(levels, FLOOR) - luminance.log()
    hue, light = tolerance.split([colour.shape[1], 1], dim=1)
    done: list[int] = []
    left = 1.0
    for passes in scales:
        alike = EdgeAwareMean(
            torch.cat([colour, luminance.log()], dim=1), torch.cat([hue * left, light], dim=1), passes
        )
        colour = alike.mean(colour, passes)
        done += passes
        left = WIDE_EDGE * math.sqrt(averaged(done))
    gain = (colour - shown).exp()
    return gain * luminance / _luminance(scaled(levels, gain))


def _luminance(levels: Tensor) -> Tensor:
    """(batch, 3, h, w) linear light -> (batch, 1, h, w), FLOOR more than the luminance."""
    return (levels.clamp_min(0) * _weights(levels)).sum(dim=1, keepdim=True) + FLOOR


def _weights(like: Tensor) -> Tensor:
    return like.new_tensor(LUMINANCE).view(1, 3, 1, 1)
