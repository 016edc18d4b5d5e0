"""Recipes: everything that decides a training run, as YAML checked against these dataclasses."""

import dataclasses
import difflib
import types
import typing
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

import yaml

from darkdiff_cli.datasets.photos import PhotoSettings
from darkdiff_cli.errors import SettingsError
from darkdiff_cli.raw import LrgbSpace


@dataclass(frozen=True)
class AutoencoderShape:
    """Widths of the autoencoder (see ResidualAutoencoderKL)."""

    block_out_channels: tuple[int, ...] = (128, 256, 512, 512)
    latent_channels: int = 4
    layers_per_block: int = 2
    norm_num_groups: int = 32
    mid_block_add_attention: bool = True
    colour_anchor: bool = False


@dataclass(frozen=True)
class DenoiserShape:
    """Widths of the U-Net (see DarkDiffUNet)."""

    block_out_channels: tuple[int, ...] = (320, 640, 1280, 1280)
    attention_levels: tuple[bool, ...] = (True, True, True, False)
    num_heads: tuple[int, ...] = (5, 10, 20, 20)
    layers_per_block: int = 2
    cross_attention_dim: int = 1024
    prompt_tokens: int = 77
    norm_num_groups: int = 32
    prediction_type: Literal["epsilon", "v_prediction"] = "epsilon"


@dataclass(frozen=True)
class Optimisation:
    """How one network, or one group of them, is trained.

    Attributes:
        steps: optimiser steps.
        batch_size: images a step.
        crop: side of an image in LRGB pixels.
        learning_rate: peak, reached after `warmup` steps, then a cosine down to `final_learning_rate`.
        betas: of AdamW.
        ema_decay: of the averaged weights that are scored and kept.
        clip_grad_norm: largest norm of the gradient.
    """

    steps: int
    batch_size: int
    crop: int
    learning_rate: float
    final_learning_rate: float
    warmup: int = 100
    betas: tuple[float, float] = (0.9, 0.99)
    ema_decay: float = 0.999
    clip_grad_norm: float = 1.0


@dataclass(frozen=True)
class PictureLoss:
    """Loss on the finished picture: L1 + perceptual_weight * LPIPS."""

    perceptual_weight: float = 0.15


@dataclass(frozen=True)
class Stage0:
    """The small model's own Stable Diffusion: an autoencoder, then a U-Net without condition, on clean pictures."""

    autoencoder: Optimisation
    denoiser: Optimisation
    loss: PictureLoss = field(default_factory=PictureLoss)
    kl_weight: float = 1e-6


@dataclass(frozen=True)
class Stage1:
    """The residual autoencoder on noisy pictures (Sec. 4.3).

    Attributes:
        clean_latents: share of images whose latents come from the clean picture beside noisy taps, which is what the
            decoder meets after stage 2, and what keeps the latents alive.
        drop_taps: share of images decoded without their residual features.
        taps_learning_rate: factor on the learning rate of the residual convolutions.
    """

    optimisation: Optimisation
    loss: PictureLoss = field(default_factory=PictureLoss)
    kl_weight: float = 1e-6
    clean_latents: float = 0.5
    drop_taps: float = 0.1
    taps_learning_rate: float = 1.0


@dataclass(frozen=True)
class Stage2:
    """The denoiser and its context processor, the autoencoder frozen (Sec. 4.4, Eq. 1, 8, 9).

    Attributes:
        new_learning_rate: factor on the learning rate of the context processor and the region attention.
        null_share: share of images whose condition is pure noise, for guidance.
        image_loss_weight: lambda of Eq. 9; the loss of an image is weighted by alpha_bar of its timestep.
        image_loss_share: share of a batch that is decoded for it.
        region_size: side of an attention region in tokens.
        default_steps, default_guidance: what the checkpoint carries for `enhance`.
        tile, tile_overlap: the denoiser's tiles at inference, in latents.
        autoencoder_tile, autoencoder_tile_overlap: the autoencoder's tiles at inference, in pixels.
    """

    optimisation: Optimisation
    loss: PictureLoss = field(default_factory=PictureLoss)
    new_learning_rate: float = 5.0
    null_share: float = 0.05
    image_loss_weight: float = 1.0
    image_loss_share: float = 0.5
    region_size: int = 8
    default_steps: int = 50
    default_guidance: float = 2.0
    tile: int = 64
    tile_overlap: int = 16
    autoencoder_tile: int = 1024
    autoencoder_tile_overlap: int = 128


@dataclass(frozen=True)
class Recipe:
    """A whole training: the shapes of the networks, the data, and the three stages."""

    name: str
    autoencoder: AutoencoderShape
    denoiser: DenoiserShape
    data: PhotoSettings
    stage0: Stage0
    stage1: Stage1
    stage2: Stage2
    seed: int = 0
    lrgb_space: LrgbSpace = "srgb"
    log_every: int = 50
    check_every: int = 500
    keep_checkpoints: int = 2


def recipe_names() -> list[str]:
    """Names of the recipes that come with the program."""
    folder = files("darkdiff_cli.recipes")
    return sorted(p.name.removesuffix(".yaml") for p in folder.iterdir() if p.name.endswith(".yaml"))


def load_recipe(name_or_file: str) -> Recipe:
    """Load a bundled recipe by name, or any YAML file.

    Raises:
        SettingsError: no such recipe, an unknown key (the nearest known one is named), or a value of a wrong type.
    """
    if name_or_file in recipe_names():
        text = files("darkdiff_cli.recipes").joinpath(f"{name_or_file}.yaml").read_text(encoding="utf-8")
    elif Path(name_or_file).is_file():
        text = Path(name_or_file).read_text(encoding="utf-8")
    else:
        raise SettingsError(
            f"{name_or_file}: no such recipe; choose one of {', '.join(recipe_names())}, or a YAML file."
        )
    try:
        values = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise SettingsError(
            f"{name_or_file}: is not valid YAML ({str(error).splitlines()[0]}); mend the file."
        ) from error
    recipe = typing.cast(Recipe, _build(Recipe, values, name_or_file))
    if recipe.autoencoder.colour_anchor and recipe.lrgb_space != "srgb":
        raise SettingsError(
            f"{name_or_file}: colour_anchor compares linear sRGB; set lrgb_space: srgb, or leave it out."
        )
    return recipe


def _build(kind: type, values: object, where: str) -> Any:
    """Make a dataclass of a mapping, checking every key and type on the way."""
    if not isinstance(values, dict):
        raise SettingsError(f"{where}: expected a mapping of settings, got {values!r}.")
    hints = typing.get_type_hints(kind)
    for key in values:
        if key not in hints:
            near = difflib.get_close_matches(str(key), hints, n=1)
            raise SettingsError(f"{where}: unknown key {key!r}" + (f", did you mean {near[0]!r}?" if near else "."))
    required = {f.name for f in dataclasses.fields(kind) if f.default is f.default_factory is dataclasses.MISSING}
    if missing := sorted(required - set(values)):
        raise SettingsError(f"{where}: the key {missing[0]!r} is missing.")
    return kind(**{key: _convert(hints[key], value, f"{where}: {key}") for key, value in values.items()})


def _convert(hint: Any, value: object, where: str) -> object:
    if dataclasses.is_dataclass(hint):
        return _build(typing.cast(type, hint), value, where)
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is tuple and isinstance(value, list):
        kinds = [arguments[0]] * len(value) if len(arguments) == 2 and arguments[1] is Ellipsis else list(arguments)
        if len(kinds) == len(value):
            return tuple(_convert(kind, item, where) for kind, item in zip(kinds, value, strict=True))
    elif origin is Literal and value in arguments:
        return value
    elif hint is float and isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    elif isinstance(hint, type) and not isinstance(hint, types.GenericAlias) and type(value) is hint:
        return value
    expected = " or ".join(map(str, arguments)) if origin is Literal else getattr(hint, "__name__", str(hint))
    raise SettingsError(f"{where} is {value!r}, but must be {expected}.")
