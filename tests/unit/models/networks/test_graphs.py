"""Every network is one graph for torch.compile, and a second image of the same size takes the graph of the first."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import Tensor
from torch._dynamo.utils import counters

from darkdiff_models import ContextProcessor, DarkDiffUNet
from darkdiff_models.detail import Detail, Samples
from darkdiff_models.networks.attention import BIAS_SCALE
from darkdiff_models.networks.conditioning import LatentContext
from tests.conftest import UNET_SHAPE, make_pipeline

pytestmark = pytest.mark.filterwarnings("ignore:Dynamo detected a call to a `functools.lru_cache`")


@pytest.fixture(autouse=True)
def _no_graphs_yet() -> Iterator[None]:
    torch.compiler.reset()
    counters.clear()
    yield
    torch.compiler.reset()


def graphs() -> int:
    """How many graphs dynamo has made; a break or another shape makes one more."""
    return int(counters["stats"]["unique_graphs"])


def latents() -> Tensor:
    return torch.randn(2, 4, 8, 8)


def biased(region_size: int) -> DarkDiffUNet:
    """A denoiser with a position bias that is not zero."""
    unet = DarkDiffUNet(region_size=region_size, region_position_bias=True, **UNET_SHAPE)
    for attention in unet.region_attentions:
        torch.nn.init.normal_(attention.position_bias, std=1 / BIAS_SCALE)
    return unet


def conditioned(
    conditioning: str, region_size: int, mask: bool, bias: bool = False
) -> tuple[Callable[..., Any], Callable[[], tuple]]:
    """A denoiser, and what it is called with: both branches of the guidance in one batch."""
    size = (2, 4, 8, 12) if mask else (2, 4, 8, 8)
    plain = DarkDiffUNet(region_size=region_size, conditioning=conditioning, **UNET_SHAPE)
    unet = biased(region_size) if bias else plain
    context = ContextProcessor(**UNET_SHAPE) if conditioning == "attention" else LatentContext()

    def words() -> tuple:
        condition = unet.prepare(context(torch.randn(size)))
        assert any(kv.mask is not None for kv in condition.encoder) == mask
        return torch.randn(size), torch.randint(0, 1000, ()), condition

    return unet, words


def networks() -> dict[str, tuple[Callable[..., Any], Callable[[], tuple]]]:
    """Every call of a network in a photo: the function, and what makes its arguments."""
    pipeline, detail = make_pipeline(), Detail((8, 16), (1, 1))
    vae, unet, context = pipeline.vae, pipeline.unet, pipeline.context

    def mosaic() -> Samples:
        colours = torch.rand(1, 3, 64, 64)
        return Samples(colours, torch.ones_like(colours), torch.rand(1, 3, 2), torch.eye(3)[None])

    return {
        "encode": (vae.encode, lambda: (torch.rand(1, 3, 16, 24),)),
        "decode": (vae.decode, lambda: (torch.randn(1, 4, 8, 12), vae.encode(torch.rand(1, 3, 16, 24)))),
        "context": (context, lambda: (latents(),)),
        "prepare": (unet.prepare, lambda: (context(latents()),)),
        "regions": conditioned("attention", 4, mask=False),
        "padded regions": conditioned("attention", 5, mask=True),
        "one region": conditioned("attention", 0, mask=False),
        "biased regions": conditioned("attention", 4, mask=False, bias=True),
        "padded biased regions": conditioned("attention", 5, mask=True, bias=True),
        "concat": conditioned("concat", 4, mask=False),
        "controlnet": conditioned("controlnet", 4, mask=False),
        "detail": (detail, lambda: (torch.rand(1, 3, 32, 32), mosaic())),
    }


def values(found: Any) -> list[Tensor]:
    """Every tensor of a result."""
    if isinstance(found, Tensor):
        return [found]
    if isinstance(found, list | tuple):
        return [value for one in found for value in values(one)]
    return values(list(vars(found).values())) if hasattr(found, "__dataclass_fields__") else []


ALTERNATIVES = {"concat", "controlnet"}  # to the paper's conditioning: the same graphs are made, but not lowered
IN_OTHERS = {"regions", "padded regions", "biased regions", "one region"}  # what padded biased regions do, in part


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] * (name in IN_OTHERS)) for name in networks()]
)
@torch.inference_mode()
def test_a_network_is_one_graph_for_every_image_of_its_size(name: str) -> None:
    network, words = networks()[name]
    backend = "eager" if name in ALTERNATIVES else "aot_eager"
    compiled = torch.compile(network, fullgraph=True, dynamic=False, backend=backend)
    for _ in range(3):
        given = words()
        for got, expected in zip(values(compiled(*given)), values(network(*given)), strict=True):
            assert torch.allclose(got, expected, atol=1e-5)
        assert graphs() == 1


@torch.inference_mode()
def test_another_size_makes_another_graph() -> None:
    context = ContextProcessor(**UNET_SHAPE)
    compiled = torch.compile(context, fullgraph=True, dynamic=False, backend="eager")
    for side, made in ((8, 1), (8, 1), (12, 2)):
        compiled(torch.randn(1, 4, side, side))
        assert graphs() == made


@torch.inference_mode()
def test_cast_networks_are_one_graph_too() -> None:
    pipeline = make_pipeline()
    pipeline.use_precision(torch.bfloat16)
    compiled = torch.compile(pipeline.unet, fullgraph=True, dynamic=False, backend="aot_eager")
    condition = pipeline.unet.prepare(pipeline.context(latents()))
    for step in (900, 100):
        assert compiled(latents(), torch.tensor(step), condition).dtype == torch.float32
        assert graphs() == 1


@pytest.mark.parametrize(
    ("checkpointing", "bias"),
    [(True, True), *(pytest.param(*pair, marks=pytest.mark.slow) for pair in ((False, True), (True, False)))],
)
def test_training_is_one_graph_with_gradient_checkpointing_too(checkpointing: bool, bias: bool) -> None:
    unet = biased(4) if bias else DarkDiffUNet(region_size=4, **UNET_SHAPE)
    unet.use_checkpointing(checkpointing)
    compiled = torch.compile(unet, fullgraph=True, dynamic=False, backend="aot_eager")
    features = ContextProcessor(**UNET_SHAPE)(latents())
    given, gradients = (latents(), torch.tensor(400)), []
    for network in (compiled, unet):
        with torch.autocast("cpu", torch.bfloat16):
            condition = unet.prepare([feature.detach() for feature in features])
            network(*given, condition).float().square().mean().backward()
        gradients.append([parameter.grad for parameter in unet.parameters() if parameter.grad is not None])
        unet.zero_grad(set_to_none=True)
    assert graphs() == 1
    assert len(gradients[0]) > 50
    for got, expected in zip(*gradients, strict=True):
        assert torch.allclose(got, expected, atol=1e-2)


@pytest.mark.slow
@torch.inference_mode()
def test_inductor_computes_the_same() -> None:
    for name in ("decode", "padded regions", "detail"):
        network, words = networks()[name]
        given = words()
        compiled = torch.compile(network, fullgraph=True, dynamic=False, options={"freezing": True})
        assert torch.allclose(compiled(*given), network(*given), atol=1e-4), name
