"""Load DarkDiff models."""

import os
from pathlib import Path

import torch
from diffusers.utils.logging import disable_progress_bar
from safetensors import SafetensorError

from darkdiff_models.finding import find_model
from darkdiff_models.model_folder import INDEX, read_model
from darkdiff_models.networks.autoencoder import ResidualAutoencoderKL
from darkdiff_models.networks.context import ContextProcessor
from darkdiff_models.networks.sampling import sd_schedule
from darkdiff_models.networks.unet import DarkDiffUNet
from darkdiff_models.pipeline import DarkDiffPipeline
from darkdiff_models.stored import first_line


def untrained_pipeline() -> DarkDiffPipeline:
    """A DarkDiff pipeline of Stable Diffusion 2.1's size with random weights, to measure speed and memory."""
    return DarkDiffPipeline(ResidualAutoencoderKL(), DarkDiffUNet(), ContextProcessor(), sd_schedule("epsilon"))


def load_pipeline(model: str | Path) -> DarkDiffPipeline:
    """Load a DarkDiff model in fp32, from safetensors only.

    Args:
        model: "tiny" for the bundled model, a folder that `train` wrote, or a hub id.

    Raises:
        FileNotFoundError: there is no such model.
        ValueError: the folder holds no complete DarkDiff model.
    """
    folder = find_model(model)
    if not os.path.lexists(folder / INDEX):
        inner = sorted(path.parent for path in folder.glob(f"*/{INDEX}"))  # of a run, the last stage's
        meant = f"; give {inner[-1]}" if inner else ""
        raise ValueError(f"{folder}: holds no DarkDiff model ({INDEX} is missing){meant}")
    disable_progress_bar()  # darkdiff shows its own progress
    try:
        pipeline = read_model(folder)
    except (OSError, KeyError, TypeError, ValueError, SafetensorError) as error:
        raise ValueError(f"{folder}: is no complete DarkDiff model ({first_line(error)}); get it again") from error
    for network in (pipeline.vae, pipeline.unet, pipeline.context, pipeline.detail):
        if network is not None:
            network.to(memory_format=torch.channels_last)
    return pipeline
