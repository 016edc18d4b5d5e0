"""What a recorded pass relies on: numbers that stay where they are and are drawn anew as a fresh step draws them."""

import pytest
import torch

from darkdiff_cli.training.draws import Draws
from darkdiff_cli.training.replay import Tape

CPU = torch.device("cpu")


def drawn(draws: Draws) -> list[torch.Tensor]:
    return [
        draws.normal_like(torch.zeros(4, 2, 3)),
        draws.chosen(4, 0.5),
        draws.timesteps(4, 1000),
        draws.place(8),
        draws.normal_like(torch.zeros(4, 1)),
    ]


@pytest.mark.parametrize("step", [5, 6, 70])
def test_a_tape_filled_anew_holds_what_that_step_draws(step: int) -> None:
    tape = Tape(Draws(3, 5, CPU))
    first = drawn(tape)
    assert all(torch.equal(mine, own) for mine, own in zip(first, drawn(Draws(3, 5, CPU)), strict=True))
    tape.refill(Draws(3, step, CPU))
    again = drawn(tape.rewind())
    assert all(mine is own for mine, own in zip(again, first, strict=True))
    assert all(torch.equal(mine, own) for mine, own in zip(again, drawn(Draws(3, step, CPU)), strict=True))


def test_a_tape_leaves_the_draws_of_its_step_alone() -> None:
    draws = Draws(3, 5, CPU)
    drawn(Tape(draws))
    assert all(torch.equal(mine, own) for mine, own in zip(drawn(draws), drawn(Draws(3, 5, CPU)), strict=True))
