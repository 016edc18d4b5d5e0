"""Load and save what training starts from: Stable Diffusion 2.1, from a folder, a mirror or the hub."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from diffusers import AutoencoderKL, DDIMScheduler, UNet2DConditionModel
from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor

from darkdiff_models.connections import is_offline
from darkdiff_models.empty_prompt import EMPTY_PROMPT_FILE, empty_prompt
from darkdiff_models.hub import FAILURES, MIRRORS, TamperedError, fetch
from darkdiff_models.stored import first_line, read_network, read_scheduler

BASE_FILES = [
    "*.json",
    "tokenizer/*",
    "vae/diffusion_pytorch_model.safetensors",
    "unet/diffusion_pytorch_model.safetensors",
    "text_encoder/model.safetensors",
]
VAE_FILES = ("vae/config.json", "vae/diffusion_pytorch_model.safetensors")


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
            (Stability removed the SD 2.x repositories in November 2025). Only safetensors are read. The hub client
            resumes broken downloads; `fetch` compares every file with its digest.

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
        empty_prompt=empty_prompt(folder),
    )


def load_base_autoencoder(source: str | Path) -> AutoencoderKL:
    """The autoencoder of a Stable Diffusion alone: all that stage 1 needs. Arguments and errors as in `load_base`."""
    return cast(AutoencoderKL, _part(AutoencoderKL, _fetch(str(source), VAE_FILES), "vae"))


def _part(kind: Any, folder: Path, name: str) -> Any:
    """A part of a checkpoint in diffusers' layout.

    Raises:
        FileNotFoundError: it is missing or damaged.
    """
    try:
        if name == "scheduler":
            return read_scheduler(folder / name, folder)
        return read_network(kind, folder / name, folder)
    except (OSError, ValueError, SafetensorError) as error:
        raise FileNotFoundError(
            f"{folder / name}: is missing or damaged ({first_line(error)}); give a Stable Diffusion 2.1 in diffusers' "
            "layout, a folder with vae, unet and scheduler"
        ) from error


def _fetch(source: str, patterns: Sequence[str]) -> Path:
    if Path(source).is_dir():
        return Path(source)
    names = MIRRORS.get(source, (source,))
    failures = []
    for name in names:
        try:
            return fetch(name, patterns)
        except FAILURES as error:
            failures.append(str(error) if isinstance(error, TamperedError) else f"{name} ({type(error).__name__})")
    where = " in the cache, and --offline forbids to fetch one" if is_offline() else ""
    raise FileNotFoundError(f"no base model at {', '.join(failures)}{where}; give a local folder in diffusers' layout")
