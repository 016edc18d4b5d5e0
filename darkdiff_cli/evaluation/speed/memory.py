"""Peak memory of one piece of work: of a GPU, or of the whole process."""

import sys
from contextlib import suppress
from pathlib import Path

import torch

CLEAR = Path("/proc/self/clear_refs")
PEAK = "5"  # proc(5): resets the peak resident set size


class PeakMemory:
    """Measures the peak since the last call of `reset`.

    On a GPU what torch has allocated there. On Linux the process's resident memory; elsewhere its peak since it
    started, or nothing.

    Args:
        device: of the networks.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.reset()

    def reset(self) -> None:
        """Begin again."""
        if self.device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(self.device)
        elif CLEAR.exists():
            with suppress(PermissionError):  # then the peak is that of all stages so far
                CLEAR.write_text(PEAK)

    def gigabytes(self) -> float:
        """The peak in GB; NaN where the system does not tell."""
        if self.device.type == "cuda":
            return torch.cuda.max_memory_allocated(self.device) / 1e9
        if CLEAR.exists():
            lines = Path("/proc/self/status").read_text().splitlines()
            return next(int(line.split()[1]) * 1024 / 1e9 for line in lines if line.startswith("VmHWM"))
        try:
            import resource
        except ImportError:  # Windows
            return float("nan")
        unit = 1 if sys.platform == "darwin" else 1024  # macOS counts bytes, others kibibytes
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e9
