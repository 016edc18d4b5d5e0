"""Stage 2 on what the sampler arrives at, its autoencoder learning on."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from darkdiff_cli.datasets import Pair, PhotoPairs, SynthesisSettings
from darkdiff_cli.training.loop.draws import Draws
from darkdiff_cli.training.loop.machine import RunSettings
from darkdiff_cli.training.loop.train import train
from darkdiff_cli.training.recipe.optimisation import Optimisation
from darkdiff_cli.training.recipe.recipe_file import load_recipe
from darkdiff_cli.training.recipe.stage_settings import ImageLoss
from darkdiff_cli.training.stages.stage import MODEL
from darkdiff_cli.training.stages.stage2 import ConditionalDenoiser
from darkdiff_models.finishing import Finishing
from tests.conftest import make_pipeline

LEARNT = ImageLoss(weight=1.0, l1=1.0, l2=0.0, share=1.0, steps=2)
PLAN = Optimisation(steps=2, batch_size=4, crop=32, learning_rate=1e-3, final_learning_rate=1e-3, warmup=1)


def stage_two(**changes: object) -> ConditionalDenoiser:
    torch.manual_seed(0)
    recipe = load_recipe("tiny-debug")
    settings = {"image_loss": LEARNT, "autoencoder_learning_rate": 0.5, **changes}
    recipe = replace(recipe, stage2=replace(recipe.stage2, optimisation=PLAN, **settings))
    assert recipe.fault() is None
    model = make_pipeline(lrgb_space="srgb")
    return ConditionalDenoiser(recipe, model.vae, (model.unet, model.context), model.scheduler, None)


@pytest.fixture
def data(photo_folder: Path) -> tuple[PhotoPairs, PhotoPairs]:
    settings = SynthesisSettings()
    return PhotoPairs(photo_folder, settings, 32), PhotoPairs(photo_folder, settings, 32, split="validation")


def as_batch(pair: Pair) -> Pair:
    return replace(pair, **{key: getattr(pair, key)[None] for key in ("noisy", "clean", "reference")})


def weights(module: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {name: parameter.detach().clone() for name, parameter in module.named_parameters()}


@pytest.mark.parametrize(("rate", "first", "learns"), [(0, 0, False), (0.5, 0, True), (0.5, 1, True), (0.5, 2, False)])
def test_the_autoencoder_learns_where_and_when_it_may(data, tmp_path, rate: float, first: int, learns: bool) -> None:
    stage = stage_two(autoencoder_learning_rate=rate, denoiser_first=first)
    before, denoiser = weights(stage.vae), weights(stage.unet)
    train(stage, *data, RunSettings(tmp_path, workers=0, device="cpu", precision="fp32"), lambda *_: None)
    still = {name for name, old in before.items() if torch.equal(old, weights(stage.vae)[name])}
    assert still == (set() if learns else set(before))
    assert not torch.equal(denoiser["conv_out.weight"], weights(stage.unet)["conv_out.weight"])
    rates = {group["name"]: group["factor"] for group in stage.parameter_groups(MODEL)}
    assert rates.get("autoencoder", 0.0) == rate


def test_alone_means_without_pictures_and_with_a_gradient_for_every_process(data) -> None:
    stage = stage_two(denoiser_first=1)
    losses = [stage.loss(MODEL, as_batch(data[1][0]), Draws(0, step, torch.device("cpu"))) for step in (0, 1)]
    assert [set(numbers) for _, numbers in losses] == [{"ldm"}, {"ldm", "image", "kl"}]
    losses[0][0].backward()
    assert all(p.grad is not None and not p.grad.any() for p in stage.vae.parameters())
    assert losses[0][0].item() == pytest.approx(losses[0][1]["ldm"])


def test_the_target_does_not_teach_the_encoder(data) -> None:
    stage = stage_two(
        image_loss=replace(LEARNT, weight=1e-12), null_share=1.0
    )  # the condition is noise: only the target could
    stage.recipe = replace(stage.recipe, stage1=replace(stage.recipe.stage1, kl_weight=0.0))
    loss, _ = stage.loss(MODEL, as_batch(data[1][0]), Draws(0, 0, torch.device("cpu")))
    loss.backward()
    assert max(float(p.grad.abs().max()) for p in stage.vae.encoder.parameters() if p.grad is not None) < 1e-9
    assert float(stage.unet.conv_out.weight.grad.abs().max()) > 1e-6


def test_the_picture_teaches_the_denoiser(data) -> None:
    stage = stage_two()
    pair = as_batch(data[1][0])
    grads = []
    for weight in (1.0, 100.0):
        stage.settings = replace(stage.settings, image_loss=replace(LEARNT, weight=weight))
        loss, numbers = stage.loss(MODEL, pair, Draws(0, 0, torch.device("cpu")))
        grads.append(torch.autograd.grad(loss, stage.unet.conv_out.weight)[0])
    assert numbers["image"] > 0
    assert not torch.allclose(grads[0], grads[1])  # the latent loss alone would be the same


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_clean_latents_take_the_place_of_sampled_ones(data, share: float) -> None:
    stage = stage_two(clean_latents=share)
    noise = torch.Generator().manual_seed(1)
    pair = as_batch(data[1][0])
    other = replace(pair, clean=torch.rand(pair.clean.shape, generator=noise))
    pictures, grads = [], []
    for shown in (pair, other):
        _, numbers = stage.loss(MODEL, shown, Draws(0, 0, torch.device("cpu")))
        pictures.append(numbers["image"])
    for weight in (1.0, 100.0):
        stage.settings = replace(stage.settings, image_loss=replace(LEARNT, weight=weight))
        loss, _ = stage.loss(MODEL, pair, Draws(0, 0, torch.device("cpu")))
        grads.append(torch.autograd.grad(loss, stage.unet.conv_out.weight)[0])
    assert (pictures[0] == pictures[1]) == (share == 0)  # sampling sees the noisy image only
    assert torch.equal(*grads) == (share == 1)


def test_an_autoencoder_that_not_every_image_tells_is_refused() -> None:
    recipe = load_recipe("tiny-debug")
    wrong = replace(
        recipe, stage2=replace(recipe.stage2, autoencoder_learning_rate=1.0, image_loss=ImageLoss(share=0.5))
    )
    assert "image_loss with share: 1" in (wrong.fault() or "")
    wrong = replace(recipe, stage2=replace(recipe.stage2, autoencoder_learning_rate=0.0, clean_latents=0.3))
    assert "stage2.clean_latents needs" in (wrong.fault() or "")
    assert "expected_error" in (
        replace(recipe, lrgb_space="camera", finishing=Finishing(expected_error=0.03)).fault() or ""
    )
