"""Pictures that do not fit into memory."""

import re
from pathlib import Path

import torch

from darkdiff_cli.errors import DarkdiffError, MemoryLimitError
from darkdiff_models.tiling.memory import FALLBACK


def explained(error: BaseException, source: Path | str, tile: int) -> DarkdiffError | RuntimeError:
    """Turn an out-of-memory error into MemoryLimitError; torch words it differently on each kind of device."""
    memory = isinstance(error, MemoryError | torch.OutOfMemoryError)
    if memory or re.search(r"not enough memory|out of memory|alloc.*memory", str(error), re.IGNORECASE):
        smaller = max(8, tile // 2) if tile > 0 else FALLBACK
        message = f"{source}: does not fit into memory; try --tile {smaller}, or close other programs."
        return MemoryLimitError(message, smaller)
    return RuntimeError(str(error))
