import pytest
import torch
import torch.nn.functional as F

from darkdiff_models.finishing.block_gains import FLOOR, apply_gain, upsample_bilinear, upsample_joint_bilateral


@pytest.mark.parametrize("block", [1, 2, 3, 8])
def test_within_one_thing_blocks_are_enlarged_bilinearly(block: int) -> None:
    blocks = torch.randn(2, 3, 5, 7, generator=torch.Generator().manual_seed(0))
    linear = torch.full((2, 3, 5 * block, 7 * block), 0.3)
    grown = upsample_joint_bilateral(blocks, torch.full((2, 3, 5, 7), 0.3), linear)
    assert torch.allclose(grown, upsample_bilinear(blocks, linear), atol=1e-5)


@pytest.mark.parametrize("edge", [27, 32, 38])
def test_a_things_value_does_not_reach_over_its_edge(edge: int) -> None:
    """A dark wall of gain 2 beside a bright one of gain 1; the block that the edge cuts has something between."""
    linear, true = torch.full((1, 3, 64, 64), 0.04), torch.full((1, 1, 64, 64), 2.0)
    linear[..., edge:], true[..., edge:] = 0.5, 1.0
    levels, gain = F.avg_pool2d(linear, 8), F.avg_pool2d(true, 8)
    within = (upsample_joint_bilateral(gain, levels, linear) - true).abs().mean((0, 1, 2))
    across = (upsample_bilinear(gain, linear) - true).abs().mean((0, 1, 2))
    assert within.sum() < 0.5 * across.sum()
    assert within[: edge - 8].max() < 0.01
    assert within[edge + 8 :].max() < 0.01


def test_a_pixel_like_no_block_takes_from_all() -> None:
    blocks = torch.randn(1, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    linear = torch.full((1, 3, 32, 32), 0.9)
    grown = upsample_joint_bilateral(blocks, torch.full((1, 3, 4, 4), 0.01), linear)
    assert torch.allclose(grown, upsample_bilinear(blocks, linear), atol=1e-5)


def test_gradients_flow_through_the_blocks_alone() -> None:
    blocks = torch.rand(1, 3, 4, 4).requires_grad_()
    linear = torch.rand(1, 3, 32, 32).requires_grad_()
    upsample_joint_bilateral(blocks, F.avg_pool2d(linear, 8), linear).sum().backward()
    assert blocks.grad is not None
    assert float(blocks.grad.sum()) == pytest.approx(3 * 32 * 32, rel=1e-4)  # the weights of a pixel sum to 1
    assert linear.grad is None


def test_black_is_shifted_by_its_gain() -> None:
    assert apply_gain(torch.zeros(1), torch.full((1,), 3.0)).item() == pytest.approx(2 * FLOOR)
