"""The device and the precision in which the networks run."""

import re

import psutil
import torch


def pick_device(name: str = "auto") -> torch.device:
    """The device of that name; "auto" takes CUDA, else Apple's MPS, else the CPU.

    Raises:
        ValueError: the device is unknown or not available.
    """
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ValueError(f"unknown device {name!r}; use auto, cpu, cuda, cuda:N or mps") from error
    present = {
        "cpu": True,
        "cuda": torch.cuda.device_count() > (device.index or 0),
        "mps": torch.backends.mps.is_available(),
    }
    if not present.get(device.type, False):
        raise ValueError(f"device {name!r} is not available; use --device auto")
    return device


def device_name(device: torch.device) -> str:
    """What people call it: a GPU by its model."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else str(device)


def autocast_dtype(device: torch.device) -> torch.dtype | None:
    """bfloat16 where the hardware multiplies it natively (CUDA; CPUs with AMX or AVX512-BF16), else None for fp32."""
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else None
    if device.type == "cpu":
        capabilities: dict[str, bool] = getattr(torch.cpu, "get_capabilities", dict)()
        native = capabilities.get("amx_bf16") or capabilities.get("avx512_bf16")
        return torch.bfloat16 if native else None
    return None


def free_memory(device: torch.device) -> int | None:
    """Free memory of a device in bytes; None if unknown.

    What comes back when it is needed counts as free: torch's own cache on a GPU, else the system's cache of files.
    """
    if device.type == "cuda":
        cached = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return int(torch.cuda.mem_get_info(device)[0]) + cached
    return int(psutil.virtual_memory().available) if device.type == "cpu" else None


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error means that memory ran out; torch words it differently on each kind of device."""
    memory = isinstance(error, MemoryError | torch.OutOfMemoryError)
    return memory or re.search(r"not enough memory|out of memory|alloc.*memory", str(error), re.IGNORECASE) is not None
