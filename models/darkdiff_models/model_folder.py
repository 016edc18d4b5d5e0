"""Load a saved DarkDiff model, after checking what its index and its configs say."""

from pathlib import Path
from typing import Any

from diffusers import DDIMScheduler

from darkdiff_models.config_values import (
    SWITCH,
    Allowed,
    Number,
    OneOf,
    check_class,
    check_network,
    check_values,
    shown,
)
from darkdiff_models.detail import Detail
from darkdiff_models.model_fit import CHANNELS, check_fit
from darkdiff_models.networks.autoencoder import ResidualAutoencoderKL
from darkdiff_models.networks.conditioning import LatentContext
from darkdiff_models.networks.context import ContextProcessor
from darkdiff_models.networks.sampling import SAMPLERS
from darkdiff_models.networks.unet import DarkDiffUNet
from darkdiff_models.pipeline import DarkDiffPipeline
from darkdiff_models.sampling_settings import MAX_GUIDANCE, MAX_VIEWS
from darkdiff_models.stored import CONFIG, SCHEDULER_CONFIG, read_json, read_network, read_scheduler

INDEX = "model_index.json"
SCHEDULER, OPTIONAL = "scheduler", "detail"
PARTS: dict[str, tuple[Any, ...]] = {
    "vae": (ResidualAutoencoderKL,),
    "unet": (DarkDiffUNet,),
    "context": (ContextProcessor, LatentContext),
    SCHEDULER: (DDIMScheduler,),
    OPTIONAL: (Detail,),
}
"""The parts of a model, and the classes that the index may name for each."""
SIDE = Number(0, 100_000, whole=True)  # of a tile; no picture is larger
SETTINGS: dict[str, Allowed] = {
    "lrgb_space": OneOf(("camera", "srgb")),
    "data_format": OneOf(tuple(CHANNELS)),
    "default_steps": Number(1, 1000, whole=True),
    "default_guidance": Number(0, MAX_GUIDANCE),
    "default_sampler": OneOf(tuple(SAMPLERS)),
    "default_views": Number(1, MAX_VIEWS, whole=True),
    "tile": SIDE,
    "tile_overlap": SIDE,
    "vae_tile": SIDE,
    "vae_tile_overlap": SIDE,
    "colour_anchor": SWITCH,
    "expected_error": Number(0, 1),
}
"""The settings of `DarkDiffPipeline`, and what each may be by itself."""


def read_model(folder: Path) -> DarkDiffPipeline:
    """Load the pipeline of a folder, in fp32, from safetensors only.

    diffusers would import any module that the index names. Here an index may name only our own networks, under their
    present or earlier module paths, and the scheduler that models are saved with.

    Raises:
        OSError, KeyError, TypeError, ValueError, SafetensorError: the folder holds no complete DarkDiff model.
    """
    index = read_json(folder / INDEX, folder)
    if index.get("_class_name") != DarkDiffPipeline.__name__:
        raise ValueError(f"{INDEX} names {index.get('_class_name')}, not {DarkDiffPipeline.__name__}")
    kinds = _kinds(index)
    configs = {name: read_json(folder / name / CONFIG, folder) for name in kinds if name != SCHEDULER}
    for name, config in configs.items():
        check_network(f"{name}/{CONFIG}", kinds[name], config)
    schedule = read_json(folder / SCHEDULER / SCHEDULER_CONFIG, folder)
    check_class(f"{SCHEDULER}/{SCHEDULER_CONFIG}", kinds[SCHEDULER], schedule)
    settings = {name: value for name, value in index.items() if name not in PARTS and not name.startswith("_")}
    if unknown := [name for name in settings if name not in SETTINGS]:
        raise ValueError(f"{INDEX} has {unknown[0]} {shown(settings[unknown[0]])}, which is no setting")
    check_values(INDEX, settings, SETTINGS)
    # Earlier versions kept it in the autoencoder's config.
    settings.setdefault("colour_anchor", configs["vae"].get("colour_anchor", False))
    parts: dict[str, Any] = {
        name: read_scheduler(folder / name, folder) if name == SCHEDULER else read_network(kind, folder / name, folder)
        for name, kind in kinds.items()
    }
    model = DarkDiffPipeline(**parts, **settings)
    check_fit(model)
    return model


def _kinds(index: dict[str, Any]) -> dict[str, Any]:
    """The class of each part that an index names.

    Raises:
        ValueError: a part is missing, or a class is no part of a DarkDiff model.
    """
    named = {name: value for name, value in index.items() if isinstance(value, list) and name not in SETTINGS}
    kinds = {name: _kind(name, value) for name, value in named.items() if value != [None, None]}  # it has none
    if missing := [name for name in PARTS if name not in kinds and name != OPTIONAL]:
        raise ValueError(f"{INDEX} names no {missing[0]}")
    return kinds


def _kind(name: str, named: list[Any]) -> Any:
    """The class of a part, from its (module, class) in the index.

    Raises:
        ValueError: it is none of the part's.
    """
    module, kind = (str(word) for word in named) if len(named) == 2 else ("", "")
    package = "diffusers" if name == SCHEDULER else "darkdiff_models"
    for known in PARTS.get(name, ()):
        if module.split(".")[0] == package and kind == known.__name__:
            return known
    raise ValueError(f"{INDEX} names {module}.{kind} for {name}, which is no part of a DarkDiff model")
