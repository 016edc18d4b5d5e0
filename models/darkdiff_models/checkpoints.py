"""Load DarkDiff models from folders and the Hugging Face hub."""

import os
from importlib.resources import files
from pathlib import Path

import torch
from diffusers.utils.logging import disable_progress_bar
from safetensors import SafetensorError

from darkdiff_models.connections import is_offline
from darkdiff_models.hub import FAILURES, TamperedError, fetch
from darkdiff_models.model_folder import INDEX, read_model
from darkdiff_models.networks.autoencoder import ResidualAutoencoderKL
from darkdiff_models.networks.context import ContextProcessor
from darkdiff_models.networks.sampling import sd_schedule
from darkdiff_models.networks.unet import DarkDiffUNet
from darkdiff_models.pipeline import DarkDiffPipeline
from darkdiff_models.stored import first_line

LONGEST_NAME = 500  # letters of a name in a sentence
MODEL_FILES = ("*.json", "*/*.json", "*/*.safetensors")


def local_model(model: str | Path) -> Path | None:
    """The local folder of a model: `model` itself if it is a folder, else the bundled model of that name, else None."""
    bundled = Path(str(files("darkdiff_models"))) / "pretrained" / str(model)
    return next((folder for folder in (Path(model), bundled) if os.path.isdir(folder)), None)


def find_model(model: str | Path) -> Path:
    """The folder of a model; one of the hub is downloaded unless it is in the local cache.

    Args:
        model: "tiny" for the bundled model, a folder that training made, or a hub id; owner/name@revision is a hub
            model at one commit, branch or tag.

    Raises:
        FileNotFoundError: there is no such model, or it may not be fetched.
    """
    folder = local_model(model)
    if folder is not None:
        return folder
    try:
        return fetch(str(model), MODEL_FILES)
    except TamperedError:
        raise
    except FAILURES as error:
        name = str(model)[:LONGEST_NAME]
        if is_offline():
            raise FileNotFoundError(
                f"no model {name!r}: it is neither bundled, nor a folder, nor in the cache, and --offline "
                "forbids to fetch it"
            ) from error
        raise FileNotFoundError(f"no model {name!r}: it is neither bundled, nor a folder, nor on the hub") from error


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
        raise ValueError(f"{folder}: holds no DarkDiff model ({INDEX} is missing)")
    disable_progress_bar()  # darkdiff shows its own progress
    try:
        pipeline = read_model(folder)
    except (OSError, KeyError, TypeError, ValueError, SafetensorError) as error:
        raise ValueError(f"{folder}: is no complete DarkDiff model ({first_line(error)}); get it again") from error
    for network in (pipeline.vae, pipeline.unet, pipeline.context, pipeline.detail):
        if network is not None:
            network.to(memory_format=torch.channels_last)
    return pipeline
