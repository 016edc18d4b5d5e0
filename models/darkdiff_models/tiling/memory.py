"""What the networks need of a device's memory, and what is free."""

import torch

from darkdiff_models.devices import free_memory
from darkdiff_models.networks.autoencoder import ResidualAutoencoderKL
from darkdiff_models.networks.unet import DarkDiffUNet

# Maps of the first level's width, at full size, measured on a CPU in fp32 and bf16, with the widths of SD 2.1 and of
# the bundled model, at sides of 32 to 128 latents: keys and values of the condition took 4 to 7 for every tile, and a
# call 28 to 42 for each of its tiles. The autoencoder's decoder took 10 to 15 with the features that it is given. The
# estimates are larger, for what an allocator keeps.
KEPT, WORKING, AUTOENCODER = 8, 48, 20
SHARE = 0.7  # of the free memory: the rest is for the autoencoder's maps and the allocator


def denoiser_bytes(
    unet: DarkDiffUNet, tile: tuple[int, int], count: int, per_call: int, guidance: float, dtype: torch.dtype
) -> int:
    """Estimate of the denoiser's memory, without the weights.

    Args:
        unet: the denoiser.
        tile: height and width of a tile in latents.
        count: tiles of the cover, whose conditions are kept for all steps.
        per_call: tiles of one network call.
        guidance: guidance scale; both branches of Eq. 10 run in one batch unless it is 1.
        dtype: precision of the networks' arithmetic.
    """
    return denoiser_values(unet, tile, guidance) * dtype.itemsize * (KEPT * count + WORKING * per_call)


def denoiser_values(unet: DarkDiffUNet, tile: tuple[int, int], guidance: float) -> int:
    """Values of one map of the first level; arguments as in `denoiser_bytes`."""
    branches = 1 if guidance == 1 else 2
    return int(unet.config["block_out_channels"][0]) * tile[0] * tile[1] * branches


def autoencoder_values(vae: ResidualAutoencoderKL, tile: tuple[int, int]) -> int:
    """Values of one map of the first level, for a tile of a size in pixels."""
    return int(vae.config["block_out_channels"][0]) * tile[0] * tile[1]


def room(device: torch.device) -> float | None:
    """Bytes that the networks may take; None if the device does not tell."""
    free = free_memory(device)
    return None if free is None else SHARE * free
