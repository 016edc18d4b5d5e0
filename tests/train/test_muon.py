"""Muon's promises: orthogonal steps of Adam's size for matrices, Adam itself for the rest."""

import pytest
import torch
from torch import Tensor, nn

from darkdiff_cli.training.loop import muon
from darkdiff_cli.training.loop.muon import ADAM_RMS, ITERATIONS, NEWTON_SCHULZ, Muon, is_matrix, orthogonalised


def with_gradient(*shape: int) -> nn.Parameter:
    parameter = nn.Parameter(torch.randn(*shape))
    parameter.grad = torch.randn(*shape)
    return parameter


@pytest.mark.parametrize("shape", [(3, 12, 40), (2, 40, 12), (1, 16, 16)])
def test_singular_vectors_stay_and_singular_values_become_about_one(shape: tuple[int, int, int]) -> None:
    matrices = torch.randn(*shape, dtype=torch.float64)
    left, _, right = torch.linalg.svd(matrices, full_matrices=False)
    cores = left.mT @ orthogonalised(matrices.float()).double() @ right.mT
    values = cores.diagonal(dim1=1, dim2=2)
    assert values.min() > 0.4
    assert values.max() < 1.3
    assert (cores - torch.diag_embed(values)).abs().max() < 0.15


def test_the_scale_of_a_gradient_does_not_matter_and_zeros_stay() -> None:
    matrices = torch.randn(2, 10, 30)
    assert torch.allclose(orthogonalised(matrices * 1e-6), orthogonalised(matrices), atol=0.05)
    assert torch.equal(orthogonalised(torch.zeros(1, 10, 30)), torch.zeros(1, 10, 30))


@pytest.mark.parametrize(("native", "least", "most"), [(None, 0.0, 1e-5), (torch.bfloat16, 1e-3, 0.1)])
def test_it_multiplies_in_the_precision_of_the_device(native, least: float, most: float, monkeypatch) -> None:
    """A processor without bfloat16 takes hundreds of times as long for it as for fp32."""
    monkeypatch.setattr(muon, "autocast_dtype", lambda _device: native)
    x = torch.randn(1, 24, 60, dtype=torch.float64)
    error = orthogonalised(x.float()).double()
    x /= x.norm()
    for _ in range(ITERATIONS):
        square = x @ x.mT
        x = NEWTON_SCHULZ[0] * x + (NEWTON_SCHULZ[1] * square + NEWTON_SCHULZ[2] * square @ square) @ x
    error -= x
    assert least < error.abs().max() < most


def test_norms_biases_and_thin_layers_get_adams_steps() -> None:
    shapes = [(16,), (16, 3, 3, 3), (4, 24, 1, 1)]
    ours, theirs = [with_gradient(*s) for s in shapes], []
    for parameter in ours:
        assert not is_matrix(parameter)
        twin = nn.Parameter(parameter.detach().clone())
        theirs.append(twin)
    muon, adam = Muon([{"params": ours}], 0.01, (0.9, 0.99)), torch.optim.Adam(theirs, 0.01, (0.9, 0.99))
    for _ in range(3):
        for mine, twin in zip(ours, theirs, strict=True):
            mine.grad = torch.randn_like(mine)
            twin.grad = mine.grad.clone()
        muon.step()
        adam.step()
    for mine, twin in zip(ours, theirs, strict=True):
        assert torch.allclose(mine, twin, atol=1e-6)


@pytest.mark.parametrize("shape", [(24, 12, 3, 3), (64, 16, 1, 1), (40, 16)])
def test_a_matrix_moves_along_its_gradient_by_adams_usual_size(shape: tuple[int, ...]) -> None:
    parameter = with_gradient(*shape)
    before, gradient = parameter.detach().clone(), parameter.grad.clone()
    Muon([{"params": [parameter], "lr": 0.1}], lr=7.0).step()
    step = before - parameter.detach()
    rows, columns = shape[0], parameter.numel() // shape[0]
    expected = 0.1 * ADAM_RMS  # an orthogonal matrix times sqrt(longer side), entry by entry
    assert step.pow(2).mean().sqrt().item() == pytest.approx(expected, rel=0.3)
    values = torch.linalg.svdvals(step.reshape(rows, columns)) / (0.1 * ADAM_RMS * max(rows, columns) ** 0.5)
    assert values.max() < 1.3
    assert (step * gradient).sum() > 0


def test_the_layout_in_memory_does_not_matter_and_no_gradient_is_no_step() -> None:
    def stepped(weight: Tensor, gradient: Tensor | None) -> Tensor:
        parameter = nn.Parameter(weight.clone(memory_format=torch.preserve_format))
        parameter.grad = gradient
        Muon([{"params": [parameter]}], lr=0.1).step()
        return parameter.detach()

    weight, gradient = torch.randn(12, 16, 3, 3), torch.randn(12, 16, 3, 3)
    plain = stepped(weight, gradient)
    turned = stepped(weight.to(memory_format=torch.channels_last), gradient.to(memory_format=torch.channels_last))
    assert torch.allclose(turned, plain, atol=1e-6)
    assert not torch.equal(plain, weight)
    assert torch.equal(stepped(weight, None), weight)


def test_momentum_carries_past_gradients_on() -> None:
    parameter = nn.Parameter(torch.zeros(10, 20))
    optimizer = Muon([{"params": [parameter]}], lr=0.1)
    first, second = torch.randn(10, 20), torch.randn(10, 20) * 1e-3
    for gradient in (first, second):
        before = parameter.detach().clone()
        parameter.grad = gradient
        optimizer.step()
    assert ((before - parameter) * first).sum() > 10 * ((before - parameter) * second / 1e-3).sum().abs()
