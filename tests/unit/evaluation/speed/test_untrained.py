"""Trainings of random weights have the shapes of the real ones."""

from pathlib import Path

import pytest
from torch import Tensor

from darkdiff_cli.evaluation.speed.training import run_training
from darkdiff_cli.evaluation.speed.untrained import UntrainedRun, scene_source
from darkdiff_cli.training.cost import META
from darkdiff_cli.training.loop.machine import RunSettings
from darkdiff_cli.training.pairs import StageName
from darkdiff_cli.training.recipe.recipe_file import load_recipe


def run_of(recipe: str, folder: Path, *changes: str) -> UntrainedRun:
    plan = load_recipe(recipe, changes)
    settings = RunSettings(folder, plan.seed, workers=0, device="cpu", precision="fp32")
    return UntrainedRun(plan, scene_source(folder, plan), settings, steps=1_000_000 + 3 + 2, dry=True)


@pytest.mark.parametrize(("stage", "millions"), [("1", 93), ("2", 1185)])  # as the guide has them
def test_the_papers_recipe_has_the_size_of_stable_diffusion(stage: StageName, millions: int, tmp_path: Path) -> None:
    made = run_of("paper-sid", tmp_path).made(stage, META)
    weights = [p for player in made.players for group in made.parameter_groups(player) for p in group["params"]]
    assert {p.device for p in weights} == {META}
    assert round(sum(p.numel() for p in weights) / 1e6) == millions


@pytest.mark.parametrize("stage", ["1", "2"])
def test_what_stays_in_memory_is_counted_to_the_byte(stage: StageName, tmp_path: Path) -> None:
    """Every player has played: an optimiser has moments of what it has stepped on alone."""
    changes = (f"stage{stage}.optimisation.{change}" for change in ("optimizer=adam", "ema_decay=0.9", "batch_size=1"))
    run, said = run_of("tiny-debug", tmp_path, *changes), []
    made = run.made(stage, META)
    trained = [p for player in made.players for group in made.parameter_groups(player) for p in group["params"]]
    modules = [*(m for player in made.players.values() for m in player.values()), *made.frozen.values()]
    weights = [t for module in modules for t in (*module.parameters(), *module.buffers())]
    averaged = [p for module in made.trained.values() for p in module.parameters()]
    found = run_training(run, stage, kept=True, steps=2, begin=said.append)
    assert found.gigabytes == {
        "weights": pytest.approx(1e-9 * sum(t.numel() * t.element_size() for t in weights)),
        "gradients": pytest.approx(4e-9 * count(trained)),
        "optimiser": pytest.approx(4e-9 * (2 * count(trained) + len(trained))),  # Adam counts each tensor's steps
        "averages": pytest.approx(4e-9 * count(averaged)),
    }
    assert min(found.seconds_by_part.values()) > 0
    assert sum(found.seconds_by_part.values()) <= found.seconds
    assert (found.steps, found.batch_size, found.parts, found.crop) == (2, 1, 1, 32)
    assert said == ["networks", "pairs", *["warm-up"] * 3, "step 1", "step 2", "arithmetic"]


def count(tensors: list[Tensor]) -> int:
    return sum(tensor.numel() for tensor in tensors)
