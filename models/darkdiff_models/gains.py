"""Gains of a picture's blocks, in linear light."""

import torch.nn.functional as F
from torch import Tensor

FLOOR = 0.01  # linear light; below it levels are shifted rather than scaled


def scaled(linear: Tensor, gain: Tensor) -> Tensor:
    """A picture times the gains of its blocks; black cannot be scaled up to the little light that was there."""
    return (linear + FLOOR) * enlarged(gain, linear) - FLOOR


def enlarged(blocks: Tensor, like: Tensor) -> Tensor:
    """The map of blocks, (batch, channels, h, w), in the size of `like`."""
    return F.interpolate(blocks, size=like.shape[-2:], mode="bilinear", align_corners=False)


def log_light(levels: Tensor, floor: float) -> Tensor:
    """Logarithm of linear light, `floor` more than it is."""
    return (levels.clamp_min(0) + floor).log()
