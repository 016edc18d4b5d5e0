"""A run's folder holds the recipe as it was used, which gives the same run again."""

import shlex
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from typer.testing import CliRunner

from darkdiff_cli.app import app
from darkdiff_cli.training.recipe.recipe_file import load_recipe, recipe_names
from darkdiff_cli.training.recipe.written import of_length, write_recipe
from tests.train.test_processes import place

__all__ = ["place"]  # a fixture

LAST = "stage1/checkpoints/step-00000003.safetensors"


@pytest.mark.parametrize("name", recipe_names())
def test_a_written_recipe_reads_back_as_itself(name: str, tmp_path: Path) -> None:
    changes = ["hot_pixels=off", 'data.exclude=["Zo\u00eb: #1.jpg"]', "stage1.optimisation.clip_grad_norm=.inf"]
    recipe = load_recipe(name, [*changes, "stage1.optimisation.learning_rate=1e-7"])
    write_recipe(tmp_path, recipe, ["--data", "photos:/a b\nc: [", "--stage", "1"])
    assert load_recipe(str(tmp_path / "recipe.yaml")) == recipe


def test_a_given_length_stands_in_every_training() -> None:
    recipe = load_recipe("tiny-debug")
    for steps, epochs in ((7, None), (None, 7)):
        changed = of_length(recipe, steps, epochs)
        assert {(plan.steps, plan.epochs) for plan in changed.plans.values()} == {(steps or 0, epochs or 0)}
        assert changed.fault() is None
        assert replace(changed.stage1, optimisation=recipe.stage1.optimisation) == recipe.stage1
    assert of_length(recipe, None, None) == recipe


def test_the_recipe_in_a_runs_folder_gives_the_same_run(place: Path, tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    machine = ["--workers", "0", "--device", "cpu", "--precision", "fp32"]
    words = ["train", "--stage", "1", "--data", f"photos:{place / 'photos'}", "--base", str(place / "base"), *machine]
    changes = ["--recipe", "paper-sid-debug", "--steps", "3", "--set", "seed=5", "--set", "stage1.hold=0.5"]
    done = CliRunner().invoke(app, [*words, *changes, "-o", str(one)])
    assert done.exit_code == 0, done.stderr
    written = one / "stage1" / "recipe.yaml"
    command = shlex.split(written.read_text().splitlines()[1].removeprefix("# "))
    assert command[0] == "darkdiff"
    again = [str(written) if word == "recipe.yaml" else word for word in command[1:]]
    done = CliRunner().invoke(app, [*again, *machine, "-o", str(two)])
    assert done.exit_code == 0, done.stderr
    first, second = load_file(one / LAST), load_file(two / LAST)
    assert set(first) == set(second)
    assert all(torch.equal(first[key], second[key]) for key in first)
    before = written.read_bytes()
    done = CliRunner().invoke(app, [*again, *machine, "-o", str(one), "--resume", "--set", "stage1.hold=0.0"])
    assert done.exit_code == 0, done.stderr
    assert written.read_bytes() == before  # nothing was left to train by the other one
