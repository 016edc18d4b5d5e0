"""The averaged weights by value: how they are made, where they are used, and that a resumed run goes on with them."""

import math
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from darkdiff_cli.training.loop.batches import held_out_batch
from darkdiff_cli.training.loop.checkpoints import newest_checkpoint
from darkdiff_cli.training.loop.draws import Draws
from darkdiff_cli.training.loop.machine import RunSettings
from darkdiff_cli.training.loop.state import RunState, moving_averages
from darkdiff_cli.training.loop.train import train
from tests.train.test_loop import data, stage_one  # noqa: F401 (data is a fixture)


class Scale(nn.Module):
    """One parameter and one buffer."""

    def __init__(self, value: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor([value]))
        self.register_buffer("seen", torch.tensor([value]))


def state_of(module: nn.Module, decay: float) -> RunState:
    modules = {"net": module, "empty": nn.Identity()}
    return RunState(modules, moving_averages(modules, decay), {})


def finish(state: RunState, value: float) -> float:
    """The average after a step at whose end the weight is `value`."""
    network = state.modules["net"]
    with torch.no_grad():
        network.weight.fill_(value)
    state.finish_step()
    return float(state.averages["net"].shadow_params[0])


def test_the_first_updates_have_the_values_of_the_formula() -> None:
    state = state_of(Scale(0.0), 0.999)
    assert finish(state, 11.0) == pytest.approx(9.0)  # 2 / 11 of 0 kept
    assert finish(state, 12.0) == pytest.approx(3 / 12 * 9.0 + 9 / 12 * 12.0)
    assert finish(state, 13.0) == pytest.approx(4 / 13 * 11.25 + 9 / 13 * 13.0)
    assert state.step == 3


def test_the_decay_ends_where_the_recipe_says() -> None:
    state = state_of(Scale(0.0), 0.2)
    assert finish(state, 1.0) == pytest.approx(1 - 2 / 11)
    assert finish(state, 0.0) == pytest.approx(0.2 * (1 - 2 / 11))  # and not 3 / 12


def test_only_parameters_are_averaged_and_a_module_may_have_none() -> None:
    state = state_of(Scale(0.0), 0.9)
    assert list(state.averages) == ["net"]
    assert len(state.averages["net"].shadow_params) == 1


def test_averaged_weights_are_in_place_for_a_block_and_then_the_own_ones() -> None:
    state = state_of(Scale(0.0), 0.999)
    finish(state, 11.0)
    network = state.modules["net"]
    with state.averaged():
        assert network.weight.item() == pytest.approx(9.0)
    assert network.weight.item() == 11.0
    with pytest.raises(ZeroDivisionError), state.averaged():
        raise ZeroDivisionError
    assert network.weight.item() == 11.0


def test_a_resumed_average_goes_on_at_its_step(tmp_path: Path) -> None:
    values = [11.0, 3.0, -4.0, 8.0, 5.0]
    straight, first = state_of(Scale(0.0), 0.999), state_of(Scale(0.0), 0.999)
    for value in values:
        finish(straight, value)
    for value in values[:3]:
        finish(first, value)
    path = first.save(tmp_path, keep=1)
    assert load_file(path)["average/net/weight"].item() == first.averages["net"].shadow_params[0].item()
    resumed = state_of(Scale(math.nan), 0.999)
    resumed.load(path)
    for value in values[3:]:
        finish(resumed, value)
    assert torch.equal(resumed.averages["net"].shadow_params[0], straight.averages["net"].shadow_params[0])
    assert resumed.step == 5


def test_what_a_run_scores_and_keeps_is_the_average_over_its_steps(data, tmp_path: Path) -> None:  # noqa: F811
    stage = stage_one(steps=4, ema_decay=0.25)
    weights = dict(stage.vae.named_parameters())
    expected = {name: value.detach().double() for name, value in weights.items()}

    scores: dict[str, float] = {}

    def follow(what: str, step: int, _total: int, numbers: dict[str, float]) -> None:
        if what == "health":
            scores.update(numbers)
        if what == "step":
            decay = min(0.25, (1 + step) / (10 + step))
            for name, value in weights.items():
                expected[name] = decay * expected[name] + (1 - decay) * value.detach()

    settings = RunSettings(tmp_path, workers=0, device="cpu", precision="fp32", log_every=1)
    train(stage, *data, settings, follow)
    checks, draws = held_out_batch(data[1], stage.multiple), Draws(settings.seed, 0, torch.device("cpu"))
    with torch.no_grad():
        own = stage.health(checks, draws)
    kept = load_file(tmp_path / "stage1" / "vae" / "diffusion_pytorch_model.safetensors")
    checkpoint = load_file(newest_checkpoint(tmp_path / "stage1" / "checkpoints"))
    for name, value in expected.items():
        assert torch.allclose(kept[name].double(), value, atol=1e-6), name
        assert torch.equal(kept[name], checkpoint[f"average/vae/{name}"])
    moved = [name for name in expected if not torch.allclose(kept[name], checkpoint[f"module/vae/{name}"], atol=1e-5)]
    assert len(moved) > len(expected) / 2  # the last step shows
    stage.vae.load_state_dict(kept)
    with torch.no_grad():
        assert scores == pytest.approx(stage.health(checks, draws), rel=1e-6)
    assert abs(own["psnr"] - scores["psnr"]) > 1e-4
