"""Stage 2 on what the sampler arrives at, its decoder learning on."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from darkdiff_cli.datasets import PhotoPairs, SynthesisSettings
from darkdiff_cli.training import loop
from darkdiff_cli.training.draws import Draws
from darkdiff_cli.training.machine import RunSettings
from darkdiff_cli.training.recipe import Optimisation
from darkdiff_cli.training.recipe_file import load_recipe
from darkdiff_cli.training.stage import MODEL
from darkdiff_cli.training.stage2 import ConditionalDenoiser
from tests.conftest import make_pipeline

PLAN = Optimisation(steps=2, batch_size=4, crop=32, learning_rate=1e-3, final_learning_rate=1e-3, warmup=1)


def stage_two(**changes: object) -> ConditionalDenoiser:
    torch.manual_seed(0)
    recipe = load_recipe("tiny-debug")
    settings = {"image_loss_share": 1.0, "image_loss_steps": 2, "decoder_learning_rate": 0.5, **changes}
    recipe = replace(recipe, stage2=replace(recipe.stage2, optimisation=PLAN, **settings))
    assert recipe.fault() is None
    model = make_pipeline(lrgb_space="srgb")
    return ConditionalDenoiser(recipe, model.vae, (model.unet, model.context), model.scheduler, None)


@pytest.fixture
def data(photo_folder: Path) -> tuple[PhotoPairs, PhotoPairs]:
    settings = SynthesisSettings()
    return PhotoPairs(photo_folder, settings, 32), PhotoPairs(photo_folder, settings, 32, split="validation")


def weights(module: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {name: parameter.detach().clone() for name, parameter in module.named_parameters()}


def test_decoder_and_denoiser_learn_and_the_encoder_does_not(data, tmp_path) -> None:
    stage = stage_two()
    before = weights(stage.vae) | {f"unet.{k}": v for k, v in weights(stage.unet).items()}
    loop.train(stage, *data, RunSettings(tmp_path, workers=0, device="cpu"), lambda *_: None)
    after = weights(stage.vae) | {f"unet.{k}": v for k, v in weights(stage.unet).items()}
    same = {name for name in before if torch.equal(before[name], after[name])}
    encoder = {name for name in before if name.startswith(("encoder.", "quant_conv."))}
    assert same >= encoder
    assert not {name for name in same - encoder if name.endswith("conv_out.weight") or name.startswith("residual")}
    rates = {group["name"]: group["factor"] for group in stage.parameter_groups(MODEL)}
    assert rates["decoder"] == 0.5


def test_the_picture_teaches_the_denoiser(data) -> None:
    stage = stage_two()
    pair = data[1][0]
    pair = replace(pair, **{key: getattr(pair, key)[None] for key in ("noisy", "clean", "reference")})
    grads = []
    for weight in (1.0, 100.0):
        stage.settings = replace(stage.settings, image_loss_weight=weight)
        loss, numbers = stage.loss(MODEL, pair, Draws(0, 0, torch.device("cpu")))
        grads.append(torch.autograd.grad(loss, stage.unet.conv_out.weight)[0])
    assert numbers["image"] > 0
    assert not torch.allclose(grads[0], grads[1])  # the latent loss alone would be the same


def test_a_decoder_that_not_every_image_tells_is_refused() -> None:
    recipe = load_recipe("tiny-debug")
    wrong = replace(recipe, stage2=replace(recipe.stage2, decoder_learning_rate=1.0, image_loss_share=0.5))
    assert "image_loss_share: 1" in (wrong.fault() or "")
    assert "expected_error" in (replace(recipe, lrgb_space="camera", stage1=replace(recipe.stage1, colour_anchor=False),
                                        stage2=replace(recipe.stage2, expected_error=0.03)).fault() or "")  # fmt: skip
