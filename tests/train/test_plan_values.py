"""Learning rates by value, what a recipe refuses, and what a journal shows."""

from dataclasses import replace

import pytest
import torch

from darkdiff_cli.datasets import Pair
from darkdiff_cli.training.loop.journal import contact_sheet
from darkdiff_cli.training.recipe.optimisation import Optimisation
from darkdiff_cli.training.recipe.recipe import Recipe
from darkdiff_cli.training.recipe.recipe_file import load_recipe
from darkdiff_cli.training.recipe.stage_settings import Adversary, ImageLoss, PictureLoss, Stage1, Stage2
from darkdiff_models.finishing import Finishing

PLAN = Optimisation(steps=110, batch_size=4, crop=64, learning_rate=1.0, final_learning_rate=0.2, warmup=10)
RECIPE = Recipe("mine", Stage1(PLAN), Stage2(PLAN), base="stable-diffusion-2-1")


@pytest.mark.parametrize(
    ("step", "rate"), [(0, 0.1), (4, 0.5), (9, 1.0), (10, 1.0), (35, 0.882843), (60, 0.6), (110, 0.2), (400, 0.2)]
)
def test_rates_rise_in_a_line_and_fall_along_a_cosine(step: int, rate: float) -> None:
    """A quarter of the way down: 0.2 + 0.8 * (1 + cos 45 degrees) / 2."""
    assert PLAN.rate(step) == pytest.approx(rate, abs=1e-6)


def test_what_a_plan_does_not_say() -> None:
    assert (PLAN.optimizer, PLAN.betas, PLAN.ema_decay, PLAN.clip_grad_norm) == ("adam", (0.9, 0.99), 0.999, 1.0)
    assert (PLAN.accumulation, PLAN.gradient_checkpointing) == (1, False)


def test_what_a_stage_does_not_say() -> None:
    one, two = Stage1(PLAN), Stage2(PLAN)
    assert one.loss == PictureLoss(l1=1.0, l2=0.0, lpips=0.15, blocks=0.0)
    assert (one.kl_weight, one.residual, one.clean_latents, one.drop_taps) == (1e-6, True, 0.0, 0.0)
    assert (one.taps_learning_rate, one.hold, one.adversary, Adversary(start=0).weight) == (1.0, 0.0, None, 0.5)
    assert two.image_loss == ImageLoss(l1=0.0, l2=1.0, lpips=0.0, blocks=0.0, weight=0.1, share=1.0, steps=0)
    assert (two.conditioning, two.region_size, two.new_learning_rate, two.null_share) == ("region", 8, 5.0, 0.05)
    assert (two.denoiser_first, two.clean_latents, two.autoencoder_learning_rate) == (0, 0.0, 0.0)
    assert two.region_position_bias is False
    assert (two.default_steps, two.default_guidance, two.default_views) == (50, 2.0, 1)
    assert (two.tile, two.tile_overlap, two.autoencoder_tile, two.autoencoder_tile_overlap) == (64, 16, 1024, 128)


@pytest.mark.parametrize(
    ("plan", "words"),
    [
        (replace(PLAN, steps=0), "stage1 needs either steps or epochs"),
        (replace(PLAN, epochs=3), "stage1 needs either steps or epochs"),
        (replace(PLAN, accumulation=3), "stage1: batch_size 4 cannot be cut into 3 equal parts"),
        (replace(PLAN, crop=37), "stage1: a crop of 37 pixels is too small for LPIPS; take 38 or more"),
    ],
)
def test_a_plan_that_cannot_be_is_named(plan: Optimisation, words: str) -> None:
    assert RECIPE.fault() is None
    assert replace(RECIPE, stage1=replace(RECIPE.stage1, optimisation=plan)).fault() == words
    beside = replace(RECIPE, regression=plan).fault()
    assert beside == (None if "LPIPS" in words else words.replace("stage1", "regression"))


def test_stage_0s_crop_must_serve_lpips_where_it_is_weighed() -> None:
    stage0 = load_recipe("tiny-debug").stage0
    assert stage0 is not None
    weighed = replace(stage0, loss=PictureLoss(lpips=0.1))
    assert replace(RECIPE, stage0=stage0).fault() is None
    fault = replace(RECIPE, stage0=weighed).fault()
    assert fault == "stage0 autoencoder: a crop of 32 pixels is too small for LPIPS; take 38 or more"


@pytest.mark.parametrize("form", [{"region_size": 0}, {"conditioning": "global"}, {"conditioning": "concat"}])
def test_a_position_bias_needs_regions(form: dict[str, object]) -> None:
    biased = replace(RECIPE.stage2, region_position_bias=True)
    assert replace(RECIPE, stage2=biased).fault() is None
    assert replace(RECIPE, stage2=replace(RECIPE.stage2, **form)).fault() is None
    fault = replace(RECIPE, stage2=replace(biased, **form)).fault()
    assert fault == "stage2.region_position_bias needs conditioning: region and a region_size above 0"


@pytest.mark.parametrize("finishing", [Finishing(colour_anchor=True), Finishing(expected_error=0.03)])
@pytest.mark.parametrize("form", [{"lrgb_space": "camera"}, {"data_format": "raw-srgb"}])
def test_finishing_needs_linear_srgb(finishing: Finishing, form: dict[str, str]) -> None:
    name = "colour_anchor" if finishing.colour_anchor else "expected_error"
    recipe = replace(RECIPE, finishing=finishing)
    assert recipe.fault() is None
    assert (replace(recipe, **form).fault() or "").startswith(f"{name} compares linear sRGB")


def test_a_recipe_needs_a_base_or_a_stage_0() -> None:
    assert replace(RECIPE, base="").fault() == "needs a stage0, or the base that it retasks"
    assert replace(RECIPE, base="", stage0=load_recipe("tiny-debug").stage0).fault() is None


@pytest.mark.parametrize("name", ["paper-sid", "paper-lrd"])
def test_the_papers_recipes_hold_its_numbers_and_none_of_our_additions(name: str) -> None:
    recipe = load_recipe(name)
    one, two = recipe.stage1, recipe.stage2
    assert (one.kl_weight, one.loss, one.adversary) == (1e-6, PictureLoss(lpips=1.0), Adversary(5000, 0.5))
    assert (one.residual, one.clean_latents, one.drop_taps, one.taps_learning_rate) == (True, 0.0, 0.0, 1.0)
    assert (one.hold, two.region_position_bias) == (0.0, False)
    assert (two.conditioning, two.region_size, two.new_learning_rate, two.null_share) == ("region", 8, 5.0, 0.05)
    assert two.image_loss == ImageLoss(l1=0.0, l2=1.0, lpips=0.0, blocks=0.0, weight=0.1, share=1.0, steps=0)
    assert (two.image_loss.time_weight, recipe.perceptual_network) == ("none", "vgg")
    assert (two.denoiser_first, two.clean_latents, two.autoencoder_learning_rate) == (0, 0.0, 0.0)
    assert (two.default_steps, two.default_guidance, two.default_views) == (50, 2.0, 1)
    assert (recipe.finishing, recipe.lrgb_space) == (Finishing(False, 0.0), "camera")
    assert (recipe.line_noise, recipe.hot_pixels) == ("off", "off")
    plans = one.optimisation, two.optimisation
    assert [(plan.learning_rate, plan.final_learning_rate) for plan in plans] == [(4e-5, 4e-5), (5e-5, 5e-5)]
    assert [plan.betas for plan in plans] == [(0.5, 0.9), (0.9, 0.999)]
    for plan in plans:
        assert (plan.batch_size, plan.crop, plan.epochs, plan.optimizer) == (8, 1200, 3000, "adam")
        assert (plan.warmup, plan.ema_decay, plan.clip_grad_norm) == (0, 0.0, float("inf"))


def test_a_contact_sheet_shows_light_under_the_curve_beside_output_and_reference() -> None:
    light, made, reference = (
        torch.full((1, 3, 2, 2), 0.18),
        torch.full((1, 3, 2, 2), 1.3),
        torch.full((1, 3, 2, 2), 0.25),
    )
    sheet = contact_sheet(Pair(light, light, reference, ("a",)), made)
    assert sheet.shape == (2, 6, 3)
    assert sheet[0, ::2, 1].tolist() == pytest.approx([0.46136, 1.0, 0.25], abs=1e-5)
