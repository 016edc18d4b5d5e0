"""The colour anchor: bring a picture's block means to those of the sensor."""

import torch
import torch.nn.functional as F
from torch import Tensor

from darkdiff_models.finishing.block_gains import FLOOR, apply_gain, log_light, upsample_joint_bilateral
from darkdiff_models.finishing.block_light import Light, decode_curve, encode_curve
from darkdiff_models.finishing.edge_aware_mean import EdgeAwareMean

TRUSTED = 0.7  # sensor means above this are too low, since noise was clipped; their weight falls to 0 at 1
CLIPPED = 0.8  # sensor mean from which a block that is white in the picture is taken for clipped
SCALES = ((1, 2, 4, 8), (1, 2, 4), (1, 2), (1,))
"""From wide areas to small ones: dilations of the smoothing passes over blocks.

Wider ones (16, 32) help where the black level is right, and harm several times as much where it is off by 0.3 DN at
x300: over so wide an area the noise averages out, and the error of the black level is taken for light.
"""
ERROR_DILATIONS = (1, 2, 4)  # passes that average the picture's squared error
ERROR_RANGE = (0.02, 0.1)  # smallest and largest relative error expected of a picture's block means
TOLERANCE = 1.4  # difference in log light at which a neighbour's weight is 1/e


def anchor_colours(srgb: Tensor, light: Light) -> Tensor:
    """Scale and shift a picture's linear light so that its block means are those of the sensor.

    Group norms lose absolute levels, while the sensor's noise averages out over an area: detail is taken from the
    network, the level of an area from the sensor. Blocks near saturation are not changed.

    Args:
        srgb: (batch, 3, h, w) sRGB, not clipped.
        light: from `block_light` of the noisy linear sRGB image.

    Returns:
        (batch, 3, h, w) sRGB, not clipped.
    """
    linear = decode_curve(srgb)
    block = srgb.shape[-1] // light.mean.shape[-1]
    picture = F.avg_pool2d(linear, block).clamp_min(0)  # negative means give gains that grow with every scale
    gain = _anchor_gain(picture, light.mean, light.variance / block**2)
    return encode_curve(apply_gain(linear, upsample_joint_bilateral(gain, picture, linear)))


def _anchor_gain(picture: Tensor, sensor: Tensor, noise: Tensor) -> Tensor:
    """Gains that bring a picture's block means to the sensor's, as far as these are reliable.

    Wide areas come first, and no area crosses an edge of the picture. The weight of the sensor is an empirical Bayes
    estimate: the squared difference between sensor and picture in the neighbourhood, minus the sensor's variance, is
    the variance of the picture's error.

    Args:
        picture, sensor: (batch, 3, h, w) mean linear light of blocks.
        noise: of the same shape, the variance of `sensor`.
    """
    smoother = EdgeAwareMean(log_light(picture, 2 * FLOOR), TOLERANCE, SCALES[0])
    gain = torch.ones_like(picture)
    for dilations in SCALES:
        both = torch.cat([apply_gain(picture, gain), sensor], dim=1)
        picture_mean, sensor_mean = smoother.mean(both, dilations).chunk(2, dim=1)
        picture_mean, sensor_mean = picture_mean.clamp_min(0) + FLOOR, sensor_mean.clamp_min(0) + FLOOR
        difference = sensor_mean / picture_mean - 1
        sensor_variance = smoother.variance(noise, dilations) / picture_mean**2
        error = smoother.mean(difference**2 - sensor_variance, ERROR_DILATIONS)
        error = error.clamp(ERROR_RANGE[0] ** 2, ERROR_RANGE[1] ** 2)
        # The picture's level counts near saturation only: group norms lose levels, so any flat area may look bright.
        near_clipping = ((sensor_mean - TRUSTED) / (CLIPPED - TRUSTED)).clamp(0, 1)
        level = sensor_mean + near_clipping * (picture_mean - sensor_mean).clamp_min(0)
        trust = ((1 + FLOOR - level) / (1 - TRUSTED)).clamp(0, 1)
        gain = gain * (1 + trust * error / (error + sensor_variance) * difference)
    return gain
