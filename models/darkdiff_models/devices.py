"""Where and in which precision the networks run."""

import torch


def pick_device(name: str = "auto") -> torch.device:
    """The device by name, or the best one there is: CUDA, else Apple's MPS, else the CPU.

    Raises:
        ValueError: the named device is unknown or not there.
    """
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ValueError(f"unknown device {name!r}; use auto, cpu, cuda, cuda:N or mps") from error
    present = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if not present.get(device.type, False):
        raise ValueError(f"device {name!r} is not there; use --device auto")
    return device


def autocast_dtype(device: torch.device) -> torch.dtype | None:
    """bfloat16 where the hardware multiplies it natively (CUDA; CPUs with AMX or AVX512-BF16), else None for fp32."""
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else None
    if device.type == "cpu":
        capabilities: dict[str, bool] = getattr(torch.cpu, "get_capabilities", dict)()
        native = capabilities.get("amx_bf16") or capabilities.get("avx512_bf16")
        return torch.bfloat16 if native else None
    return None
