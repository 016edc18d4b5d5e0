"""Load a saved DarkDiff model, after checking which classes its index names."""

from inspect import signature
from math import inf
from pathlib import Path
from typing import Any

import diffusers
from diffusers import SchedulerMixin

from darkdiff_models.detail import Detail
from darkdiff_models.networks.autoencoder import ResidualAutoencoderKL
from darkdiff_models.networks.conditioning import LatentContext
from darkdiff_models.networks.context import ContextProcessor
from darkdiff_models.networks.unet import DarkDiffUNet
from darkdiff_models.pipeline import DarkDiffPipeline
from darkdiff_models.stored import CONFIG, read_json, read_network, read_scheduler

INDEX = "model_index.json"
NETWORKS = (ResidualAutoencoderKL, DarkDiffUNet, ContextProcessor, LatentContext, Detail)
OWN_CLASSES = {kind.__name__: kind for kind in NETWORKS}
PARTS = ("vae", "unet", "context", "scheduler")
OPTIONAL = "detail"
LARGEST_REGION = 64  # latents along a side; attention inside it takes memory as its fourth power
CHANNELS = {"lrgb-srgb": (3, 3), "raw-srgb": (4, 3), "raw-raw": (4, 4)}  # into and out of the autoencoder (Table 5)


def read_model(folder: Path) -> DarkDiffPipeline:
    """Load the pipeline of a folder, in fp32, from safetensors only.

    diffusers would import any module that the index names. Here an index may name only our own networks, under their
    present or earlier module paths, and diffusers' schedulers.

    Raises:
        OSError, KeyError, TypeError, ValueError, SafetensorError: the folder holds no complete DarkDiff model.
    """
    index = read_json(folder / INDEX, folder)
    if index.get("_class_name") != DarkDiffPipeline.__name__:
        raise ValueError(f"{INDEX} names {index.get('_class_name')}, not {DarkDiffPipeline.__name__}")
    named = {name: value for name, value in index.items() if isinstance(value, list)}
    kinds = {name: _kind(name, value) for name, value in named.items() if any(value)}  # [null, null]: it has none
    if missing := [name for name in PARTS if name not in kinds]:
        raise ValueError(f"{INDEX} names no {missing[0]}")
    settings = {name: value for name, value in index.items() if name not in named and not name.startswith("_")}
    _check_settings(settings)
    if "colour_anchor" not in settings:  # earlier versions kept it in the autoencoder's config
        settings["colour_anchor"] = bool(read_json(folder / "vae" / CONFIG, folder).get("colour_anchor", False))
    for name, kind in kinds.items():
        if name != "scheduler":
            _check_config(kind, read_json(folder / name / CONFIG, folder))
    parts = {
        name: (read_scheduler if name == "scheduler" else read_network)(kind, folder / name, folder)
        for name, kind in kinds.items()
    }
    _check_channels(parts["vae"], settings.get("data_format", "lrgb-srgb"))
    return DarkDiffPipeline(**parts, **settings)


def _check_settings(settings: dict[str, Any]) -> None:
    """Check the names and kinds of a pipeline's settings.

    Raises:
        ValueError: there is no such setting, or its value is of another kind than the default.
    """
    defaults = {name: given.default for name, given in signature(DarkDiffPipeline).parameters.items()}
    for name, value in settings.items():
        kind = type(defaults.get(name))
        fits = type(value) is kind or (kind is float and type(value) is int)
        if name not in defaults or not fits or (type(value) in (int, float) and not 0 <= value < inf):
            raise ValueError(f"{INDEX} has {name} {value!r}, which is no setting of a DarkDiff model")


def _check_config(kind: Any, config: dict[str, Any]) -> None:
    """Check what a config says of a network of ours: some nonsense would only come up when the network runs.

    Raises:
        ValueError: a value is of another kind than the default, or no number that counts or scales anything.
    """
    for name, given in signature(kind.__init__).parameters.items():
        is_global = name == "region_size" and config.get(name) == 0  # no regions
        if name in config and not is_global and not _is_like(config[name], given.default):
            raise ValueError(f"config of {kind.__name__} has {name} {config[name]!r}, which is no such setting")
    if config.get("region_size", 1) > LARGEST_REGION:
        raise ValueError(f"config of {kind.__name__} has regions of {config['region_size']}, beyond {LARGEST_REGION}")
    widths, heads = config.get("block_out_channels", ()), config.get("num_heads", ())
    if any(width % count for width, count in zip(widths, heads, strict=False)):
        raise ValueError(f"config of {kind.__name__} has num_heads that do not divide its block_out_channels")


def _is_like(value: Any, default: Any) -> bool:
    if isinstance(default, tuple):
        return isinstance(value, list) and bool(value) and all(_is_like(part, default[0]) for part in value)
    if isinstance(default, float):
        return type(value) in (int, float) and 0 < value < inf
    return type(value) is type(default) and (type(value) is not int or value > 0)


def _check_channels(vae: ResidualAutoencoderKL, data_format: str) -> None:
    """Check that the autoencoder takes and gives what the data format says.

    Raises:
        ValueError: it has other channels, or there is no such format.
    """
    if (vae.config["in_channels"], vae.config["out_channels"]) != CHANNELS.get(data_format):
        raise ValueError(f"{INDEX}: the data_format {data_format!r} does not fit the channels of vae")


def _kind(name: str, named: list[Any]) -> Any:
    """The class of a part, from its (module, class) in the index.

    Raises:
        ValueError: it is neither one of our networks nor one of diffusers' schedulers.
    """
    module, kind = (str(word) for word in named) if len(named) == 2 else ("", "")
    ours = name in (*PARTS, OPTIONAL) and name != "scheduler"
    if ours and module.split(".")[0] == "darkdiff_models" and kind in OWN_CLASSES:
        return OWN_CLASSES[kind]
    scheduler = getattr(diffusers, kind, None) if name == "scheduler" and module == "diffusers" else None
    if isinstance(scheduler, type) and issubclass(scheduler, SchedulerMixin):
        return scheduler
    raise ValueError(f"{INDEX} names {module}.{kind} for {name}, which is no part of a DarkDiff model")
