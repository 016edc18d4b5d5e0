"""What several commands are given in these tests."""

from pathlib import Path

import numpy as np
import pytest

from darkdiff_cli.synthesis import SensorNoise, expose, unprocess, write_dng


@pytest.fixture
def lpips(tmp_path: Path) -> Path:
    """An LPIPS file with random weights: what counts here is that it is read."""
    import torch
    from safetensors.torch import save_file

    from darkdiff_models.learning.lpips import LPIPS

    model = LPIPS()
    weights = {f"features.{k}": v.contiguous() for k, v in model.features.state_dict().items()}
    weights |= {f"lin{i}.model.1.weight": torch.rand_like(head) for i, head in enumerate(model.heads)}
    save_file(weights, str(tmp_path / "lpips.safetensors"))
    return tmp_path / "lpips.safetensors"


@pytest.fixture(scope="module")
def turned(photograph, sensor, capture, tmp_path_factory):
    """turned(orientation): the photograph, 100 times too dark, with its bright square at the sensor's upper left."""
    folder = tmp_path_factory.mktemp("turned")
    noise = SensorNoise(gain=0.2, shape=0.1, read_scale=0.3, row_scale=0.1)
    mosaic = expose(unprocess(photograph, sensor), 100.0, noise, sensor.black, sensor.white, np.random.default_rng(1))

    def write(orientation: int) -> Path:
        path = folder / f"turned{orientation}.dng"
        write_dng(path, mosaic, sensor, capture, orientation=orientation)
        return path

    return write
