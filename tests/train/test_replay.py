"""What a recorded pass relies on: numbers that stay where they are and are drawn anew as a fresh step draws them."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from darkdiff_cli.datasets import Pair, PhotoPairs, SynthesisSettings, collate
from darkdiff_cli.training.loop.draws import Draws
from darkdiff_cli.training.loop.replay import Tape
from darkdiff_cli.training.recipe.recipe_file import load_recipe
from darkdiff_cli.training.recipe.stage_settings import ImageLoss
from darkdiff_cli.training.stages.stage import MODEL, Stage
from darkdiff_cli.training.stages.stage0 import PlainAutoencoder, PlainDenoiser, stock_autoencoder
from darkdiff_cli.training.stages.stage1 import ResidualAutoencoder
from darkdiff_cli.training.stages.stage2 import ConditionalDenoiser
from darkdiff_models.networks.surgery import residual_autoencoder
from tests.conftest import make_pipeline

RECIPE = load_recipe("tiny-debug")
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


def plain_autoencoder() -> Stage:
    assert RECIPE.stage0 is not None
    return PlainAutoencoder(RECIPE.stage0, None)


def plain_denoiser() -> Stage:
    assert RECIPE.stage0 is not None
    return PlainDenoiser(RECIPE.stage0, stock_autoencoder(RECIPE.stage0.autoencoder_shape), 0)


def residual(**changes: object) -> Stage:
    assert RECIPE.stage0 is not None
    vae = residual_autoencoder(stock_autoencoder(RECIPE.stage0.autoencoder_shape))
    return ResidualAutoencoder(
        replace(RECIPE.stage1, **{"adversary": None, "drop_taps": 0.5, **changes}), RECIPE.finishing, vae, None
    )


def conditional(**changes: object) -> Stage:
    settings = {"image_loss": ImageLoss(share=1.0, steps=2), "autoencoder_learning_rate": 0.5, "denoiser_first": 3}
    settings |= {"clean_latents": 0.5, "null_share": 0.5, **changes}
    recipe, model = replace(RECIPE, stage2=replace(RECIPE.stage2, **settings)), make_pipeline(lrgb_space="srgb")
    return ConditionalDenoiser(recipe, model.vae, (model.unet, model.context), model.scheduler, None)


def gradients(stage: Stage, pair: Pair, draws: Draws) -> list[torch.Tensor]:
    """The loss and all gradients of a pass."""
    parameters = [p for module in stage.players[MODEL].values() for p in module.parameters()]
    for parameter in parameters:
        parameter.grad = None
    loss, _ = stage.loss(MODEL, pair, draws)
    loss.backward()
    return [loss.detach(), *(torch.zeros(1) if p.grad is None else p.grad for p in parameters)]


def held() -> Stage:
    return residual(hold=2.0)


@pytest.mark.parametrize("make", [plain_autoencoder, plain_denoiser, residual, held, conditional])
@pytest.mark.parametrize("steps", [(0, 2), (3, 77)])
def test_a_pass_on_a_refilled_tape_is_that_steps_own(make: Callable[[], Stage], steps, photo_folder: Path) -> None:
    stage = make()
    assert stage.course(MODEL, steps[0]) == stage.course(MODEL, steps[1]) is not None
    pairs = PhotoPairs(photo_folder, SynthesisSettings(), 32)
    first, second = (collate([pairs[4 * batch + index] for index in range(4)]) for batch in range(2))
    tape = Tape(Draws(7, steps[0], CPU))
    recorded = gradients(stage, first, tape)
    tape.refill(Draws(7, steps[1], CPU))
    replayed = gradients(stage, second, tape.rewind())
    own = gradients(stage, second, Draws(7, steps[1], CPU))
    assert all(torch.equal(mine, its) for mine, its in zip(replayed, own, strict=True))
    assert not torch.equal(replayed[0], recorded[0])


def test_passes_that_differ_have_no_course_in_common() -> None:
    stage = conditional()
    assert stage.course(MODEL, 2) != stage.course(MODEL, 3)
    half = ImageLoss(share=0.5, steps=2)
    stage = conditional(image_loss=half, autoencoder_learning_rate=0.0, clean_latents=0.0)
    assert stage.course(MODEL, 3) is None
    assert residual(adversary=RECIPE.stage1.adversary).course(MODEL, 0) is None
