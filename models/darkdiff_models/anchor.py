"""The colour anchor: a picture's levels are those that the sensor counted, and its colours no more than it can tell."""

import torch
import torch.nn.functional as F
from torch import Tensor

from darkdiff_models.alike import Alike
from darkdiff_models.light import Light, decode_curve, encode_curve

FLOOR = 0.01  # linear light; below it levels are shifted rather than scaled
TRUSTED = 0.7  # block means above this are pulled down by clipped noise and fade out towards 1
CLIPPED = 0.8  # above this, what the picture shows as white is taken for clipped
SCALES = ((1, 2, 4, 8), (1, 2, 4), (1, 2), (1,))
"""From wide areas to small ones: dilations of the smoothing passes over blocks."""
AROUND = (1, 2, 4)  # passes over which the picture's own error is measured
ERROR_RANGE = (0.02, 0.1)  # the least and the most relative error that a picture's levels are expected to have
EDGE = 1.4  # logarithm of light at which a neighbour is another thing
CALMED = 2  # pixels: side of the smallest areas whose colours are evened out
CALM_PASSES = (4, 2, 1)
COLOUR_EDGE, LIGHT_EDGE = 0.8, 2.0  # the same for colour and for light, in deviations of a block's counted light
LEAST = 1e-4  # so that no tolerance is 0
LUMINANCE = (0.2126, 0.7152, 0.0722)  # of linear sRGB, ITU-R BT.709


def anchor(srgb: Tensor, light: Light) -> Tensor:
    """Scale and shift a picture's linear light so that its levels are those that the sensor counted.

    A network reads absolute levels poorly through its group norms, and a sensor's noise averages out: detail is the
    network's, the level of an area the sensor's. Blocks near saturation are left as they are.

    Args:
        srgb: (batch, 3, h, w) sRGB, not clipped.
        light: from `block_light` of the noisy linear sRGB image.

    Returns:
        (batch, 3, h, w) sRGB, not clipped.
    """
    linear = decode_curve(srgb)
    block = srgb.shape[-1] // light.mean.shape[-1]
    shown = F.avg_pool2d(linear, block).clamp_min(0)  # gains of less than nothing would grow with every scale
    return encode_curve(_scaled(linear, _levelled(shown, light.mean, light.variance / block**2)))


def calm(srgb: Tensor, light: Light) -> Tensor:
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
    linear = _scaled(linear, _calmed(levels, tolerance))
    fine = F.avg_pool2d(linear, min(CALMED, block))
    return encode_curve(_scaled(linear, _calmed(fine, _enlarged(tolerance, fine))))


def _scaled(linear: Tensor, gain: Tensor) -> Tensor:
    """A picture times the gains of its blocks; black cannot be scaled up to the little light that was there."""
    return (linear + FLOOR) * _enlarged(gain, linear) - FLOOR


def _enlarged(blocks: Tensor, like: Tensor) -> Tensor:
    return F.interpolate(blocks, size=like.shape[-2:], mode="bilinear", align_corners=False)


def _levelled(shown: Tensor, counted: Tensor, noise: Tensor) -> Tensor:
    """Gains that bring the blocks of a picture to the light that was counted, as far as that can be believed.

    Wide areas come first, and no area reaches over an edge of the picture. What an area's light is believed against
    the picture's is an empirical Bayes estimate: how far the two lie apart around there, beyond the noise, is what
    the picture must be wrong by.

    Args:
        shown, counted: (batch, 3, h, w) linear light of blocks, the picture's and the sensor's.
        noise: of the same shape, the variance of `counted`.
    """
    alike = Alike(_log(shown, 2 * FLOOR), EDGE, SCALES[0])
    gain = torch.ones_like(shown)
    for dilations in SCALES:
        own, mean = alike.mean(torch.cat([(shown + FLOOR) * gain - FLOOR, counted], dim=1), dilations).chunk(2, dim=1)
        own, mean = own.clamp_min(0) + FLOOR, mean.clamp_min(0) + FLOOR
        step = mean / own - 1
        doubt = alike.variance(noise, dilations) / own**2
        error = alike.mean(step**2 - doubt, AROUND).clamp(ERROR_RANGE[0] ** 2, ERROR_RANGE[1] ** 2)
        # The picture is heard near saturation only: group norms take levels away, so it shows any flat area as bright.
        heard = ((mean - TRUSTED) / (CLIPPED - TRUSTED)).clamp(0, 1)
        level = mean + heard * (own - mean).clamp_min(0)
        trust = ((1 + FLOOR - level) / (1 - TRUSTED)).clamp(0, 1)
        gain = gain * (1 + trust * error / (error + doubt) * step)
    return gain


def _tolerance(levels: Tensor, noise: Tensor) -> Tensor:
    """(batch, 4, h, w) how much three colours and the luminance may differ in the noise, as logarithms of light.

    Args:
        levels: (batch, 3, h, w) linear light of blocks.
        noise: of the same shape, the variance of the light that was counted there.
    """
    even = Alike(torch.zeros_like(levels), 1.0, CALM_PASSES)
    relative = even.mean(noise.clamp_min(0).sqrt() / (levels.clamp_min(0) + FLOOR), CALM_PASSES[1:])
    light = relative * levels.clamp_min(0) * _weights(levels) / _luminance(levels)
    colour, light = (part.pow(2).sum(dim=1, keepdim=True).sqrt() for part in (relative, light))
    return LEAST + torch.cat([(COLOUR_EDGE * colour).expand_as(levels), LIGHT_EDGE * light], dim=1)


def _calmed(levels: Tensor, tolerance: Tensor) -> Tensor:
    """Gains that even out colours of areas whose differences are tolerable, and keep their luminance.

    Args:
        levels: (batch, 3, h, w) linear light of areas.
        tolerance: (batch, 4, h, w) from `_tolerance`.
    """
    luminance = _luminance(levels)
    colour = _log(levels, FLOOR) - luminance.log()
    alike = Alike(torch.cat([colour, luminance.log()], dim=1), tolerance, CALM_PASSES)
    gain = (alike.mean(colour, CALM_PASSES) - colour).exp()
    return gain * luminance / _luminance((levels + FLOOR) * gain - FLOOR)


def _luminance(levels: Tensor) -> Tensor:
    """(batch, 3, h, w) linear light -> (batch, 1, h, w), FLOOR more than the luminance."""
    return (levels.clamp_min(0) * _weights(levels)).sum(dim=1, keepdim=True) + FLOOR


def _weights(like: Tensor) -> Tensor:
    return like.new_tensor(LUMINANCE).view(1, 3, 1, 1)


def _log(levels: Tensor, floor: float) -> Tensor:
    return (levels.clamp_min(0) + floor).log()
