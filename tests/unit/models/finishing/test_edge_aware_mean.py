import pytest
import torch

from darkdiff_models.finishing.colour_anchor import SCALES
from darkdiff_models.finishing.edge_aware_mean import EdgeAwareMean

PLAIN = torch.zeros(1, 1, 9, 9)


@pytest.mark.parametrize("dilations", SCALES)
def test_where_all_looks_alike_it_spreads_as_the_kernel_says(dilations) -> None:
    side = 65
    smoother = EdgeAwareMean(torch.zeros(1, 3, side, side), 1.0, SCALES[0])
    level = torch.full((1, 3, side, side), 0.3)
    assert torch.allclose(smoother.mean(level, dilations), level)
    spot = torch.zeros(1, 1, side, side)
    spot[..., side // 2, side // 2] = 1.0
    spread = smoother.mean(spot, dilations)[0, 0].sum(0)
    assert float(spread.sum()) == pytest.approx(1.0)
    place = torch.arange(float(side)) - side // 2
    assert float((spread * place**2).sum()) == pytest.approx(sum(d * d for d in dilations) / 2)


@pytest.mark.parametrize("dilations", [(1, 2), (1, 2, 4), (1, 2, 4, 8)])
@pytest.mark.parametrize("edge", [0.0, 3.0])
def test_variance_is_that_of_the_mean(dilations, edge: float) -> None:
    generator = torch.Generator().manual_seed(0)
    guide = torch.zeros(1, 1, 96, 96)
    guide[..., 48:] = edge
    smoother = EdgeAwareMean(guide, 1.0, dilations)
    noise = 0.2 * torch.randn(1, 400, 96, 96, generator=generator)
    said = smoother.variance(torch.full((1, 1, 96, 96), 0.04), dilations)
    found = smoother.mean(noise, dilations).var(dim=1, keepdim=True)
    inner = (slice(None), slice(None), slice(32, 64), slice(32, 64))
    ratio = said / found.mean(dim=2, keepdim=True)
    assert 0.85 < ratio[inner].mean() < (1.2 if edge == 0 else 1.5)
    assert ratio[inner].min() > 0.7
    assert ratio[inner].max() < (1.4 if edge == 0 else 2.0)


def test_without_passes_nothing_changes() -> None:
    blocks = torch.rand(1, 2, 9, 9)
    smoother = EdgeAwareMean(PLAIN, 1.0, ())
    assert torch.equal(smoother.mean(blocks, ()), blocks)
    assert torch.equal(smoother.variance(blocks, ()), blocks)


def test_an_edge_of_the_guide_keeps_areas_apart() -> None:
    guide = torch.zeros(1, 1, 16, 16)
    guide[..., 8:] = 1.0
    blocks = 0.2 + 0.6 * guide
    assert torch.allclose(EdgeAwareMean(guide, 0.2, (1, 2, 4)).mean(blocks, (1, 2, 4)), blocks, atol=1e-6)
    mixed = EdgeAwareMean(guide, 10.0, (1, 2, 4)).mean(blocks, (1, 2, 4))
    assert float((mixed - blocks).abs().max()) > 0.2


def test_a_block_looks_with_its_own_tolerance() -> None:
    guide, tolerance = torch.zeros(1, 1, 1, 2), torch.tensor([10.0, 0.1]).view(1, 1, 1, 2)
    guide[..., 1] = 1.0
    broad, strict = EdgeAwareMean(guide, tolerance, (1,)).mean(guide, (1,)).flatten().tolist()
    assert broad > 0.2
    assert strict > 0.999
