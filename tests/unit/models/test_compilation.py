import pytest
import torch
from torch._dynamo.utils import counters

from darkdiff_models.compilation import compile_denoiser
from tests.conftest import make_pipeline


def test_a_device_that_torch_cannot_compile_for_is_refused_with_the_reason() -> None:
    unet = make_pipeline().unet
    with pytest.raises(ValueError, match=r"^torch cannot compile networks for xpu here \(.+\); give --compile off$"):
        compile_denoiser(unet, torch.device("xpu"))
    assert unet._compiled_call_impl is None


@pytest.mark.slow
def test_a_compiled_pipeline_makes_the_same_picture_and_compiles_each_shape_once() -> None:
    lrgb = torch.rand(2, 32, 48, 3)
    eager, compiled = make_pipeline(), make_pipeline()
    assert not compiled.compiled
    compiled.use_compilation()
    assert compiled.compiled
    counters.clear()
    for image in (lrgb[0], lrgb[1], lrgb[0]):
        assert torch.allclose(compiled(image).srgb, eager(image).srgb, atol=1e-3)
        assert counters["stats"]["unique_graphs"] == 1
