"""The denoiser under torch.compile: one CUDA graph a step on a GPU, kernels in C++ on a processor."""

import warnings

import torch
from torch import nn


def compile_denoiser(unet: nn.Module, device: torch.device) -> None:
    """Have the denoiser compiled at its first call, for the shapes of its tiles and again for others.

    Keys and values of the condition are inputs of the graph, and both branches of the guidance are one batch.
    Autoencoder and `Detail` stay as they are: on a processor inductor makes them slower.

    Args:
        unet: compiled in place; names and weights stay.
        device: that it is on.

    Raises:
        ValueError: torch cannot compile here.
    """
    obstacle = _obstacle(device)
    if obstacle is not None:
        raise ValueError(f"torch cannot compile networks for {device.type} here ({obstacle}); give --compile off")
    warnings.filterwarnings("ignore", "Dynamo detected a call to a `functools.lru_cache`")  # in diffusers; harmless
    unet.compile(dynamic=False, mode="reduce-overhead" if device.type == "cuda" else "default")


def _obstacle(device: torch.device) -> str | None:
    """Why nothing can be compiled for a device, found by compiling a sum; None if it can."""
    try:
        torch.compile(torch.add, dynamic=False)(torch.ones(8, device=device), 1.0)
    except Exception as error:  # of dynamo, inductor, a compiler, a linker, Triton
        return next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
    return None
