"""Fusion of the model's picture with the plain rendering: on bright input a model must do no harm."""

import torch
from torch import Tensor

from darkdiff_models.finishing.block_light import curve_slope, decode_curve, encode_curve
from darkdiff_models.finishing.noise_estimate import estimate_noise

BAND = 512  # rows


def fuse(picture: Tensor, lrgb: Tensor, expected_error: float) -> Tensor:
    """Mean of a model's picture and the plain rendering of its input, weighted per pixel by inverse variance.

    Both estimate the same scene. The model's error does not fall with more light; the error of the plain rendering is
    the sensor's noise, which is measured on the input. So a dark photograph is the model's, a bright one the camera's.

    Args:
        picture: (batch, 3, h, w) sRGB of the model.
        lrgb: (batch, 3, h, w) linear light in sRGB primaries, the model's input.
        expected_error: RMS error of the model's picture, in sRGB with 1 = white; above 0.

    Returns:
        (batch, 3, h, w) sRGB, not clipped.
    """
    noise = [[estimate_noise(plane.float().cpu().numpy()) for plane in image] for image in lrgb]
    gain, read = torch.tensor(noise, dtype=torch.float32, device=picture.device).permute(2, 0, 1)[..., None, None]
    fused = []
    # Band by band, because a large photo's maps would fill the memory.
    for band, plain in zip(picture.float().split(BAND, dim=2), lrgb.split(BAND, dim=2), strict=True):
        level = decode_curve(band.clamp(0, 1))
        variance = (gain * level + read) * curve_slope(level) ** 2
        weight = expected_error**2 / (expected_error**2 + variance)
        fused.append(torch.lerp(band, encode_curve(plain.to(band)).clamp(0, 1), weight))
    return torch.cat(fused, dim=2)
