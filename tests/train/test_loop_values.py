"""What the loop tells of a step, and which of a plan's settings it follows, by value."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from darkdiff_cli.datasets import PhotoPairs, SynthesisSettings, collate
from darkdiff_cli.training.loop.draws import Draws
from darkdiff_cli.training.loop.machine import RunSettings
from darkdiff_cli.training.loop.train import train
from darkdiff_cli.training.recipe.optimisation import Optimisation
from darkdiff_cli.training.recipe.stage_settings import Adversary, PictureLoss, Stage1
from darkdiff_cli.training.stages.stage import MODEL
from darkdiff_cli.training.stages.stage1 import ResidualAutoencoder
from darkdiff_models.finishing import Finishing
from tests.conftest import make_pipeline

RATE = 1e-3
PLAN = Optimisation(steps=1, batch_size=2, crop=32, learning_rate=RATE, final_learning_rate=RATE, warmup=1)
TERM = PictureLoss(lpips=0.0)
WEIGHT = "encoder.mid_block.resnets.0.conv1.weight"  # (16, 16, 3, 3)


def stage_one(plan: Optimisation = PLAN, **changes: object) -> ResidualAutoencoder:
    return ResidualAutoencoder(Stage1(plan, TERM, **changes), Finishing(), make_pipeline().vae, None)


def run(stage: ResidualAutoencoder, photos: Path, output: Path, **settings: object) -> list[dict[str, float]]:
    """Train; what was told of each step."""
    told: list[dict[str, float]] = []

    def report(what: str, _step: int, _total: int, numbers: dict[str, float]) -> None:
        if what == "step":
            told.append(numbers)

    sets = [PhotoPairs(photos, SynthesisSettings(), 32, split=split) for split in ("train", "validation")]
    machine = RunSettings(output, workers=0, device="cpu", precision="fp32", **settings)
    train(stage, *sets, machine, report)
    return told


@pytest.mark.parametrize(("optimizer", "size"), [("adam", 1.0), ("muon", 0.2)])
def test_the_plans_optimiser_takes_the_steps(optimizer: str, size: float, photo_folder: Path, tmp_path: Path) -> None:
    """Adam's first step is the rate in every entry, Muon's is 0.2 of it in the mean square."""
    stage = stage_one(replace(PLAN, optimizer=optimizer))
    before = dict(stage.vae.named_parameters())[WEIGHT].detach().clone()
    run(stage, photo_folder, tmp_path)
    step = dict(stage.vae.named_parameters())[WEIGHT].detach() - before
    assert float(step.square().mean().sqrt()) / RATE == pytest.approx(size, rel=0.2)


def test_the_rate_and_the_models_gradient_before_clipping_are_told(photo_folder: Path, tmp_path: Path) -> None:
    plan = replace(PLAN, warmup=4, clip_grad_norm=1e-3)
    stage, twin = (stage_one(plan, adversary=Adversary(start=0)) for _ in range(2))
    twin.discriminator.load_state_dict(stage.discriminator.state_dict())
    data = PhotoPairs(photo_folder, SynthesisSettings(), 32)
    loss, _ = twin.loss(MODEL, collate([data[0], data[1]]), Draws(0, 0, torch.device("cpu")))
    gradients = torch.autograd.grad(loss, list(twin.vae.parameters()), allow_unused=True)
    norm = torch.stack([g.square().sum() for g in gradients if g is not None]).sum().sqrt()
    [numbers] = run(stage, photo_folder, tmp_path)
    assert numbers["learning_rate"] == pytest.approx(RATE / 4)
    assert numbers["gradient"] == pytest.approx(float(norm), rel=1e-3)
    assert float(norm) > 10 * plan.clip_grad_norm
    line = json.loads((tmp_path / "stage1" / "log.jsonl").read_text().splitlines()[0])
    assert (line["what"], line["step"]) == ("loss", 1)
    assert {key: line[key] for key in numbers} == pytest.approx(numbers, rel=1e-4)


def test_every_health_check_draws_the_same_numbers(photo_folder: Path, tmp_path: Path) -> None:
    """So that scores differ by what was learnt alone."""
    stage, drawn = stage_one(replace(PLAN, steps=4)), []
    honest = stage.health

    def watched(pair, draws):
        drawn.append(draws.normal_like(torch.zeros(3)).tolist())
        return honest(pair, draws)

    stage.health = watched
    run(stage, photo_folder, tmp_path, check_every=2)
    assert len(drawn) == 2
    assert drawn[0] == drawn[1]


@pytest.mark.parametrize("on", [False, True])
def test_activations_are_forgotten_where_the_plan_says_so(on: bool, photo_folder: Path, tmp_path: Path) -> None:
    stage = stage_one(replace(PLAN, gradient_checkpointing=on))
    run(stage, photo_folder, tmp_path)
    assert stage.vae.checkpointing == on
