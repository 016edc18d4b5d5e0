"""The estimate of a whole image's memory against the peak of a process that denoises one."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import json, torch
from darkdiff_models import ContextProcessor, DarkDiffUNet
from darkdiff_models.tiling.memory import whole_image_bytes
from darkdiff_models.tiling.tiled import TiledDenoiser
from darkdiff_models.tiling.tiles import Tiles

SHAPE = {"block_out_channels": (64, 128, 256, 256), "num_heads": (2, 4, 8, 8), "cross_attention_dim": 64}
SIDE = 64
torch.set_num_threads(1)
torch.manual_seed(0)
unet, context = DarkDiffUNet(**SHAPE), ContextProcessor(**SHAPE)

def memory(name):
    lines = open("/proc/self/status").read().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name))

def denoise(side):
    z_y = torch.randn(1, 4, side, side)
    tiles = Tiles.cover(side, side, side, 0)
    with torch.inference_mode():
        TiledDenoiser(unet, context, z_y, torch.randn_like(z_y), 2.0, tiles)(z_y, torch.tensor(500))

denoise(16)  # what the libraries take once
open("/proc/self/clear_refs", "w").write("5")  # the peak begins anew
before = memory("VmRSS")
denoise(SIDE)
print(json.dumps([memory("VmHWM") - before, whole_image_bytes(unet, SIDE, SIDE, 2.0, torch.float32)]))
"""


# Every large tensor gets pages of its own, which go back when it is freed: the peak is then what is alive, within 1 %.
# Left to itself, the C library keeps freed memory: nine runs of the same script peaked at 94 to 117 MB.
EXACT = {"MALLOC_MMAP_THRESHOLD_": "65536"}
KEPT = 1.6  # the estimate's room for that memory, as a factor


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="only Linux tells a process's peak")
def test_the_estimate_is_the_measured_peak_and_room_for_what_the_c_library_keeps() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env={**os.environ, **EXACT},
    )
    assert done.returncode == 0, done.stderr
    peak, estimate = json.loads(done.stdout)
    assert estimate == pytest.approx(KEPT * peak, rel=0.05)
