"""Read networks and settings that strangers may have stored: checked first, and only then given memory."""

import json
import logging
import os
import stat
import threading
from collections.abc import Collection
from pathlib import Path
from typing import Any, TypeVar

import psutil
import torch
from diffusers import DDIMScheduler, ModelMixin
from safetensors import SafetensorError, safe_open
from torch import nn
from torch.nn.modules.module import register_module_parameter_registration_hook

from darkdiff_models.config_values import SCALE, SCHEDULE, check_values
from darkdiff_models.hub import is_snapshot

CONFIG, WEIGHTS = "config.json", "diffusion_pytorch_model.safetensors"
SHARDS = f"{WEIGHTS}.index.json"
SCHEDULER_CONFIG = "scheduler_config.json"
LARGEST_CONFIG = 1_000_000  # bytes; ours have some hundreds
SPARE = 100  # tensors that a constructor may make beyond twice those that it keeps
FLOATS = ("F64", "F32", "F16", "BF16")
RENAMED = {".query.": ".to_q.", ".key.": ".to_k.", ".value.": ".to_v.", ".proj_attn.": ".to_out.0."}
"""Names of attention in the autoencoders of Stable Diffusion as they were first published, and as they are now."""

logging.getLogger("diffusers.configuration_utils").setLevel(logging.ERROR)  # it prints names that it does not know

Shapes = dict[str, tuple[int, ...]]
Network = TypeVar("Network", bound=ModelMixin)


def read_network(kind: type[Network], folder: Path, model: Path | None = None) -> Network:
    """Load a network in fp32, from safetensors only, after its config was compared with the header of its weights.

    Args:
        kind: the network's class.
        folder: that holds config.json and the weights in one file.
        model: the model that it is a part of, which no file may lead out of; None for `folder`.

    Raises:
        OSError: a file is missing or out of reach.
        ValueError: a file is not what it should be, the config does not describe the weights, they are no numbers, or
            are damaged or do not fit into this machine's memory.
    """
    config = read_json(folder / CONFIG, model or folder)
    check_values(folder / CONFIG, config, {"scaling_factor": SCALE})
    if "quantization_config" in config:
        raise ValueError(f"{folder / CONFIG}: asks for quantised weights, which are not read")
    if os.path.lexists(folder / SHARDS):  # which of the two a stranger meant is not known
        raise ValueError(f"{folder / SHARDS}: asks for weights in several files, which are not read")
    stored = stored_shapes(own_file(folder / WEIGHTS, model or folder))
    network = without_values(kind, config, len(stored))
    shapes = {name: tuple(value.shape) for name, value in network.state_dict().items()}
    compare(shapes, stored, folder / CONFIG)
    with safe_open(str(folder / WEIGHTS), "pt") as file:  # copied, or they would stay in a file that may change
        weights = {_named(name, shapes): file.get_tensor(name).to(torch.float32, copy=True) for name in stored}
    network.load_state_dict(weights, assign=True)
    network.register_to_config(_name_or_path=str(folder))  # as diffusers does
    check_finite(network, folder / WEIGHTS)
    return network.eval()


def read_scheduler(folder: Path, model: Path | None = None) -> DDIMScheduler:
    """Load a noise schedule. Arguments as of `read_network`.

    What a config has beyond the arguments of `DDIMScheduler` is left out, or it would go on to other samplers.

    Raises:
        OSError: its config is missing.
        ValueError: it is no config, or one of no noise schedule.
    """
    path = folder / SCHEDULER_CONFIG
    config = {name: value for name, value in read_json(path, model or folder).items() if name in SCHEDULE}
    check_values(path, config, SCHEDULE)
    try:
        scheduler = DDIMScheduler.from_config(config)
    except Exception as error:  # whatever a config makes of a constructor
        raise ValueError(f"{path}: is no noise schedule ({first_line(error)})") from error
    left, steps = scheduler.alphas_cumprod, scheduler.config["num_train_timesteps"]
    if len(left) != steps:
        raise ValueError(f"{path}: has trained_betas of {len(left)} timesteps, and num_train_timesteps {steps}")
    least = 0 if scheduler.config["prediction_type"] == "v_prediction" else torch.finfo(left.dtype).tiny
    if not ((left >= least) & (left < 1)).all():
        raise ValueError(f"{path}: is no noise schedule (its betas leave all or nothing of a picture)")
    return scheduler


def read_json(path: Path, model: Path) -> dict[str, Any]:
    """A config or an index.

    Raises:
        OSError: it is missing.
        ValueError: it is too large, leads out of the model, or holds something else.
    """
    if own_file(path, model).stat().st_size > LARGEST_CONFIG:
        raise ValueError(f"{path}: is too large for a config")
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path}: is no JSON ({error})") from error
    if not isinstance(found, dict):
        raise ValueError(f"{path}: holds no settings by name")
    return found


def own_file(path: Path, model: Path) -> Path:
    """A file of a model: a plain one, in the model's folder or, where that is a snapshot of the hub's, in its cache.

    Raises:
        OSError: it is missing, out of reach, or a link to itself.
        ValueError: it is a device, a pipe or a folder, or a link leads out of the model.
    """
    try:
        mode = path.stat().st_mode  # first, since a link that leads to itself has a number here, and no name below
    except FileNotFoundError as error:
        raise FileNotFoundError(f"{path} is missing") from error
    real, root = path.resolve(), model.resolve()
    if not stat.S_ISREG(mode):
        raise ValueError(f"{path}: is no plain file")
    if not real.is_relative_to(root.parents[2] if is_snapshot(root) else root):
        raise ValueError(f"{path}: leads out of the model's folder; put the file itself there")
    return path


def stored_shapes(path: Path) -> Shapes:
    """The tensors of a safetensors file by its header alone.

    Raises:
        ValueError: it is damaged, holds something else than weights, or more than this machine's memory does.
    """
    _check_memory(path, path.stat().st_size)  # of the file, which is mapped as a whole
    try:
        with safe_open(str(path), "pt") as file:
            slices = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118 (no mapping)
    except SafetensorError as error:
        raise ValueError(f"{path}: is damaged ({first_line(error)})") from error
    if odd := [name for name, part in slices.items() if part.get_dtype() not in FLOATS]:
        raise ValueError(f"{path}: {odd[0]} is {slices[odd[0]].get_dtype()}, which no weight is")
    shapes = {name: tuple(part.get_shape()) for name, part in slices.items()}
    _check_memory(path, 4 * sum(torch.Size(shape).numel() for shape in shapes.values()))
    return shapes


def _check_memory(path: Path, need: int) -> None:
    have = psutil.virtual_memory().total
    if need > have:
        raise ValueError(f"{path}: needs {need / 1e9:.1f} GB of memory, and this machine has {have / 1e9:.1f}")


def without_values(kind: type[Network], config: dict[str, Any], most: int) -> Network:
    """A network of a config, without memory for the values of its tensors.

    Building ends where it goes far beyond `most` tensors: a hundred thousand layers take memory without any value.

    Raises:
        ValueError: the config describes no such network, or one of more tensors.
    """
    builder, built = threading.get_ident(), 0

    def count(_module: nn.Module, _name: str, _parameter: nn.Parameter) -> None:
        nonlocal built
        if threading.get_ident() == builder:  # torch asks all hooks for all threads
            built += 1
            if built > 2 * most + SPARE:
                raise ValueError(f"it describes far more tensors than the {most} of its weights")

    hook = register_module_parameter_registration_hook(count)
    try:
        with torch.device("meta"):
            network: Network = kind.from_config(config)
    except Exception as error:  # whatever a config makes of a constructor
        raise ValueError(f"config of {kind.__name__}: {error or type(error).__name__}") from error
    finally:
        hook.remove()
    return network


def compare(described: Shapes, stored: Shapes, config: Path) -> None:
    """Check that a config and weights have the same tensors.

    Raises:
        ValueError: they have not; it names the first that differs.
    """
    found = {_named(name, described): shape for name, shape in stored.items()}
    for name in sorted(described.keys() | found.keys()):
        theirs, ours = described.get(name), found.get(name)
        if theirs != ours:
            raise ValueError(f"{config}: has {name} of {theirs or 'no size'}, and the weights of {ours or 'none'}")


def check_finite(network: nn.Module, weights: Path) -> None:
    """Check that weights are numbers, of which alone a picture can be made.

    Raises:
        ValueError: some are NaN or infinite; it names the first tensor that has one.
    """
    for name, value in network.state_dict().items():
        # A sum takes a thirtieth of the time, and is NaN or infinite where a weight is; it may also overflow.
        if not value.sum().isfinite() and not value.isfinite().all():
            raise ValueError(f"{weights}: has NaN or infinite weights in {name}; get the file again, or train anew")


def _named(name: str, known: Collection[str]) -> str:
    """What a stored tensor is called in a network that has tensors of the known names."""
    if name not in known:
        for old, new in RENAMED.items():
            name = name.replace(old, new)
    return name


def first_line(error: Exception) -> str:
    """What an error says, for the middle of a sentence: its first line, or its kind where it says nothing."""
    if isinstance(error, OSError) and error.filename is not None and error.strerror:
        return f"{error.filename}: {error.strerror}"
    return next(iter(str(error).splitlines()), type(error).__name__)
