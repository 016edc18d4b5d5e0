import pytest
import torch
from torch import nn

from darkdiff_models.learning.fast_blocks import use_fast_blocks
from darkdiff_models.learning.fast_group_norm import FastGroupNorm


def gradients(norm: nn.GroupNorm, x: torch.Tensor, dy: torch.Tensor) -> list[torch.Tensor]:
    norm.zero_grad()
    x = x.detach().requires_grad_()
    y = norm(x)
    y.backward(dy)
    return [y.detach().double(), *(p.grad.double() for p in (x, norm.weight, norm.bias))]


def pair(groups: int, channels: int) -> tuple[nn.GroupNorm, nn.GroupNorm]:
    plain, quick = nn.GroupNorm(groups, channels, eps=1e-6), nn.GroupNorm(groups, channels, eps=1e-6)
    nn.init.uniform_(plain.weight, 0.5, 1.5)
    nn.init.normal_(plain.bias)
    quick.load_state_dict(plain.state_dict())
    use_fast_blocks(quick)
    assert type(quick) is FastGroupNorm
    return plain, quick


@pytest.mark.parametrize(("groups", "channels", "size"), [(4, 8, (17, 12)), (8, 8, (5, 9)), (1, 6, (32, 32))])
def test_it_is_as_close_to_the_exact_gradients_as_torch_is(groups: int, channels: int, size: tuple[int, int]) -> None:
    plain, quick = pair(groups, channels)
    x = (torch.randn(3, channels, *size) * 2 + 0.5).bfloat16()
    dy = torch.randn(3, channels, *size).bfloat16()
    truth = nn.GroupNorm(groups, channels, eps=1e-6).double()
    truth.load_state_dict(plain.state_dict())
    exact = gradients(truth, x.double(), dy.double())
    for right, torchs, ours in zip(exact, gradients(plain, x, dy), gradients(quick, x, dy), strict=True):
        bound = 2 * (torchs - right).abs().max() + 0.01 * right.abs().max()
        assert (ours - right).abs().max() < bound
        assert right.abs().max() > 0


def test_other_precisions_are_torchs_own_to_the_bit() -> None:
    plain, quick = pair(4, 8)
    x, dy = torch.randn(2, 8, 6, 6), torch.randn(2, 8, 6, 6)
    assert all(torch.equal(a, b) for a, b in zip(gradients(plain, x, dy), gradients(quick, x, dy), strict=True))
