"""Load a saved DarkDiff model, after checking which classes its index names."""

import inspect
import json
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

INDEX = "model_index.json"
NETWORKS = (ResidualAutoencoderKL, DarkDiffUNet, ContextProcessor, LatentContext, Detail)
OWN_CLASSES = {kind.__name__: kind for kind in NETWORKS}
PARTS = ("vae", "unet", "context", "scheduler")
OPTIONAL = "detail"
CHANNELS = {"lrgb-srgb": (3, 3), "raw-srgb": (4, 3), "raw-raw": (4, 4)}  # into and out of the autoencoder (Table 5)
LONGEST = 100  # letters of a name in a message


def read_model(folder: Path) -> DarkDiffPipeline:
    """Load the pipeline of a folder, in fp32, from safetensors only.

    diffusers would import any module that the index names. Here an index may name only our own networks, under their
    present or earlier module paths, and diffusers' schedulers.

    Raises:
        Exception: the folder holds no complete DarkDiff model. Networks that are built by settings that make no sense
            raise errors of many kinds.
    """
    index = json.loads((folder / INDEX).read_text(encoding="utf-8"))
    if not isinstance(index, dict):
        raise ValueError(f"{INDEX} holds no settings")
    if index.get("_class_name") != DarkDiffPipeline.__name__:
        raise ValueError(f"{INDEX} names {index.get('_class_name')}, not {DarkDiffPipeline.__name__}")
    named = {name: value for name, value in index.items() if isinstance(value, list)}
    kinds = {name: _kind(name, value) for name, value in named.items() if any(value)}  # [null, null]: it has none
    if missing := [name for name in PARTS if name not in kinds]:
        raise ValueError(f"{INDEX} names no {missing[0]}")
    settings = {name: value for name, value in index.items() if name not in named and not name.startswith("_")}
    if "colour_anchor" not in settings:  # earlier versions kept it in the autoencoder's config
        settings["colour_anchor"] = bool(ResidualAutoencoderKL.load_config(folder / "vae").get("colour_anchor", False))
    _check_settings(settings)
    parts = {name: _loaded(kind, folder / name) for name, kind in kinds.items()}
    _check_channels(parts["vae"], settings.get("data_format", "lrgb-srgb"))
    return DarkDiffPipeline(**parts, **settings)


def _loaded(kind: Any, folder: Path) -> Any:
    """A part of a model with all of its weights: diffusers would draw missing ones at random.

    Raises:
        ValueError: some are missing, or there are others.
    """
    if issubclass(kind, SchedulerMixin):
        return kind.from_pretrained(folder)
    part, info = kind.from_pretrained(folder, use_safetensors=True, output_loading_info=True)
    for name in (*info["missing_keys"], *info["unexpected_keys"]):
        raise ValueError(f"the weights in {folder.name} do not fit its config: {name[:LONGEST]}")
    return part


def _check_channels(vae: ResidualAutoencoderKL, data_format: str) -> None:
    """Check that the autoencoder takes and gives what the data format says.

    Raises:
        ValueError: it has other channels, or there is no such format.
    """
    if data_format not in CHANNELS:
        raise ValueError(f"{INDEX} has the unknown data_format {data_format[:LONGEST]}")
    if (vae.config["in_channels"], vae.config["out_channels"]) != CHANNELS[data_format]:
        raise ValueError(f"{INDEX}: the data_format {data_format} does not fit the channels of vae")


def _check_settings(settings: dict[str, Any]) -> None:
    """Check the pipeline's settings against the types of their defaults.

    Raises:
        ValueError: one is unknown, or has another type.
    """
    known = inspect.signature(DarkDiffPipeline).parameters
    for name, value in settings.items():
        if name not in known:
            raise ValueError(f"{INDEX} has the unknown setting {name[:LONGEST]}")
        kind = type(known[name].default)
        if type(value) is not kind and not (kind is float and type(value) is int):
            raise ValueError(f"{INDEX}: {name} must be of type {kind.__name__}")


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
