"""Means over neighbouring blocks that stop at edges (edge-avoiding smoothing: Dammertz et al., HPG 2010)."""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

AXES = (2, 3)
PASS_VARIANCE = 3 / 8  # share of white noise's variance that one (1, 2, 1) pass along one axis leaves


class EdgeAwareMean:
    """Smooths a map of blocks by binomial (1, 2, 1) passes that stop at the edges of a guide.

    Args:
        guide: (batch, channels, h, w) map whose edges are kept. No gradient flows through it.
        tolerance: difference in the guide at which a neighbour's weight is 1/e; one number, or one per block in the
            guide's shape.
        dilations: distances in blocks that passes may use.
    """

    def __init__(self, guide: Tensor, tolerance: float | Tensor, dilations: Sequence[int]) -> None:
        guide = guide.detach()
        tolerance = tolerance.detach() if isinstance(tolerance, Tensor) else tolerance
        self._weights = {
            (d, axis): [range_weight((guide - one) / tolerance) for one in _neighbours(guide, d, axis)]
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
        """Variance that `mean` leaves, for blocks with independent noise of the given variance.

        Passes smooth each other's output, so the product of their factors would be too small. It is scaled to
        `remaining_variance` where there are no edges. The result is a tenth too large there, and up to twice too large
        beside an edge.
        """
        if not dilations:
            return variance
        for d in dilations:
            for axis in AXES:
                before, after = _neighbours(variance, d, axis)
                first, second = self._weights[d, axis]
                variance = (4 * variance + first**2 * before + second**2 * after) / (2 + first + second) ** 2
        independent = PASS_VARIANCE ** (len(AXES) * len(dilations))
        return variance * (remaining_variance(dilations) / independent)


def remaining_variance(dilations: Sequence[int]) -> float:
    """Share of white noise's variance that passes leave where there are no edges.

    Together their binomial kernels are taken for a Gaussian of variance sum(d^2) / 2 along each axis.
    """
    return 1 / (2 * math.pi * sum(d * d for d in dilations))


def range_weight(difference: Tensor) -> Tensor:
    """(batch, channels, h, w) differences in units of the tolerance -> (batch, 1, h, w) weights in [0, 1]."""
    return torch.exp(-(difference**2).sum(dim=1, keepdim=True))


def _neighbours(blocks: Tensor, distance: int, axis: int) -> list[Tensor]:
    """The map shifted by a distance forwards and backwards along an axis; edge blocks are repeated."""
    padding = (0, 0, distance, distance) if axis == AXES[0] else (distance, distance, 0, 0)
    padded = F.pad(blocks, padding, mode="replicate")
    return [padded.narrow(axis, start, blocks.shape[axis]) for start in (0, 2 * distance)]
