"""Whether the parts and the settings of a model fit together: each is checked alone before."""

from collections.abc import Mapping
from typing import Any

from darkdiff_models.config_values import SMALLEST_TILE
from darkdiff_models.networks.context import ContextProcessor
from darkdiff_models.pipeline import DarkDiffPipeline

CHANNELS = {"lrgb-srgb": (3, 3), "raw-srgb": (4, 3), "raw-raw": (4, 4)}  # into and out of the autoencoder (Table 5)
LARGEST_MULTIPLE = 1024  # pixels that images are filled up to a multiple of; 64 with Stable Diffusion's networks
OF_BOTH = ("in_channels", "block_out_channels", "layers_per_block", "attention_levels")
"""What a denoiser and its context processor have in common, since the one attends to the other's features."""


def check_fit(model: DarkDiffPipeline) -> None:
    """Check what would only come up when a picture is made, and then seem to be the picture's fault.

    Raises:
        ValueError: a part or a setting does not fit the others; it names the file and the value.
    """
    settings: Mapping[str, Any] = dict(model.config)
    _check_data_format(model, settings)
    _check_networks(model)
    _check_tiles(model, settings)
    timesteps = model.scheduler.config["num_train_timesteps"]
    if settings["default_steps"] > timesteps:
        _refuse("default_steps", settings, f"the scheduler has {timesteps} timesteps")


def _check_data_format(model: DarkDiffPipeline, settings: Mapping[str, Any]) -> None:
    vae, form = model.vae.config, settings["data_format"]
    if (vae["in_channels"], vae["out_channels"]) != CHANNELS[form]:
        raise ValueError(f"model_index.json: the data_format {form!r} does not fit the channels of vae")
    if model.detail is not None and form == "raw-raw":
        _refuse("data_format", settings, "detail adds to sRGB pictures alone")
    if (settings["lrgb_space"], form) != ("srgb", "lrgb-srgb"):
        for name in ("colour_anchor", "expected_error"):
            if settings[name]:
                _refuse(name, settings, "that needs lrgb_space srgb and data_format lrgb-srgb")


def _check_networks(model: DarkDiffPipeline) -> None:
    vae, unet, context = model.vae.config, model.unet.config, model.context.config
    channels = {unet["in_channels"], unet["out_channels"], context["in_channels"]}
    if channels != {vae["latent_channels"]}:
        raise ValueError(
            f"unet/config.json has in_channels {unet['in_channels']} and out_channels {unet['out_channels']}, "
            f"context/config.json in_channels {context['in_channels']}, and vae/config.json latent_channels "
            f"{vae['latent_channels']}: they must be the same"
        )
    reads_features = isinstance(model.context, ContextProcessor)
    if reads_features != (unet["conditioning"] == "attention"):
        kind = type(model.context).__name__
        raise ValueError(
            f"unet/config.json has conditioning {unet['conditioning']!r}, which the context {kind} has not"
        )
    for name in OF_BOTH if reads_features else ():
        if list(_listed(unet[name])) != list(_listed(context[name])):
            raise ValueError(f"unet/config.json has {name} {unet[name]}, and context/config.json {context[name]}")


def _check_tiles(model: DarkDiffPipeline, settings: Mapping[str, Any]) -> None:
    factor, multiple = model.vae.factor, model.unet.size_multiple
    if factor * multiple > LARGEST_MULTIPLE:
        raise ValueError(
            f"vae and unet have so many block_out_channels that images must have sides of {factor * multiple} pixels, "
            f"beyond {LARGEST_MULTIPLE}"
        )
    if settings["tile"] % multiple:
        _refuse("tile", settings, f"it must be 0 or a multiple of {multiple}")
    least = SMALLEST_TILE * factor
    if settings["vae_tile"] % factor or settings["vae_tile"] < least:
        _refuse("vae_tile", settings, f"it must be a multiple of {factor} from {least} on")
    if settings["vae_tile_overlap"] > settings["vae_tile"] // 2:
        _refuse("vae_tile_overlap", settings, "it must be at most half of vae_tile")


def _listed(value: Any) -> Any:
    return value if isinstance(value, list | tuple) else [value]


def _refuse(name: str, settings: Mapping[str, Any], why: str) -> None:
    raise ValueError(f"model_index.json has {name} {settings[name]}; {why}")
