"""Muon's step written out by hand."""

import pytest
import torch
from torch import nn

from darkdiff_cli.training.loop.muon import Muon, is_matrix, orthogonalised


@pytest.mark.parametrize("shape", [(12, 40), (40, 12)])
def test_steps_follow_nesterovs_look_ahead_on_a_momentum_of_095(shape: tuple[int, int]) -> None:
    parameter, gradients = nn.Parameter(torch.zeros(shape)), torch.randn(3, *shape)
    optimizer, momentum, expected = Muon([{"params": [parameter]}], lr=0.1), torch.zeros(shape), torch.zeros(shape)
    for gradient in gradients:
        parameter.grad = gradient.clone()
        optimizer.step()
        momentum = 0.95 * momentum + 0.05 * gradient
        ahead = 0.05 * gradient + 0.95 * momentum
        expected -= 0.1 * 0.2 * 40**0.5 * orthogonalised(ahead[None])[0].float()
        assert torch.allclose(parameter.detach(), expected, atol=2e-3)


@pytest.mark.parametrize(
    ("shape", "matrix"),
    [((9, 9, 3, 3), True), ((9, 9), True), ((8, 64, 3, 3), False), ((64, 8, 3, 3), False), ((64,), False)],
)
def test_a_matrix_has_more_than_eight_channels_on_either_side(shape: tuple[int, ...], matrix: bool) -> None:
    assert is_matrix(torch.zeros(shape)) == matrix
