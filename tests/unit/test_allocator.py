import platform
import subprocess
import sys

import pytest

FAULTS = """
import resource
import torch
from darkdiff_cli.allocator import keep_freed_memory

if {keep}:
    keep_freed_memory()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(60):
    torch.ones(2**24)  # 64 MiB
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(keep: bool) -> int:
    """Pages that the kernel had to find for sixty large maps, one after the other."""
    run = subprocess.run([sys.executable, "-c", FAULTS.format(keep=keep)], capture_output=True, text=True, check=True)
    return int(run.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries have an allocator of their own")
def test_large_maps_lie_where_others_lay_before() -> None:
    assert faults(keep=True) < faults(keep=False) / 2
