"""Optimisers and what of them belongs to the machine."""

from pathlib import Path

import pytest
import torch
from torch import nn

from darkdiff_cli.training.loop.optimizers import make_optimizer
from darkdiff_cli.training.loop.state import RunState
from darkdiff_cli.training.stages.stage import MODEL
from tests.train.test_loop import PLAN


def stepped(network: nn.Module, fused: bool) -> RunState:
    """A network after a step of Adam."""
    state = RunState({"net": network}, {}, {MODEL: torch.optim.Adam(network.parameters(), lr=0.1, fused=fused)})
    return step(state)


def step(state: RunState) -> RunState:
    network = state.modules["net"]
    network(torch.ones(1, 2)).square().sum().backward()
    state.optimizers[MODEL].step()
    state.optimizers[MODEL].zero_grad()
    state.finish_step()
    return state


@pytest.mark.parametrize("fused", [True, False])
def test_a_run_of_one_machine_goes_on_with_the_kernels_of_another(fused: bool, tmp_path: Path) -> None:
    first, second = stepped(nn.Linear(2, 2), fused), stepped(nn.Linear(2, 2), not fused)
    second.load(first.save(tmp_path, keep=1))
    assert [group["fused"] for group in second.optimizers[MODEL].param_groups] == [not fused]
    step(first)
    step(second)
    assert torch.allclose(first.modules["net"].weight, second.modules["net"].weight, atol=1e-6)


def test_a_processor_takes_plain_adam() -> None:
    groups = [{"params": list(nn.Linear(2, 2).parameters())}]
    made = make_optimizer(PLAN, groups, torch.device("cpu"))
    assert type(made) is torch.optim.Adam
    assert made.defaults["fused"] is False
