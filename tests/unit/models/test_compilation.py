import pytest
import torch
from torch import nn

from darkdiff_models.compilation import PHOTOS, Compile, compile_networks
from darkdiff_models.detail import Detail
from tests.conftest import make_pipeline

CPU = torch.device("cpu")


def parts() -> dict[str, nn.Module]:
    return {"unet": nn.Conv2d(3, 3, 1), "detail": nn.Conv2d(3, 3, 1)}


@pytest.mark.parametrize(
    ("choice", "photos", "expected"),
    [
        ("off", 10_000, ()),
        ("auto", PHOTOS["cpu"] - 1, ()),
        ("auto", PHOTOS["cpu"], ("detail",)),
        ("on", 1, ("unet", "detail")),
    ],
)
def test_what_is_compiled_is_a_matter_of_the_choice_and_of_how_many_photos(
    choice: Compile, photos: int, expected: tuple[str, ...]
) -> None:
    networks = parts()
    assert compile_networks(networks, CPU, choice, photos) == expected
    assert tuple(name for name, part in networks.items() if part._compiled_call_impl is not None) == expected


def test_auto_compiles_nothing_where_nobody_has_measured_that_it_pays() -> None:
    for device in ("meta", "cuda", "mps"):
        assert compile_networks(parts(), torch.device(device), "auto", 10_000) == ()


def test_on_says_why_a_device_cannot_be_compiled_for() -> None:
    with pytest.raises(
        ValueError, match=r"^torch cannot compile networks for xpu here \(.+\); leave out --compile on$"
    ):
        compile_networks(parts(), torch.device("xpu"), "on", 1)


def test_a_pipeline_compiles_what_it_has() -> None:
    half, full = make_pipeline(), make_pipeline().with_detail(Detail((8, 16), (1, 1)))
    for pipeline, expected in ((half, ()), (full, ("detail",))):
        pipeline.use_compilation("auto", PHOTOS["cpu"])
        assert pipeline.compiled == expected
