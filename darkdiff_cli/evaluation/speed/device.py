"""What a device can do."""

import time

import torch

SIDE = {"cuda": 8192}  # of the matrices that are multiplied; 1024 elsewhere
PRODUCTS = 8
PATIENCE = 2.0  # seconds for those after the first, which also loads: some processors multiply a precision slowly


def matrix_peak(device: torch.device, precision: torch.dtype) -> float:
    """The best of several products of square matrices, in teraflop a second."""
    side = SIDE.get(device.type, 1024)
    a, b = (torch.rand(side, side, device=device, dtype=precision) for _ in range(2))
    taken = list[float]()
    while len(taken) < PRODUCTS and sum(taken[1:]) < PATIENCE:
        began = time.perf_counter()
        torch.mm(a, b)
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        taken.append(time.perf_counter() - began)
    return 2 * side**3 / min(taken) / 1e12
