"""Compiled networks: torch.compile where it pays, with the numbers that say where."""

import warnings
from collections.abc import Mapping
from typing import Any, Literal

import torch
from torch import nn

Compile = Literal["auto", "on", "off"]

# Measured on two cores of an AMD EPYC with AVX512-BF16, bf16, tiles of 1,024 pixels: inductor with frozen weights takes
# a fifth off `detail` (2.14 to 1.72 s a tile), nothing off the denoiser and the decoder. It compiles for half a minute.
PAYS: Mapping[str, tuple[str, ...]] = {"cpu": ("detail",), "cuda": ("detail",)}
PHOTOS: Mapping[str, int] = {"cpu": 8}
DENOISER = "unet"


def compile_networks(
    networks: Mapping[str, nn.Module], device: torch.device, choice: Compile, photos: int
) -> tuple[str, ...]:
    """Have networks compiled at their first call, each for the shapes that it is called with.

    Args:
        networks: by name; they are compiled in place.
        device: that they are on.
        choice: "on" compiles the denoiser and what pays on the device; "auto" only what pays, and only for so many
            photos that the time of compiling is earned back.
        photos: how many photos are to be made.

    Returns:
        The names of those that are compiled.

    Raises:
        ValueError: "on", and torch cannot compile here.
    """
    pays = PAYS.get(device.type, ())
    enough = device.type in PHOTOS and photos >= PHOTOS[device.type]
    wanted = {"off": (), "auto": pays if enough else (), "on": (DENOISER, *pays)}[choice]
    names = tuple(name for name in wanted if name in networks)
    if not names:
        return ()
    obstacle = _obstacle(device)
    if obstacle is not None:
        if choice == "auto":
            return ()
        raise ValueError(f"torch cannot compile networks for {device.type} here ({obstacle}); leave out --compile on")
    warnings.filterwarnings("ignore", "Dynamo detected a call to a `functools.lru_cache`")  # in diffusers; harmless
    for name in names:
        networks[name].compile(dynamic=False, **_options(device, name))
    return names


def _options(device: torch.device, name: str) -> dict[str, Any]:
    """On a CPU weights are packed for its kernels; on a GPU the denoiser's kernels start as one CUDA graph."""
    if device.type == "cuda":
        return {"mode": "reduce-overhead"} if name == DENOISER else {}
    return {"options": {"freezing": True}}


def _obstacle(device: torch.device) -> str | None:
    """Why nothing can be compiled for a device, found by compiling a sum; None if it can."""
    try:
        torch.compile(torch.add, dynamic=False)(torch.ones(8, device=device), 1.0)
    except Exception as error:  # of dynamo, inductor, a compiler, a linker, Triton
        return next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
    return None
