"""Losses and scores on finished pictures."""

import torch
import torch.nn.functional as F
from torch import Tensor

from darkdiff_cli.training.recipe.stage_settings import PictureLoss
from darkdiff_models.learning.lpips import LPIPS
from darkdiff_models.networks.precision import exact

BLOCK = 16  # pixels, two latents: larger structures are no detail
PERIOD = 8  # pixels to a latent, after which a pattern of the decoder's own repeats
LEAST_JUDGED = 31 + PERIOD - 1  # side of a picture in pixels: the least that AlexNet takes, seen from every place


def picture_loss(
    picture: Tensor,
    reference: Tensor,
    lpips: LPIPS | None,
    weights: PictureLoss,
    place: Tensor | None = None,
    slant: Tensor | None = None,
) -> Tensor:
    """The distance of pictures from their references, one value an image.

    Args:
        picture: (batch, channels, h, w) output, about [0, 1], not clipped.
        reference: of the same shape, in [0, 1].
        lpips: the perceptual network; None only with a weight of 0.
        weights: of the terms.
        place: (2,) integers in [0, PERIOD), the first row and column that LPIPS sees. Its layers stride by 4 to 16
            pixels: pictures that it always sees from the same place learn a grid that it likes.
        slant: (), degrees by which LPIPS sees the pictures turned. Its filters answer most to lines across and down:
            pictures that it always sees upright learn to have more of them in the dark than the scene.
    """
    difference = picture - reference
    loss = difference.new_zeros(len(difference))
    if weights.l1 > 0:
        loss = loss + weights.l1 * difference.abs().mean(dim=(1, 2, 3))
    if weights.l2 > 0:
        loss = loss + weights.l2 * difference.square().mean(dim=(1, 2, 3))
    if weights.blocks > 0:
        blocks = F.avg_pool2d(difference, BLOCK, ceil_mode=True)
        loss = loss + weights.blocks * blocks.abs().mean(dim=(1, 2, 3))
    if lpips is not None and weights.lpips > 0:
        loss = loss + weights.lpips * lpips(*(_seen(viewable(image), place, slant) for image in (picture, reference)))
    return loss


def _seen(image: Tensor, place: Tensor | None, slant: Tensor | None) -> Tensor:
    """The image without PERIOD - 1 rows and columns, chosen on the device, so that nothing is copied to the CPU."""
    if slant is not None:
        image = _slanted(image, slant)
    for axis in (2, 3):
        lines = torch.arange(image.shape[axis] - PERIOD + 1, device=image.device)
        image = image.index_select(axis, lines if place is None else lines + place[axis - 2])
    return image


def _slanted(image: Tensor, degrees: Tensor) -> Tensor:
    """The image turned about its middle, mirrored beyond its edges; bicubic, so that fine lines stay."""
    height, width = image.shape[-2:]
    angle = torch.deg2rad(degrees)
    cosine, sine, zero = angle.cos(), angle.sin(), torch.zeros_like(angle)
    rows = (torch.stack([cosine, -sine * height / width, zero]), torch.stack([sine * width / height, cosine, zero]))
    # Mixed precision would round the places to a third of a pixel.
    with exact(image.device):
        grid = F.affine_grid(torch.stack(rows).expand(len(image), -1, -1), list(image.shape), align_corners=False)
        return F.grid_sample(image.float(), grid, mode="bicubic", padding_mode="reflection", align_corners=False)


def kl_loss(mean: Tensor, std: Tensor, reference: Tensor) -> Tensor:
    """KL divergence of the latents from a standard normal, summed over an image and shared among its values.

    So weighted, it stands beside a mean L1 as latent-diffusion's sums stand beside one another.

    Args:
        mean, std: (batch, channels, h, w) of the posterior.
        reference: (batch, channels, H, W) picture, whose number of values counts.
    """
    kl = 0.5 * (mean**2 + std**2 - 1.0 - 2 * std.log()).sum(dim=(1, 2, 3)).mean()
    return kl / reference[0].numel()


def viewable(picture: Tensor) -> Tensor:
    """(batch, 3, h, w) as it is; of (batch, 4, h, w) Bayer planes the mean green."""
    if picture.shape[1] == 3:
        return picture
    return torch.stack([picture[:, 0], picture[:, 1:3].mean(dim=1), picture[:, 3]], dim=1)


@torch.no_grad()
def score(picture: Tensor, reference: Tensor, lpips: LPIPS | None) -> dict[str, float]:
    """Mean PSNR in dB, and LPIPS where the network is at hand, of clipped pictures in [0, 1]."""
    picture = picture.clamp(0, 1)
    mse = F.mse_loss(picture, reference, reduction="none").mean(dim=(1, 2, 3)).clamp_min(1e-10)
    scores = {"psnr": float((-10 * mse.log10()).mean())}
    if lpips is not None:
        scores["lpips"] = float(lpips(viewable(picture), viewable(reference)).mean())
    return scores
