"""Smooth the colours of the full-size picture as far as the sensor's noise reaches."""

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor

from darkdiff_models.detail.samples import Samples
from darkdiff_models.finishing.block_light import curve_slope
from darkdiff_models.networks.precision import exact

LUMA = (0.299, 0.587, 0.114)  # of encoded sRGB, ITU-R BT.601
WIDTHS = (0.0, 0.7, 1.4)  # pixels: standard deviations of the Gaussians that are mixed
# Width = REACH * noise ** POWER: .75, 1.2 and 1.4 pixels at x16, x100 and x300, about the best of each.
REACH, POWER = 2.5, 1 / 3


def smooth_colour_noise(picture: Tensor, half: Tensor, samples: Samples) -> Tensor:
    """Smooth colours and keep the luma: the more noise the sensor has at a place, the wider.

    The network leaves colour noise of single pixels, which LPIPS in its loss hardly counts.

    Args:
        picture: (batch, 3, 2h, 2w) full-size picture, sRGB.
        half: (batch, 3, h, w) half-size picture, sRGB in [0, 1].
        samples: the mosaic.

    Returns:
        (batch, 3, 2h, 2w).
    """
    light = samples.half_light(half)
    noise = (samples.deviation(light) * curve_slope(light)).mean(dim=1, keepdim=True)
    variance = (REACH * noise**POWER).clamp_max(WIDTHS[-1]) ** 2
    variance = F.interpolate(variance, scale_factor=2, mode="bilinear", align_corners=False)
    picture = picture.float()
    luma = (picture * picture.new_tensor(LUMA).view(1, 3, 1, 1)).sum(dim=1, keepdim=True)
    colour = smooth = picture - luma
    with exact(picture.device):
        for less, more in pairwise(WIDTHS):
            smooth = blurred(smooth, (more**2 - less**2) ** 0.5)
            colour = torch.lerp(colour, smooth, ((variance - less**2) / (more**2 - less**2)).clamp(0, 1))
    return luma + colour


def blurred(image: Tensor, width: float) -> Tensor:
    """(batch, 3, h, w) under a Gaussian of a standard deviation in pixels; the border is repeated."""
    reach = round(3 * width)
    places = torch.arange(-reach, reach + 1, dtype=image.dtype, device=image.device)
    weights = torch.softmax(-(places**2) / (2 * width**2), dim=0).expand(3, 1, 1, -1)
    padded = F.pad(image, (reach, reach, reach, reach), mode="replicate")
    return F.conv2d(F.conv2d(padded, weights, groups=3), weights.transpose(2, 3), groups=3)
