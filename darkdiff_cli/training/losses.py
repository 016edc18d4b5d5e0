"""Losses and scores on finished pictures."""

import torch
import torch.nn.functional as F
from torch import Tensor

from darkdiff_models.perceptual import LPIPS


def picture_loss(srgb: Tensor, reference: Tensor, lpips: LPIPS | None, perceptual_weight: float) -> Tensor:
    """L1 + perceptual_weight * LPIPS, one value an image.

    Args:
        srgb: (batch, 3, h, w) output, about [0, 1], not clipped.
        reference: (batch, 3, h, w) in [0, 1].
        lpips: the perceptual network; None only with a weight of 0.
        perceptual_weight: weight of LPIPS.
    """
    loss = (srgb - reference).abs().mean(dim=(1, 2, 3))
    if lpips is not None and perceptual_weight > 0:
        loss = loss + perceptual_weight * lpips(srgb, reference)
    return loss


@torch.no_grad()
def score(srgb: Tensor, reference: Tensor, lpips: LPIPS | None) -> dict[str, float]:
    """Mean PSNR in dB, and LPIPS where the network is at hand, of clipped pictures in [0, 1]."""
    srgb = srgb.clamp(0, 1)
    mse = F.mse_loss(srgb, reference, reduction="none").mean(dim=(1, 2, 3)).clamp_min(1e-10)
    scores = {"psnr": float((-10 * mse.log10()).mean())}
    if lpips is not None:
        scores["lpips"] = float(lpips(srgb, reference).mean())
    return scores
