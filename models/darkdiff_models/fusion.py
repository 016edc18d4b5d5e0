"""The finished picture, and what the sensor has already recorded well: on bright input a model must do no harm."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from darkdiff_models.light import decode_curve, encode_curve

BINS = 24
BAND = 512  # rows
BLOCK = 8
CALM = 0.2  # quantile of the blocks of a bin
SIZE_OF_CALM = 1.774  # that quantile of the mean size of second differences, for normal noise of deviation 1
TOE = 0.0031308  # linear light; below it the sRGB curve is a straight line (IEC 61966-2-1)


def fuse(picture: Tensor, lrgb: Tensor, expected_error: float) -> Tensor:
    """The best linear mean of a model's picture and of the plain rendering of its input, pixel by pixel.

    Both estimate the same scene: the model with an error of its own, which stays when the light is plenty; the plain
    rendering with the sensor's noise, which is measured on the input. Each counts by the inverse of its variance, so
    a dark photograph is the model's and a bright one is the camera's.

    Args:
        picture: (batch, 3, h, w) sRGB of the model.
        lrgb: (batch, 3, h, w) linear light in sRGB primaries, the model's input.
        expected_error: of the model's picture, root mean square, in sRGB with 1 = white; above 0.

    Returns:
        (batch, 3, h, w) sRGB, not clipped.
    """
    noise = [[estimate_noise(plane.float().cpu().numpy()) for plane in image] for image in lrgb]
    gain, read = torch.tensor(noise, dtype=torch.float32, device=picture.device).permute(2, 0, 1)[..., None, None]
    fused = []
    # Band by band: a large photo's maps would fill the memory.
    for band, plain in zip(picture.float().split(BAND, dim=2), lrgb.split(BAND, dim=2), strict=True):
        level = decode_curve(band.clamp(0, 1))
        slope = torch.where(level > TOE, 1.055 / 2.4 * level.clamp_min(TOE) ** (1 / 2.4 - 1), 12.92)
        variance = (gain * level + read) * slope**2
        weight = expected_error**2 / (expected_error**2 + variance)
        fused.append(torch.lerp(band, encode_curve(plain.to(band)).clamp(0, 1), weight))
    return torch.cat(fused, dim=2)


def estimate_noise(plane: NDArray[np.float32]) -> tuple[float, float]:
    """Fit variance = gain * level + read variance to a plane.

    Second differences along rows and columns hold the noise and little of the picture. Their mean size is taken in
    blocks, the blocks are sorted into bins by their level, and the calm blocks of each bin, which have no texture,
    tell the noise.

    Args:
        plane: (h, w) linear, black taken off, in any unit.

    Returns:
        Gain in that unit per electron and read variance in its square, neither negative; a plane of less than 10x10
        tells nothing, and its noise counts as infinite.
    """
    if min(plane.shape) < BLOCK + 2:
        return 0.0, float("inf")
    middle = plane[1:-1, 1:-1]
    across = plane[1:-1, :-2] + plane[1:-1, 2:] - 2 * middle
    along = plane[:-2, 1:-1] + plane[2:, 1:-1] - 2 * middle
    level, size = _blocks(middle), _blocks((np.abs(across) + np.abs(along)) / 2)
    bins = np.array_split(np.argsort(level, kind="stable"), max(1, min(BINS, len(level) // 8)))
    levels = np.array([level[part].mean() for part in bins])
    sigma = np.array([np.quantile(size[part], CALM) for part in bins]) / SIZE_OF_CALM
    spread = sigma**2
    if spread.max() == 0 or len(bins) < 2:
        return 0.0, float(spread.max())
    gain, read = np.polyfit(levels, spread, 1, w=1.0 / np.maximum(spread, 1e-3 * spread.max()))
    return max(float(gain), 0.0), max(float(read), 0.0)


def _blocks(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Means of whole blocks, in a row."""
    height, width = (n // BLOCK for n in values.shape)
    cut = values[: height * BLOCK, : width * BLOCK].reshape(height, BLOCK, width, BLOCK)
    return np.asarray(cut.mean(axis=(1, 3))).ravel()
