from pathlib import Path

import imageio.v3 as iio
import pytest
import torch

from darkdiff_models.learning.lpips import LPIPS


def load(path: Path) -> torch.Tensor:
    return torch.from_numpy(iio.imread(path)[..., :3].copy()).permute(2, 0, 1)[None] / 255


@pytest.mark.parametrize(("name", "expected"), [("ex_p0", 0.722), ("ex_p1", 0.138)])
def test_values_of_the_reference_package(shared: Path, name: str, expected: float) -> None:
    lpips = LPIPS.from_file(shared / "weights" / "lpips_alex.safetensors")
    folder = shared / "weights" / "lpips_check"
    distance = lpips(load(folder / "ex_ref.png"), load(folder / f"{name}.png"))
    assert distance.item() == pytest.approx(expected, abs=6e-4)


def test_same_picture_is_at_distance_zero(shared: Path) -> None:
    lpips = LPIPS.from_file(shared / "weights" / "lpips_alex.safetensors")
    picture = torch.rand(2, 3, 64, 64)
    assert lpips(picture, picture).tolist() == [0.0, 0.0]


def test_weights_never_train() -> None:
    assert not any(p.requires_grad for p in LPIPS().parameters())
