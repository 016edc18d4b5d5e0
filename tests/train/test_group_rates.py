"""Groups learn at their own rates: Adam's first step is the learning rate, whatever the gradient."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from darkdiff_cli.datasets import PhotoPairs, SynthesisSettings
from darkdiff_cli.training.loop.machine import RunSettings
from darkdiff_cli.training.loop.muon import is_matrix
from darkdiff_cli.training.loop.train import train
from darkdiff_cli.training.recipe.optimisation import Optimisation
from darkdiff_cli.training.recipe.recipe import Recipe
from darkdiff_cli.training.recipe.stage_settings import ImageLoss, PictureLoss, Stage1, Stage2
from darkdiff_cli.training.stages.stage import MODEL, Stage
from darkdiff_cli.training.stages.stage1 import ResidualAutoencoder
from darkdiff_cli.training.stages.stage2 import ConditionalDenoiser
from darkdiff_models import DarkDiffUNet
from darkdiff_models.finishing import Finishing
from darkdiff_models.networks.attention import RegionCrossAttention
from tests.conftest import UNET_SHAPE, make_pipeline

RATE = 1e-3
PLAN = Optimisation(steps=1, batch_size=2, crop=32, learning_rate=RATE, final_learning_rate=RATE, warmup=1)
TERM = PictureLoss(lpips=0.0)


def stage_one(plan: Optimisation = PLAN, **changes: object) -> ResidualAutoencoder:
    return ResidualAutoencoder(Stage1(plan, TERM, **changes), Finishing(), make_pipeline().vae, None)


def stage_two(**changes: object) -> ConditionalDenoiser:
    settings = Stage2(PLAN, ImageLoss(), **changes)
    model = make_pipeline()
    recipe = Recipe("toy", Stage1(PLAN, TERM), settings, base="toy")
    return ConditionalDenoiser(recipe, model.vae, (model.unet, model.context), model.scheduler, None)


def moved(stage: Stage, photos: Path, output: Path) -> dict[int, float]:
    """How far training took each parameter, by its id: the largest change of its values."""
    before = {id(p): p.detach().clone() for module in stage.trained.values() for p in module.parameters()}
    sets = [PhotoPairs(photos, SynthesisSettings(), 32, split=split) for split in ("train", "validation")]
    train(stage, *sets, RunSettings(output, workers=0, device="cpu", precision="fp32"), lambda *_: None)
    now = {id(p): p.detach() for module in stage.trained.values() for p in module.parameters()}
    return {key: float((now[key] - before[key]).abs().max()) for key in before}


def largest(moves: dict[int, float], parameters: Iterable[nn.Parameter]) -> float:
    """In learning rates."""
    return max(moves[id(parameter)] for parameter in parameters) / RATE


def test_residual_taps_learn_at_theirs(photo_folder: Path, tmp_path: Path) -> None:
    stage = stage_one(taps_learning_rate=3.0)
    moves, taps = moved(stage, photo_folder, tmp_path), list(stage.vae.residual_convs.parameters())
    others = [p for p in stage.vae.parameters() if not any(p is tap for tap in taps)]
    assert largest(moves, taps) == pytest.approx(3.0, rel=1e-3)
    assert largest(moves, others) == pytest.approx(1.0, rel=1e-3)


def test_new_parts_and_the_autoencoder_learn_at_theirs(photo_folder: Path, tmp_path: Path) -> None:
    stage = stage_two(new_learning_rate=4.0, autoencoder_learning_rate=0.25)
    moves = moved(stage, photo_folder, tmp_path)
    new = [*stage.context.parameters(), *(p for module in stage.unet.new_modules for p in module.parameters())]
    others = [p for p in stage.unet.parameters() if not any(p is one for one in new)]
    assert largest(moves, stage.context.parameters()) == pytest.approx(4.0, rel=1e-3)
    assert largest(moves, new) == pytest.approx(4.0, rel=1e-3)
    assert largest(moves, others) == pytest.approx(1.0, rel=1e-3)
    assert largest(moves, stage.vae.parameters()) == pytest.approx(0.25, rel=1e-3)


def test_a_position_bias_is_new_and_no_matrix(photo_folder: Path, tmp_path: Path) -> None:
    """Muon would make a table of offsets orthogonal; at Stable Diffusion's widths too it goes to Adam."""
    stage = stage_two(new_learning_rate=4.0)
    stage.unet = stage.players[MODEL]["unet"] = DarkDiffUNet(region_size=4, region_position_bias=True, **UNET_SHAPE)
    moves, biases = moved(stage, photo_folder, tmp_path), [a.position_bias for a in stage.unet.region_attentions]
    assert largest(moves, biases) == pytest.approx(4.0, rel=1e-3)
    assert not is_matrix(RegionCrossAttention(1280, 20, 8, position_bias=True).position_bias)


def test_every_group_follows_the_rate_of_the_step(photo_folder: Path, tmp_path: Path) -> None:
    """The first of four warm-up steps: a quarter of the peak."""
    stage = stage_one(replace(PLAN, warmup=4), taps_learning_rate=2.0)
    moves = moved(stage, photo_folder, tmp_path)
    assert largest(moves, stage.vae.residual_convs.parameters()) == pytest.approx(0.5, rel=1e-3)
    assert largest(moves, stage.vae.decoder.parameters()) == pytest.approx(0.25, rel=1e-3)


def test_gradients_are_clipped_to_the_plans_norm(photo_folder: Path, tmp_path: Path) -> None:
    """A norm far below Adam's epsilon of 1e-8 leaves nothing to learn from."""
    moves = moved(stage_one(replace(PLAN, clip_grad_norm=1e-12)), photo_folder, tmp_path)
    assert 0 < max(moves.values()) < 1e-3 * RATE


def test_a_plans_betas_are_adams(photo_folder: Path, tmp_path: Path) -> None:
    """Without momentum, and with the squares of the last step alone, every step is the rate itself."""
    stage = stage_one(replace(PLAN, steps=3, betas=(0.0, 0.0)))
    bias, honest = stage.vae.decoder.conv_out.bias.detach(), stage.loss
    places = []

    def watched(*given: object):
        places.append(bias.clone())
        return honest(*given)

    stage.loss = watched
    moved(stage, photo_folder, tmp_path)
    steps = torch.stack([*places, bias]).diff(dim=0).abs()
    assert steps.shape == (3, 3)
    assert torch.allclose(steps, torch.full((3, 3), RATE), rtol=1e-3)
