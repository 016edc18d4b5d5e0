import pytest
import torch

from darkdiff_models.networks.attention import (
    CrossAttention,
    RegionCrossAttention,
    from_regions,
    region_mask,
    to_regions,
)

DIM, HEADS = 12, 3


def region_attention(size: int) -> RegionCrossAttention:
    torch.manual_seed(0)
    return RegionCrossAttention(DIM, HEADS, size).eval()


@pytest.mark.parametrize("height", range(5, 10))
@pytest.mark.parametrize("width", range(4, 9))
def test_regions_and_back_at_every_residue(height: int, width: int) -> None:
    tokens = torch.randn(2, height, width, DIM)
    regions = to_regions(tokens, 4)
    assert regions.shape[1:] == (16, DIM)
    assert torch.equal(from_regions(regions, 4, (height, width)), tokens)


def test_a_region_holds_a_square_of_neighbours() -> None:
    index = torch.arange(64.0).reshape(1, 8, 8, 1)
    assert to_regions(index, 4)[1, :, 0].tolist() == [r * 8 + c for r in range(4) for c in range(4, 8)]


@torch.no_grad()
def test_one_region_over_everything_is_plain_cross_attention() -> None:
    region = region_attention(8)
    plain = CrossAttention(DIM, HEADS, DIM).eval()
    plain.load_state_dict(region.state_dict(), strict=False)
    tokens, features = torch.randn(2, 64, DIM), torch.randn(2, DIM, 8, 8)
    context = region.norm_context(features.flatten(2).transpose(1, 2))
    expected = plain(tokens, plain.project(context), (8, 8))
    assert torch.allclose(region(tokens, region.project_features(features), (8, 8)), expected, atol=1e-6)


@torch.no_grad()
def test_one_padded_region_is_plain_cross_attention_too() -> None:
    region = region_attention(16)
    plain = CrossAttention(DIM, HEADS, DIM).eval()
    plain.load_state_dict(region.state_dict(), strict=False)
    tokens, features = torch.randn(1, 35, DIM), torch.randn(1, DIM, 5, 7)
    context = region.norm_context(features.flatten(2).transpose(1, 2))
    expected = plain(tokens, plain.project(context), (5, 7))
    assert torch.allclose(region(tokens, region.project_features(features), (5, 7)), expected, atol=1e-6)


@torch.no_grad()
def test_a_change_inside_one_region_stays_there() -> None:
    region = region_attention(4)
    tokens, features = torch.randn(1, 64, DIM), torch.randn(1, DIM, 8, 8)
    before = region(tokens, region.project_features(features), (8, 8)).unflatten(1, (8, 8))
    features[:, :, 1, 6] += 3.0  # inside the upper right region
    moved = (region(tokens, region.project_features(features), (8, 8)).unflatten(1, (8, 8)) - before).abs().sum(-1)[0]
    assert moved[:4, 4:].min() > 0
    moved[:4, 4:] = 0
    assert moved.max() == 0


def test_mask_marks_the_padding_only() -> None:
    like = torch.zeros(2, 1)
    assert region_mask((8, 8), 4, like) is None
    mask = region_mask((6, 5), 4, like)
    assert mask.shape == (2 * 4, 1, 1, 16)
    assert mask.sum() == 2 * 6 * 5


def test_gradients_reach_every_weight_through_padding() -> None:
    region = region_attention(4)
    region(torch.randn(1, 35, DIM), region.project_features(torch.randn(1, DIM, 5, 7)), (5, 7)).pow(2).sum().backward()
    for name, parameter in region.named_parameters():
        assert parameter.grad is not None and torch.isfinite(parameter.grad).all(), name
