"""The estimate of a whole image's memory against the peak of a process that denoises one."""

import json
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


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="only Linux tells a process's peak")
def test_the_estimate_covers_the_measured_peak_and_not_much_more() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    peak, estimate = json.loads(done.stdout)
    assert 0.8 * estimate < peak < estimate
