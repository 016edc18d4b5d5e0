import pytest
import torch
from diffusers.models.resnet import ResnetBlock2D
from torch import Tensor, nn

from darkdiff_models import DarkDiffPipeline, DarkDiffUNet
from darkdiff_models.checkpoints import load_pipeline
from darkdiff_models.detail import Detail
from darkdiff_models.networks.blocks import SpatialTransformer
from darkdiff_models.networks.conditioning import LatentContext
from darkdiff_models.networks.precision import matched
from tests.conftest import UNET_SHAPE, make_pipeline, psnr

IN_FP32 = {
    "vae": {"encoder.conv_out", "decoder.conv_out", "quant_conv", "post_quant_conv"},
    "unet": {"time_embedding.linear_1", "time_embedding.linear_2", "conv_out"},
    "context": {"time_embedding.linear_1", "time_embedding.linear_2"},
    "detail": set(),
}


def owners(network: nn.Module, dtype: torch.dtype) -> set[str]:
    """Paths of the layers whose weights are in a precision."""
    return {name.rpartition(".")[0] for name, weight in network.named_parameters() if weight.dtype == dtype}


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_weights_are_cast_but_for_the_parts_that_stay_in_fp32(dtype: torch.dtype) -> None:
    pipeline = make_pipeline().with_detail(Detail((8, 16), (1, 1)))
    assert pipeline.precision == torch.float32
    pipeline.use_precision(dtype)
    assert pipeline.precision == dtype
    for name, kept in IN_FP32.items():
        network = getattr(pipeline, name)
        assert owners(network, torch.float32) == kept
        assert owners(network, dtype) | kept == {path for path, part in network.named_modules() if part._parameters}
    assert pipeline.unet.empty_prompt.dtype == dtype


@pytest.mark.parametrize("conditioning", ["attention", "concat", "controlnet"])
def test_a_picture_in_bf16_is_the_picture_in_fp32_within_rounding(conditioning: str) -> None:
    lrgb = torch.rand(40, 56, 3)
    exact, rounded = (pipeline_of(conditioning) for _ in range(2))
    rounded.use_precision(torch.bfloat16)
    pictures = [pipeline(lrgb).srgb for pipeline in (exact, rounded)]
    assert pictures[1].dtype == torch.float32
    assert 40 < psnr(*(picture.numpy() for picture in pictures)) < 80


def test_the_picture_is_not_rounded_to_the_few_steps_of_bf16() -> None:
    pipeline = make_pipeline()
    pipeline.use_precision(torch.bfloat16)
    picture = pipeline(torch.rand(64, 64, 3)).srgb
    assert (picture.bfloat16().float() == picture).float().mean() < 0.5


def test_weights_that_were_rounded_do_not_come_back() -> None:
    pipeline = make_pipeline()
    pipeline.use_precision(torch.bfloat16)
    pipeline.use_precision(torch.bfloat16)
    with pytest.raises(ValueError, match=r"in torch.bfloat16 already; load the model again for torch.float32"):
        pipeline.use_precision(torch.float32)


def test_the_bundled_model_loses_nothing_that_one_sees() -> None:
    lrgb, pictures = torch.rand(64, 64, 3).square(), []
    for precision in (torch.float32, torch.bfloat16):
        pipeline = load_pipeline("tiny")
        pipeline.use_precision(precision)
        pictures.append(pipeline(lrgb).srgb.numpy())
    assert psnr(*pictures) > 50


def test_autocast_chooses_for_itself() -> None:
    layer, image = nn.Conv2d(3, 3, 1).bfloat16(), torch.rand(1, 3, 4, 4)
    assert matched(image, layer).dtype == torch.bfloat16
    with torch.autocast("cpu", torch.bfloat16):
        assert matched(image, layer) is image


@torch.inference_mode()
def test_maps_stay_channels_last_on_their_way_through_the_networks() -> None:
    pipeline, seen = make_pipeline(), list[str]()

    def look(name: str, output: Tensor) -> None:
        seen.append(name)
        assert output.ndim == 3 or output.is_contiguous(memory_format=torch.channels_last), name

    for part in (pipeline.vae, pipeline.unet, pipeline.context):
        part.to(memory_format=torch.channels_last)
        for name, module in part.named_modules():
            if isinstance(module, nn.Conv2d | nn.GroupNorm | ResnetBlock2D | SpatialTransformer):
                module.register_forward_hook(lambda _module, _inputs, output, name=name: look(name, output))
    pipeline(torch.rand(64, 64, 3))
    assert {"mid_block.attentions.0", "conv_norm_out", "decoder.up_blocks.0.resnets.0", "encoder.conv_out"} <= set(seen)


def pipeline_of(conditioning: str) -> DarkDiffPipeline:
    """A toy DarkDiff with the condition of the paper or of its alternatives."""
    plain = make_pipeline()
    if conditioning == "attention":
        return plain
    unet = DarkDiffUNet(**UNET_SHAPE, conditioning=conditioning)
    unet.empty_prompt.normal_()
    config = {"tile": 16, "tile_overlap": 4, "default_steps": 2, "default_guidance": 1.5}
    return DarkDiffPipeline(plain.vae, unet, LatentContext(), plain.scheduler, **config)
