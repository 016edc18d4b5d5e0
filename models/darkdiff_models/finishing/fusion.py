"""Fusion of the model's picture with the plain rendering: on bright input a model must do no harm."""

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from darkdiff_models.finishing.block_light import curve_slope, decode_curve, encode_curve
from darkdiff_models.finishing.noise_estimate import estimate_noise

BAND = 512  # rows
WHITE = 0.999  # of a channel: from here on LRGB was cut off, or resampled beside what was
AROUND = 9  # pixels: what is white in all this square is white
SURE = 0.75  # share of it that is white, from which on the picture begins to be


def fuse(picture: Tensor, lrgb: Tensor, expected_error: float) -> Tensor:
    """Mean of a model's picture and the plain rendering of its input, weighted per pixel by inverse variance.

    Both estimate the same scene. The model's error does not fall with more light; the error of the plain rendering is
    the sensor's noise, which is measured on the input. So a dark photograph is the model's, a bright one the camera's.
    What lies beyond white is white, with as much noise as there may be.

    Args:
        picture: (batch, channels, h, w) sRGB of the model; one channel is grey.
        lrgb: (batch, channels, h, w) linear light in sRGB primaries, the model's input.
        expected_error: RMS error of the model's picture, in sRGB with 1 = white; above 0.

    Returns:
        (batch, channels, h, w) sRGB, not clipped.
    """
    noise = [_noise(image.float().cpu().numpy()) for image in lrgb]
    gain, read = torch.tensor(noise, dtype=torch.float32, device=picture.device).permute(2, 0, 1)[..., None, None]
    white, fused = _whiteness(lrgb), []
    # Band by band, because a large photo's maps would fill the memory.
    bands = (part.split(BAND, dim=2) for part in (picture.float(), lrgb, white))
    for band, plain, sure in zip(*bands, strict=True):
        level = decode_curve(band.clamp(0, 1))
        variance = (gain * level + read) * curve_slope(level) ** 2
        weight = torch.maximum(expected_error**2 / (expected_error**2 + variance), sure.to(band))
        fused.append(torch.lerp(band, encode_curve(plain.to(band)).clamp(0, 1), weight))
    return torch.cat(fused, dim=2)


def _whiteness(lrgb: Tensor) -> Tensor:
    """(batch, 1, h, w) in [0, 1]: where all channels are cut off, all around; at an edge a model knows better."""
    white = (lrgb.amin(dim=1, keepdim=True) >= WHITE).float()
    share = F.avg_pool2d(white, AROUND, 1, AROUND // 2, count_include_pad=False)
    return ((share - SURE) / (1 - SURE)).clamp(0, 1)


def _noise(image: NDArray[np.float32]) -> list[tuple[float, float]]:
    """Gain and read variance of the planes of a (channels, h, w) LRGB.

    A light that is whiter than white has no noise left, and at white half of it: believed, they would put the sensor's
    noise in the place of the model's picture everywhere.
    """
    white = image.max(axis=0) >= WHITE
    return [estimate_noise(plane, white) for plane in image]
