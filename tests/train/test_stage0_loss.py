"""The losses of stage 0 written out by hand."""

from dataclasses import replace

import pytest
import torch

from darkdiff_cli.training.recipe.recipe_file import load_recipe
from darkdiff_cli.training.stages.losses import score
from darkdiff_cli.training.stages.stage import MODEL
from darkdiff_cli.training.stages.stage0 import (
    PlainAutoencoder,
    PlainDenoiser,
    calibrate_scale,
    stock_autoencoder,
    stock_unet,
)
from tests.train.given import NOISE, Given, kl, pair_of

STAGE0 = load_recipe("tiny-debug").stage0
assert STAGE0 is not None
TIMESTEPS = [40, 120, 500, 800]


@torch.no_grad()
def test_the_autoencoder_learns_clean_pictures_from_clean_light_and_pays_its_kl() -> None:
    stage, pair = PlainAutoencoder(replace(STAGE0, kl_weight=30.0), None), pair_of(4)
    loss, numbers = stage.loss(MODEL, pair, Given())
    posterior = stage.vae.encode(2 * pair.clean - 1).latent_dist
    picture = (stage.vae.decode(posterior.mean + NOISE * posterior.std).sample + 1) / 2
    divergence = kl(posterior.mean, posterior.std, 3 * 32 * 32)
    assert numbers["picture"] == pytest.approx(float((picture - pair.reference).abs().mean()), rel=1e-5)
    assert loss == pytest.approx(float(numbers["picture"] + 30.0 * divergence), rel=1e-5)
    mean = (stage.vae.decode(posterior.mean).sample + 1) / 2
    assert stage.health(pair, Given()) == pytest.approx(score(mean, pair.reference, None))
    assert torch.allclose(stage.picture(pair, Given()), mean.clamp(0, 1))


@torch.no_grad()
@pytest.mark.parametrize("kind", ["epsilon", "v_prediction"])
def test_the_denoiser_learns_on_scaled_latents_under_its_prompt(kind: str) -> None:
    shape = replace(STAGE0.denoiser_shape, prediction_type=kind)
    vae, pair = stock_autoencoder(STAGE0.autoencoder_shape), pair_of(4)
    vae.register_to_config(scaling_factor=0.25)
    stage = PlainDenoiser(replace(STAGE0, denoiser_shape=shape), vae, seed=5)
    loss, _ = stage.loss(MODEL, pair, Given(0, TIMESTEPS))
    z_0 = vae.encode(2 * pair.clean - 1).latent_dist.mean * 0.25
    alpha_bar = stage.schedule.alphas_cumprod[TIMESTEPS].view(-1, 1, 1, 1)
    z_t = alpha_bar.sqrt() * z_0 + (1 - alpha_bar).sqrt() * NOISE
    prompt = torch.randn(stage.empty_prompt.shape, generator=torch.Generator().manual_seed(5))
    predicted = stage.unet(z_t, torch.tensor(TIMESTEPS), prompt.expand(4, -1, -1)).sample
    velocity = alpha_bar.sqrt() * NOISE - (1 - alpha_bar).sqrt() * z_0
    target = torch.full_like(z_0, NOISE) if kind == "epsilon" else velocity
    assert loss == pytest.approx(float((predicted - target).pow(2).mean()), rel=1e-5)


def test_the_scale_brings_latents_to_a_deviation_of_one() -> None:
    vae, pair = stock_autoencoder(STAGE0.autoencoder_shape), pair_of(4)
    scale = calibrate_scale(vae, pair)
    with torch.no_grad():
        latents = vae.encode(2 * pair.clean - 1).latent_dist.mean
    assert vae.config["scaling_factor"] == scale
    assert float((latents * scale).std()) == pytest.approx(1.0, rel=1e-5)
    assert float(latents.std()) != pytest.approx(1.0, rel=0.1)


def test_levels_attend_alike_on_both_sides() -> None:
    """Attention at the finer level alone: first on the way down, last on the way up."""
    unet = stock_unet(replace(STAGE0.denoiser_shape, attention_levels=(True, False)), 4)
    attending = [type(block).__name__.startswith("CrossAttn") for block in (*unet.down_blocks, *unet.up_blocks)]
    assert attending == [True, False, False, True]
    assert unet.config["use_linear_projection"]  # as Stable Diffusion 2, which the weight surgery expects
