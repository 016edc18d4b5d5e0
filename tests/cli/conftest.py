"""What several commands are given in these tests."""

from pathlib import Path

import pytest


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
