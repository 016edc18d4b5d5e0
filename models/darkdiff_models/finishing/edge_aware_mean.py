"""Means over neighbouring blocks that look alike (edge-avoiding smoothing: Dammertz et al., HPG 2010)."""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

AXES = (2, 3)
KEPT = 3 / 8  # of a white noise's variance, by one (1, 2, 1) pass along one axis


class EdgeAwareMean:
    """Binomial (1, 2, 1) passes over blocks that stop at the edges of a guide.

    Args:
        guide: (batch, channels, h, w) what the blocks look like. No gradient flows through it.
        tolerance: the difference in the guide at which a neighbour's weight has fallen by e; one for all, or of the
            guide's shape, where a block's own counts.
        dilations: distances in blocks at which passes may look.
    """

    def __init__(self, guide: Tensor, tolerance: float | Tensor, dilations: Sequence[int]) -> None:
        guide = guide.detach()
        tolerance = tolerance.detach() if isinstance(tolerance, Tensor) else tolerance
        self._weights = {
            (d, axis): [likeness((guide - one) / tolerance) for one in _neighbours(guide, d, axis)]
            for d in set(dilations)
            for axis in AXES
        }

    def mean(self, blocks: Tensor, dilations: Sequence[int]) -> Tensor:
        """Smooth a (batch, channels, h, w) map along both axes, once for each dilation."""
        for d in dilations:
            for axis in AXES:
                before, after = _neighbours(blocks, d, axis)
                first, second = self._weights[d, axis]
                blocks = (2 * blocks + first * before + second * after) / (2 + first + second)
        return blocks

    def variance(self, variance: Tensor, dilations: Sequence[int]) -> Tensor:
        """What `mean` leaves of the variance of blocks whose noise is their own.

        Passes see each other's outcome, so a product of what each leaves would be too little: where all blocks look
        alike it is `averaged`, which says a tenth too much, and beside an edge up to twice: less is believed there.
        """
        if not dilations:
            return variance
        for d in dilations:
            for axis in AXES:
                before, after = _neighbours(variance, d, axis)
                first, second = self._weights[d, axis]
                variance = (4 * variance + first**2 * before + second**2 * after) / (2 + first + second) ** 2
        alone = KEPT ** (len(AXES) * len(dilations))
        return variance * (averaged(dilations) / alone)


def averaged(dilations: Sequence[int]) -> float:
    """What passes leave of a white noise's variance where all blocks look alike.

    Their kernel is the binomials' together, of variance sum(d^2) / 2, taken for a normal one.
    """
    return 1 / (2 * math.pi * sum(d * d for d in dilations))


def likeness(difference: Tensor) -> Tensor:
    """(batch, channels, h, w) differences in tolerances -> (batch, 1, h, w) weights in [0, 1]."""
    return torch.exp(-(difference**2).sum(dim=1, keepdim=True))


def _neighbours(blocks: Tensor, distance: int, axis: int) -> list[Tensor]:
    """The maps moved by a distance forth and back along an axis; beyond the rim the last block goes on."""
    rim = (0, 0, distance, distance) if axis == AXES[0] else (distance, distance, 0, 0)
    padded = F.pad(blocks, rim, mode="replicate")
    return [padded.narrow(axis, start, blocks.shape[axis]) for start in (0, 2 * distance)]
