"""Pictures that do not fit into memory."""

import re
from pathlib import Path

import torch

from darkdiff_cli.errors import DarkdiffError, MemoryLimitError


def explained(error: BaseException, source: Path | str, tile: int | None, trained: int) -> DarkdiffError | RuntimeError:
    """Turn an out-of-memory error into MemoryLimitError; torch words it differently on each kind of device.

    Args:
        error: what was raised.
        source: of the picture.
        tile: side of a denoiser tile that was asked for; 0 and None are larger than the one trained on.
        trained: side that the denoiser was trained on.
    """
    memory = isinstance(error, MemoryError | torch.OutOfMemoryError)
    if memory or re.search(r"not enough memory|out of memory|alloc.*memory", str(error), re.IGNORECASE):
        smaller = max(8, tile // 2) if tile else trained
        message = f"{source}: does not fit into memory; try --tile {smaller}, or close other programs."
        return MemoryLimitError(message, smaller)
    return RuntimeError(str(error))
