"""Gains of a picture's blocks, in linear light."""

import torch
import torch.nn.functional as F
from torch import Tensor

from darkdiff_models.finishing.edge_aware_mean import likeness

FLOOR = 0.01  # linear light; below it levels are shifted rather than scaled
EVEN = 3  # pixels: side of the squares whose mean stands for a pixel's look, so that texture is no edge
TOLERANCE = 0.2  # difference in the logarithm of light at which a block's word for a pixel has fallen by e
LIKE_NONE = 0.01  # what every block's word is worth at least: a pixel like none of them takes from all


def scaled(linear: Tensor, gain: Tensor) -> Tensor:
    """Light times gains of its own size; black cannot be scaled up to the little light that was there."""
    return (linear + FLOOR) * gain - FLOOR


def enlarged(blocks: Tensor, like: Tensor) -> Tensor:
    """The map of blocks, (batch, channels, h, w), in the size of `like`."""
    return F.interpolate(blocks, size=like.shape[-2:], mode="bilinear", align_corners=False)


def enlarged_within(blocks: Tensor, levels: Tensor, linear: Tensor) -> Tensor:
    """The map of blocks in the size of a picture, where what is shown in a pixel counts beside its place.

    Each pixel takes from the four blocks around it, from those most that look like it, so that one thing's values do
    not reach over its edge (joint bilateral upsampling: Kopf et al., SIGGRAPH 2007). No gradient flows through what
    pixels look like.

    Args:
        blocks: (batch, channels, h, w) the map.
        levels: (batch, 3, h, w) mean linear light of the blocks.
        linear: (batch, 3, H, W) linear light of the picture, H and W the same multiple of h and w.
    """
    block = linear.shape[-1] // blocks.shape[-1]
    look = F.avg_pool2d(linear.detach(), EVEN, 1, EVEN // 2, count_include_pad=False)
    pixels, centres = log_light(look, 2 * FLOOR), log_light(levels.detach(), 2 * FLOOR)
    rows, columns = (_distance(linear, axis, block) for axis in (2, 3))
    values, total = linear.new_zeros(()), linear.new_zeros(())
    for down in (0, 1):
        for right in (0, 1):
            near = (rows if down else 1 - rows)[:, None] * (columns if right else 1 - columns)
            alike = likeness((pixels - _corner(centres, block, down, right)) / TOLERANCE)
            weight = near * (alike + LIKE_NONE)
            values, total = values + weight * _corner(blocks, block, down, right), total + weight
    return values / total


def log_light(levels: Tensor, floor: float) -> Tensor:
    """Logarithm of linear light, `floor` more than it is."""
    return (levels.clamp_min(0) + floor).log()


def _distance(linear: Tensor, axis: int, block: int) -> Tensor:
    """How far each row or column is from the centre of the block before it, in blocks, 0 to 1."""
    places = torch.arange(linear.shape[axis], device=linear.device, dtype=linear.dtype)
    return ((places + 0.5) / block + 0.5) % 1


def _corner(blocks: Tensor, block: int, down: int, right: int) -> Tensor:
    """For each pixel one of the four blocks whose centres are around it; beyond the rim the last block goes on."""
    height, width = (side * block for side in blocks.shape[-2:])
    grown = F.interpolate(F.pad(blocks, (1, 1, 1, 1), mode="replicate"), scale_factor=block, mode="nearest")
    half = (block + 1) // 2
    return grown.narrow(2, half + down * block, height).narrow(3, half + right * block, width)
