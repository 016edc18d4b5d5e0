"""Which tiles are planned, and how many for a call."""

import itertools

import pytest
import torch

from darkdiff_models import DarkDiffUNet
from darkdiff_models.networks.autoencoder import ResidualAutoencoderKL
from darkdiff_models.tiling import planner
from darkdiff_models.tiling.cost import Operations
from darkdiff_models.tiling.planner import Plan, per_call, plan_autoencoder, plan_denoiser, ranked
from darkdiff_models.tiling.tiles import Tiles
from tests.conftest import UNET_SHAPE

FREE = 1e15
CPU, GPU = torch.device("cpu"), torch.device("cuda")


@pytest.fixture(scope="module")
def unet() -> DarkDiffUNet:
    return DarkDiffUNet(region_size=4, **UNET_SHAPE)


@pytest.fixture
def memory(monkeypatch: pytest.MonkeyPatch):
    """memory(bytes): what is free from now on."""
    return lambda free: monkeypatch.setattr(planner, "room", lambda _device: free)


def plan(unet: DarkDiffUNet, size: tuple[int, int], tile: int | None = None) -> Plan:
    return plan_denoiser(unet, size, tile, 16, 4, 1.0, torch.float32)


def sides(plan: Plan) -> tuple[int, int]:
    return plan.tiles.tile_height, plan.tiles.tile_width


@pytest.mark.parametrize("size", [(64, 96), (100, 36), (8, 120), (16, 16), (20, 204)])
@pytest.mark.parametrize("per_pair", [0.0, 0.05, 3.0])
def test_no_other_cover_takes_fewer_operations(size: tuple[int, int], per_pair: float) -> None:
    """Against every pair of sides that are multiples of 4, from 16 up to the whole map."""
    operations = Operations(100.0, per_pair)

    def spent(height: int, width: int) -> float:
        return len(Tiles.spread(*size, height, width, 4).corners) * operations.of(height, width)

    every = [[length] if length <= 16 else range(16, length + 1, 4) for length in size]
    least = min(spent(height, width) for height, width in itertools.product(*every))
    best = ranked(size, 16, 4, 4, operations)[0]
    assert spent(*best) == least
    tall, wide = size
    assert ranked((wide, tall), 16, 4, 4, operations)[0] in (best[::-1], best)


def test_convolutions_alone_want_the_whole_map_and_attention_small_tiles() -> None:
    assert ranked((192, 272), 16, 4, 4, Operations(1.0, 0.0))[0] == (192, 272)
    assert ranked((192, 272), 16, 4, 4, Operations(0.0, 1.0))[0] == (16, 16)


def test_stable_diffusions_widths_at_12_megapixels() -> None:
    """Tiles of 64, as it was trained, would compute the latents 1.88 times and take 1.28 times as many operations."""
    with torch.device("meta"):
        unet = DarkDiffUNet()
    chosen = plan_denoiser(unet, (192, 272), None, 64, 16, 2.0, torch.bfloat16)
    assert (sides(chosen), len(chosen.tiles.corners)) == ((104, 80), 8)
    assert chosen.tiles.computed == pytest.approx(1.2745, abs=1e-4)


def test_tiles_do_not_depend_on_the_memory_or_precision_while_one_fits(unet: DarkDiffUNet, memory) -> None:
    plans = []
    for free in (FREE, None, 2e7):
        memory(free)
        plans.append(plan(unet, (64, 96)))
    plans.append(plan_denoiser(unet, (64, 96), None, 16, 4, 2.0, torch.bfloat16))
    assert {(one.tiles, one.note) for one in plans} == {(plans[0].tiles, None)}
    assert len(plans[0].tiles.corners) > 4


def test_a_side_is_exact_and_0_is_the_whole_map(unet: DarkDiffUNet, memory) -> None:
    memory(FREE)
    assert sides(plan(unet, (64, 96), 24)) == (24, 24)
    assert plan(unet, (64, 96), 24).tiles.overlap == 4
    assert sides(plan(unet, (64, 96), 6)) == (6, 6)
    assert plan(unet, (64, 96), 6).tiles.overlap == 3
    assert (sides(plan(unet, (64, 96), 0)), plan(unet, (64, 96), 0).tiles.corners) == ((64, 96), ((0, 0),))
    memory(1.0)  # who asks for a side gets it
    assert (sides(plan(unet, (64, 96), 24)), plan(unet, (64, 96), 24).note) == ((24, 24), None)


def test_what_does_not_fit_is_planned_smaller_and_said(unet: DarkDiffUNet, memory) -> None:
    memory(FREE)
    wanted = sides(plan(unet, (64, 96)))
    memory(6e6)
    whole = plan(unet, (64, 96), 0)
    assert sides(whole) == wanted
    assert whole.note == (
        "the whole image does not fit into memory at once, so it is denoised in tiles of "
        f"{wanted[0]}x{wanted[1]} latents"
    )
    memory(1.0)
    least = plan(unet, (64, 96))
    assert (sides(least), least.per_call) == ((16, 16), 1)
    assert least.note == (
        f"tiles of {wanted[0]}x{wanted[1]} latents do not fit into memory, so it is denoised in tiles of 16x16 latents"
    )


@pytest.mark.parametrize(
    ("count", "values", "each", "free", "device", "expected"),
    [
        (20, 2**16, 1, FREE, CPU, 4),
        (20, 2**20, 1, FREE, CPU, 1),
        (9, 2**16, 1, FREE, CPU, 3),  # 3 calls of 3, not 4 + 4 + 1
        (20, 2**16, 1, FREE, GPU, 20),
        (300, 2**16, 1, FREE, GPU, 150),
        (20, 2**16, 10, 35.0, GPU, 3),
        (20, 2**16, 10, 5.0, GPU, 1),
        (20, 2**16, 10, -5.0, GPU, 1),
        (20, 2**16, 2**29, None, GPU, 4),
    ],
)
def test_a_call_takes_as_many_tiles_as_pay_and_fit(count, values, each, free, device, expected) -> None:
    assert per_call(count, values, each, free, device) == expected


def test_the_calls_are_all_tiles_in_order() -> None:
    tiles = Tiles.cover(40, 40, 16, 4)
    assert Plan(tiles, 3).calls == [range(3), range(3, 6), range(6, 9)]
    assert Plan(tiles, 4).calls == [range(4), range(4, 8), range(8, 9)]


def test_the_autoencoder_is_planned_in_as_few_tiles_as_its_side_allows(memory) -> None:
    vae = ResidualAutoencoderKL(block_out_channels=(8, 16), layers_per_block=1, norm_num_groups=4)
    memory(FREE)
    large, small = (plan_autoencoder(vae, (1504, 2208), side, 128, torch.float32) for side in (1024, 160))
    assert (sides(large), large.per_call) == ((818, 822), 1)
    assert sides(small)[0] <= 160
    assert small.per_call > 1  # 2 ** 18 values are two tiles of 160 x 160 x 8
    memory(1.0)
    assert plan_autoencoder(vae, (1504, 2208), 160, 128, torch.float32) == Plan(small.tiles, 1)
