"""The colour anchor: a picture's levels are those that the sensor counted."""

import torch
import torch.nn.functional as F
from torch import Tensor

from darkdiff_models.finishing.block_gains import FLOOR, enlarged_within, log_light, scaled
from darkdiff_models.finishing.block_light import Light, decode_curve, encode_curve
from darkdiff_models.finishing.edge_aware_mean import EdgeAwareMean

TRUSTED = 0.7  # block means above this are pulled down by clipped noise and fade out towards 1
CLIPPED = 0.8  # above this, what the picture shows as white is taken for clipped
SCALES = ((1, 2, 4, 8), (1, 2, 4), (1, 2), (1,))
"""From wide areas to small ones: dilations of the smoothing passes over blocks.

Wider ones (16, 32) gain where the black level is right and lose several times as much where it is off by 0.3 DN, at
x300: over so wide an area the noise averages out and the error of the black level is believed.
"""
AROUND = (1, 2, 4)  # passes over which the picture's own error is measured
ERROR_RANGE = (0.02, 0.1)  # the least and the most relative error that a picture's levels are expected to have
EDGE = 1.4  # logarithm of light at which a neighbour is another thing


def anchor_colours(srgb: Tensor, light: Light) -> Tensor:
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
    gain = _levelled(shown, light.mean, light.variance / block**2)
    return encode_curve(scaled(linear, enlarged_within(gain, shown, linear)))


def _levelled(shown: Tensor, counted: Tensor, noise: Tensor) -> Tensor:
    """Gains that bring the blocks of a picture to the light that was counted, as far as that can be believed.

    Wide areas come first, and no area reaches over an edge of the picture. What an area's light is believed against
    the picture's is an empirical Bayes estimate: how far the two lie apart around there, beyond the noise, is what
    the picture must be wrong by.

    Args:
        shown, counted: (batch, 3, h, w) linear light of blocks, the picture's and the sensor's.
        noise: of the same shape, the variance of `counted`.
    """
    alike = EdgeAwareMean(log_light(shown, 2 * FLOOR), EDGE, SCALES[0])
    gain = torch.ones_like(shown)
    for dilations in SCALES:
        own, mean = alike.mean(torch.cat([scaled(shown, gain), counted], dim=1), dilations).chunk(2, dim=1)
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
