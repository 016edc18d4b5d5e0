"""Eq. 9 by value: what it measures, and that its gradient is the same however a batch is cut."""

from dataclasses import replace

import pytest
import torch

from darkdiff_cli.datasets import Pair
from darkdiff_cli.training.loop.draws import Draws
from darkdiff_cli.training.recipe.recipe_file import load_recipe
from darkdiff_cli.training.recipe.stage_settings import ImageLoss
from darkdiff_cli.training.stages.stage import MODEL
from darkdiff_cli.training.stages.stage2 import ConditionalDenoiser
from darkdiff_models.networks.sampling import predicted_original
from tests.conftest import make_pipeline

CPU = torch.device("cpu")
BATCH = 8


def stage_two(loss: ImageLoss) -> ConditionalDenoiser:
    torch.manual_seed(0)
    recipe = load_recipe("paper-sid-debug")
    recipe = replace(recipe, stage2=replace(recipe.stage2, image_loss=loss, null_share=0.5))
    model = make_pipeline()
    return ConditionalDenoiser(recipe, model.vae, (model.unet, model.context), model.scheduler, None)


def pair() -> Pair:
    generator = torch.Generator().manual_seed(1)
    noisy, clean, reference = (torch.rand(BATCH, 3, 32, 32, generator=generator) for _ in range(3))
    return Pair(noisy, clean, reference, ("",) * BATCH)


def part(whole: Pair, index: int, parts: int) -> Pair:
    size = BATCH // parts
    cut = slice(index * size, (index + 1) * size)
    return Pair(whole.noisy[cut], whole.clean[cut], whole.reference[cut], whole.names[cut])


@pytest.mark.parametrize("share", [1.0, 0.25])
def test_the_gradient_is_the_same_however_the_batch_is_cut(share: float) -> None:
    stage, whole, found = stage_two(ImageLoss(weight=10.0, share=share)), pair(), []
    for parts in (1, 2, 4, 8):
        image = torch.zeros(())
        for index in range(parts):
            loss, readings = stage.loss(MODEL, part(whole, index, parts), Draws(0, 5, CPU, index, parts))
            assert set(readings) == {"ldm", "image"}  # of every part, or processes would wait for each other
            (loss / parts).backward()
            image += readings["image"] / parts
        gradients = [p.grad for p in stage.unet.parameters() if p.grad is not None]
        found.append((torch.cat([g.flatten() for g in gradients]), image))
        stage.unet.zero_grad()
        stage.context.zero_grad()
    for gradient, image in found[1:]:
        assert torch.allclose(gradient, found[0][0], rtol=1e-4, atol=1e-5)
        assert image == pytest.approx(found[0][1].item(), rel=1e-5)


@pytest.mark.parametrize(
    "loss",
    [ImageLoss(), ImageLoss(l1=0.5, l2=0.0), ImageLoss(time_weight="alpha_bar"), ImageLoss(weight=3.0, l2=2.0)],
    ids=["as written", "l1", "alpha_bar", "weights"],
)
def test_it_is_the_distance_of_all_decoded_guesses(loss: ImageLoss) -> None:
    stage, whole = stage_two(loss), pair()
    total, readings = stage.loss(MODEL, whole, Draws(0, 5, CPU))
    draws, schedule = Draws(0, 5, CPU), stage.schedule
    noisy, clean = stage.vae.encode(whole.noisy), stage.vae.encode(whole.clean).latents
    null = draws.chosen(BATCH, 0.5).view(-1, 1, 1, 1)
    condition = torch.where(null, draws.normal_like(clean), noisy.latents)
    noise, timesteps = draws.normal_like(clean), draws.timesteps(BATCH, 1000)
    z_t = schedule.add_noise(clean, noise, timesteps)
    prediction = stage.unet(z_t, timesteps, stage.unet.prepare(stage.context(condition)))
    guess = predicted_original(schedule, prediction, z_t, timesteps)
    difference = stage.vae.decode(guess, noisy) - whole.reference
    each = (loss.l1 * difference.abs() + loss.l2 * difference**2).mean(dim=(1, 2, 3))
    if loss.time_weight == "alpha_bar":
        each = each * schedule.alphas_cumprod[timesteps]
    assert readings["image"] == pytest.approx(each.mean().item(), rel=1e-4)
    assert total.item() == pytest.approx(readings["ldm"].item() + loss.weight * readings["image"].item(), rel=1e-5)


def test_the_papers_recipes_have_it_as_written() -> None:
    for name in ("paper-sid", "paper-lrd", "paper-sid-debug", "paper-lrd-debug"):
        assert load_recipe(name).stage2.image_loss == ImageLoss(
            l1=0.0, l2=1.0, lpips=0.0, blocks=0.0, weight=0.1, time_weight="none", share=1.0, steps=0
        )
