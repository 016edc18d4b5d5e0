"""The arithmetic of the denoiser, from its configuration and counted on the network itself."""

import pytest
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from darkdiff_models import ContextProcessor, DarkDiffUNet
from darkdiff_models.networks.conditioning import LatentContext
from darkdiff_models.tiling.cost import Operations, denoiser_operations

SHAPE = {
    "block_out_channels": (16, 32, 48),
    "num_heads": (2, 4, 4),
    "cross_attention_dim": 8,
    "prompt_tokens": 5,
    "norm_num_groups": 8,
}


def counted(unet: DarkDiffUNet, context: ContextProcessor | LatentContext, side: int) -> int:
    z_y = torch.randn(1, 4, side, side)
    condition = unet.prepare(context(z_y))
    # The fused attention of a CPU is not counted.
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        unet(z_y, torch.tensor(3), condition)
    return counter.get_total_flops()


@torch.no_grad()
@pytest.mark.parametrize(
    ("conditioning", "region", "layers", "attends"),
    [
        ("attention", 4, 1, (True, True, False)),
        ("attention", 1, 2, (True, True, True)),
        ("attention", 0, 1, (True, False, True)),
        ("concat", 4, 2, (True, True, False)),
        ("controlnet", 4, 2, (True, False, True)),
    ],
)
def test_the_formula_is_what_the_network_does(conditioning, region: int, layers: int, attends) -> None:
    shape = {**SHAPE, "layers_per_block": layers, "attention_levels": attends}
    unet = DarkDiffUNet(conditioning=conditioning, region_size=region, **shape)
    context = ContextProcessor(**shape) if conditioning == "attention" else LatentContext()
    operations = denoiser_operations(unet.config)
    small, large = (counted(unet, context, side) for side in (16, 48))
    assert large - small == operations.of(48, 48) - operations.of(16, 16)
    assert 0 < small - operations.of(16, 16) < 0.02 * small  # the timestep's embedding does not grow with the map


def test_operations_of_a_map_are_a_square_of_its_latents() -> None:
    assert Operations(10.0, 3.0).of(4, 5) == 10 * 20 + 3 * 400
    assert Operations(16.0, 32.0).at(1).of(4, 4) == Operations(16.0, 32.0).of(2, 2)
