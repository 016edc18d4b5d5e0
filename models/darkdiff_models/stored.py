"""Read networks and settings that strangers may have stored: checked first, and only then given memory."""

import json
import logging
import threading
from inspect import signature
from pathlib import Path
from typing import Any, TypeVar

import psutil
import torch
from diffusers import ModelMixin, SchedulerMixin
from safetensors import safe_open
from torch import nn
from torch.nn.modules.module import register_module_parameter_registration_hook

from darkdiff_models.hub import is_snapshot

CONFIG, WEIGHTS = "config.json", "diffusion_pytorch_model.safetensors"
SCHEDULER_CONFIG = "scheduler_config.json"
LARGEST_CONFIG = 1_000_000  # bytes; ours have some hundreds
LONGEST = 10_000  # of any count and any list in the config of a scheduler; Stable Diffusion has 1000 timesteps
SPARE = 100  # tensors that a constructor may make beyond twice those that it keeps
FLOATS = ("F64", "F32", "F16", "BF16")
RENAMED = {".query.": ".to_q.", ".key.": ".to_k.", ".value.": ".to_v.", ".proj_attn.": ".to_out.0."}
"""Names of attention in the autoencoders of Stable Diffusion as they were first published; diffusers knows both."""

logging.getLogger("diffusers.configuration_utils").setLevel(logging.ERROR)  # it prints names that it does not know

Shapes = dict[str, tuple[int, ...]]
Network = TypeVar("Network", bound=ModelMixin)
Scheduler = TypeVar("Scheduler", bound=SchedulerMixin)


def read_network(kind: type[Network], folder: Path, model: Path | None = None) -> Network:
    """Load a network in fp32, from safetensors only, after its config was compared with the header of its weights.

    Args:
        kind: the network's class.
        folder: that holds config.json and the weights in one file.
        model: the model that it is a part of, which no file may lead out of; None for `folder`.

    Raises:
        OSError: a file is missing.
        ValueError: a file is not what it should be, the config does not describe the weights, or they do not fit into
            this machine's memory.
        SafetensorError: the weights are damaged.
    """
    config = read_json(folder / CONFIG, model or folder)
    if "quantization_config" in config:
        raise ValueError(f"{folder / CONFIG}: asks for quantised weights, which are not read")
    stored = stored_shapes(own_file(folder / WEIGHTS, model or folder))
    compare(described_shapes(kind, config, len(stored)), stored, folder / CONFIG)
    network: Network = kind.from_pretrained(folder, use_safetensors=True)
    return network


def read_scheduler(kind: type[Scheduler], folder: Path, model: Path | None = None) -> Scheduler:
    """Load a noise schedule. Arguments as of `read_network`.

    Raises:
        OSError: its config is missing.
        ValueError: it is no config, or asks for tables of absurd size.
    """
    config = read_json(folder / SCHEDULER_CONFIG, model or folder)
    for name, value in config.items():
        size = len(value) if isinstance(value, list | dict | str) else abs(value) if type(value) is int else 0
        if size > LONGEST:
            raise ValueError(f"{folder / SCHEDULER_CONFIG}: has a {name} beyond {LONGEST}")
        default = getattr(signature(kind.__init__).parameters.get(name), "default", None)
        numbers = type(default) in (int, float) and type(value) in (int, float)
        if type(default) in (bool, int, float, str) and not (type(value) is type(default) or numbers):
            raise ValueError(f"{folder / SCHEDULER_CONFIG}: has {name} {value!r}, which is no such setting")
    try:
        scheduler: Scheduler = kind.from_pretrained(folder)
    except Exception as error:  # whatever a config makes of a constructor
        raise ValueError(f"{folder / SCHEDULER_CONFIG}: is no noise schedule ({first_line(error)})") from error
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
        FileNotFoundError: it is missing.
        ValueError: it is a device, a pipe or a folder, or a link leads out of the model.
    """
    real, root = path.resolve(), model.resolve()
    if not path.exists():
        raise FileNotFoundError(f"{path} is missing")
    if not real.is_file():
        raise ValueError(f"{path}: is no plain file")
    if not real.is_relative_to(root.parents[2] if is_snapshot(root) else root):
        raise ValueError(f"{path}: leads out of the model's folder; put the file itself there")
    return path


def stored_shapes(path: Path) -> Shapes:
    """The tensors of a safetensors file by its header alone.

    Raises:
        SafetensorError: it is damaged.
        ValueError: it holds something else than weights, or more than this machine's memory does.
    """
    _check_memory(path, path.stat().st_size)  # of the file, which is mapped as a whole
    with safe_open(str(path), "pt") as file:
        slices = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118 (no mapping)
    if odd := [name for name, part in slices.items() if part.get_dtype() not in FLOATS]:
        raise ValueError(f"{path}: {odd[0]} is {slices[odd[0]].get_dtype()}, which no weight is")
    shapes = {name: tuple(part.get_shape()) for name, part in slices.items()}
    _check_memory(path, 4 * sum(torch.Size(shape).numel() for shape in shapes.values()))
    return shapes


def _check_memory(path: Path, need: int) -> None:
    have = psutil.virtual_memory().total
    if need > have:
        raise ValueError(f"{path}: needs {need / 1e9:.1f} GB of memory, and this machine has {have / 1e9:.1f}")


def described_shapes(kind: type[ModelMixin], config: dict[str, Any], most: int) -> Shapes:
    """The tensors that a network of a config has; built without memory for their values.

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
            network = kind.from_config(config)
    except Exception as error:  # whatever a config makes of a constructor
        raise ValueError(f"config of {kind.__name__}: {error or type(error).__name__}") from error
    finally:
        hook.remove()
    return {name: tuple(value.shape) for name, value in network.state_dict().items()}


def compare(described: Shapes, stored: Shapes, config: Path) -> None:
    """Check that a config and weights have the same tensors.

    Raises:
        ValueError: they have not; it names the first that differs.
    """
    found = {_present_name(name) if name not in described else name: shape for name, shape in stored.items()}
    for name in sorted(described.keys() | found.keys()):
        theirs, ours = described.get(name), found.get(name)
        if theirs != ours:
            raise ValueError(f"{config}: has {name} of {theirs or 'no size'}, and the weights of {ours or 'none'}")


def _present_name(name: str) -> str:
    for old, new in RENAMED.items():
        name = name.replace(old, new)
    return name


def first_line(error: Exception) -> str:
    """What an error says, for the middle of a sentence: its first line, or its kind where it says nothing."""
    return next(iter(str(error).splitlines()), type(error).__name__)
