"""Gains per block in linear light: upsample them to pixels and apply them."""

import torch
import torch.nn.functional as F
from torch import Tensor

from darkdiff_models.finishing.edge_aware_mean import range_weight

FLOOR = 0.01  # linear light; below it levels are shifted rather than scaled
GUIDE_SIDE = 3  # pixels: side of the box filter on the guide, so that texture is no edge
TOLERANCE = 0.2  # difference in log light at which a block's weight for a pixel is 1/e
MIN_WEIGHT = 0.01  # added to every block's weight: a pixel unlike all four blocks is interpolated bilinearly


def apply_gain(linear: Tensor, gain: Tensor) -> Tensor:
    """Apply gains of the same shape to linear light; FLOOR is added meanwhile, so that gains also raise black."""
    return (linear + FLOOR) * gain - FLOOR


def upsample_bilinear(blocks: Tensor, like: Tensor) -> Tensor:
    """Upsample a (batch, channels, h, w) map of blocks to the size of `like`."""
    return F.interpolate(blocks, size=like.shape[-2:], mode="bilinear", align_corners=False)


def upsample_joint_bilateral(blocks: Tensor, levels: Tensor, linear: Tensor) -> Tensor:
    """Upsample a map of blocks to pixels without crossing edges of the picture.

    Each pixel averages the four blocks around it, weighted by distance and by similarity of light (joint bilateral
    upsampling: Kopf et al., SIGGRAPH 2007). No gradient flows through the similarity.

    Args:
        blocks: (batch, channels, h, w) the map.
        levels: (batch, 3, h, w) mean linear light of the blocks.
        linear: (batch, 3, H, W) linear light of the picture, H and W the same multiple of h and w.

    Returns:
        (batch, channels, H, W).
    """
    block = linear.shape[-1] // blocks.shape[-1]
    guide = F.avg_pool2d(linear.detach(), GUIDE_SIDE, 1, GUIDE_SIDE // 2, count_include_pad=False)
    pixels, centres = log_light(guide, 2 * FLOOR), log_light(levels.detach(), 2 * FLOOR)
    rows, columns = (_distance(linear, axis, block) for axis in (2, 3))
    values, total = linear.new_zeros(()), linear.new_zeros(())
    for down in (0, 1):
        for right in (0, 1):
            bilinear = (rows if down else 1 - rows)[:, None] * (columns if right else 1 - columns)
            similarity = range_weight((pixels - _corner(centres, block, down, right)) / TOLERANCE)
            weight = bilinear * (similarity + MIN_WEIGHT)
            values, total = values + weight * _corner(blocks, block, down, right), total + weight
    return values / total


def log_light(levels: Tensor, floor: float) -> Tensor:
    """log(light + floor) of linear light; negative light counts as 0."""
    return (levels.clamp_min(0) + floor).log()


def _distance(linear: Tensor, axis: int, block: int) -> Tensor:
    """Distance of each row or column from the last block centre before it, in blocks, 0 to 1."""
    places = torch.arange(linear.shape[axis], device=linear.device, dtype=linear.dtype)
    return ((places + 0.5) / block + 0.5) % 1


def _corner(blocks: Tensor, block: int, down: int, right: int) -> Tensor:
    """For each pixel one of the four blocks whose centres surround it; edge blocks are repeated."""
    height, width = (side * block for side in blocks.shape[-2:])
    repeated = F.interpolate(F.pad(blocks, (1, 1, 1, 1), mode="replicate"), scale_factor=block, mode="nearest")
    half = (block + 1) // 2
    return repeated.narrow(2, half + down * block, height).narrow(3, half + right * block, width)
