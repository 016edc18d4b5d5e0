"""Whether the denoiser takes a whole image at once (App. A2), or has to work in tiles."""

import torch

from darkdiff_models.devices import free_memory
from darkdiff_models.networks.unet import DarkDiffUNet

# Maps of the first level's width, at full size, that a pass holds at its peak: skips, a feed-forward, keys and values.
# 45 in bf16 and 51 to 54 in fp32 were measured on a CPU, at sides of 64 to 144 latents and SD 2.1's ratio of widths.
MAPS = 56
FALLBACK = 64  # latents: side of a tile where the image does not fit
SHARE = 0.7  # of the free memory: the rest is for the autoencoder's maps and the allocator


def whole_image_bytes(unet: DarkDiffUNet, height: int, width: int, guidance: float, dtype: torch.dtype) -> int:
    """Estimate of the denoiser's memory for one image at once, without the weights.

    Args:
        unet: the denoiser.
        height, width: of the latents.
        guidance: guidance scale; both branches of Eq. 10 run in one batch unless it is 1.
        dtype: precision of the networks' arithmetic.
    """
    branches = 1 if guidance == 1 else 2
    channels = int(unet.config["block_out_channels"][0])
    return MAPS * channels * height * width * branches * dtype.itemsize


def fits(unet: DarkDiffUNet, height: int, width: int, guidance: float, dtype: torch.dtype) -> bool:
    """Whether the device has memory for one image at once; True if its free memory is unknown."""
    free = free_memory(unet.device)
    return free is None or whole_image_bytes(unet, height, width, guidance, dtype) < SHARE * free
