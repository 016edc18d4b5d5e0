"""The loss of stage 2 written out by hand: Eq. 1, 8 and 9, image by image."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from darkdiff_cli.training.recipe.optimisation import Optimisation
from darkdiff_cli.training.recipe.recipe import Recipe
from darkdiff_cli.training.recipe.stage_settings import ImageLoss, PictureLoss, Stage1, Stage2
from darkdiff_cli.training.stages.losses import score
from darkdiff_cli.training.stages.stage import MODEL
from darkdiff_cli.training.stages.stage2 import ConditionalDenoiser
from darkdiff_models.networks.sampling import make_scheduler, sample
from tests.conftest import make_pipeline
from tests.train.given import NOISE, Given, kl, pair_of

PLAN = Optimisation(steps=1, batch_size=4, crop=32, learning_rate=1e-3, final_learning_rate=1e-3, warmup=1)
NULL, CLEAN = [False, True, False, False], [True, False, False, True]
TIMESTEPS = [40, 120, 500, 800]
SCALE = 0.5  # of the toy model's latents
L1 = PictureLoss(lpips=0.0)


def stage_two(image_loss: ImageLoss | None = None, **changes: object) -> ConditionalDenoiser:
    settings = Stage2(PLAN, image_loss or ImageLoss(), **{"null_share": 0.25, **changes})
    recipe = Recipe("toy", Stage1(PLAN, L1, kl_weight=7.0), settings, base="toy")
    model = make_pipeline()
    return ConditionalDenoiser(recipe, model.vae, (model.unet, model.context), model.scheduler, None)


def draws(step: int = 0) -> Given:
    return Given(step, TIMESTEPS, {0.25: NULL, 0.125: CLEAN})


def denoised(stage: ConditionalDenoiser, null: list[bool]) -> tuple[Tensor, Tensor, Tensor]:
    """Errors of the predicted velocity, guesses of z_0, and alpha_bar, one an image."""
    pair, errors, guesses, kept = pair_of(4), [], [], []
    for image, timestep in enumerate(TIMESTEPS):
        z_0 = stage.vae.encode(pair.clean[image : image + 1]).posterior.mean * SCALE
        z_y = stage.vae.encode(pair.noisy[image : image + 1]).posterior.mean * SCALE
        condition = torch.full_like(z_y, NOISE) if null[image] else z_y
        alpha_bar = stage.schedule.alphas_cumprod[timestep]
        z_t = alpha_bar.sqrt() * z_0 + (1 - alpha_bar).sqrt() * NOISE
        v = stage.unet(z_t, torch.tensor([timestep]), stage.unet.prepare(stage.context(condition)))
        errors.append((v - (alpha_bar.sqrt() * NOISE - (1 - alpha_bar).sqrt() * z_0)).pow(2).mean())
        guesses.append(alpha_bar.sqrt() * z_t - (1 - alpha_bar).sqrt() * v)
        kept.append(alpha_bar)
    return torch.stack(errors), torch.cat(guesses), torch.stack(kept)


def pictured(stage: ConditionalDenoiser, latents: Tensor) -> Tensor:
    """(4,) squared distances of the decoded latents, beside the noisy images' taps, from the references."""
    pair = pair_of(4)
    picture = stage.vae.decode(latents, stage.vae.encode(pair.noisy))
    return (picture - pair.reference).square().mean(dim=(1, 2, 3))


@torch.no_grad()
@pytest.mark.parametrize("null", [NULL, [False] * 4])
@pytest.mark.parametrize("time_weight", ["none", "alpha_bar"])
def test_the_image_loss_is_eq_9_weighted_by_alpha_bar_where_a_recipe_says_so(time_weight, null: list[bool]) -> None:
    """The mean over all images, of those with a null condition too."""
    stage = stage_two(ImageLoss(weight=0.75, time_weight=time_weight))
    loss, numbers = stage.loss(MODEL, pair_of(4), Given(0, TIMESTEPS, {0.25: null}))
    errors, guesses, alpha_bar = denoised(stage, null)
    weights = alpha_bar if time_weight == "alpha_bar" else torch.ones(4)
    image = (weights * pictured(stage, guesses)).mean()
    assert alpha_bar.max() / alpha_bar.min() > 5
    assert numbers["ldm"] == pytest.approx(float(errors.mean()), rel=1e-4)
    assert numbers["image"] == pytest.approx(float(image), rel=1e-4)
    assert loss == pytest.approx(float(errors.mean() + 0.75 * image), rel=1e-4)


@torch.no_grad()
def test_a_share_of_the_batch_is_decoded_each_image_against_its_own_reference() -> None:
    """Half of four images: the second and the fourth."""
    stage = stage_two(ImageLoss(share=0.5, time_weight="alpha_bar"))
    _, numbers = stage.loss(MODEL, pair_of(4), Given(0, TIMESTEPS))
    _, guesses, alpha_bar = denoised(stage, [False] * 4)
    image = (alpha_bar * pictured(stage, guesses))[[1, 3]].mean()
    assert numbers["image"] == pytest.approx(float(image), rel=1e-4)


@torch.no_grad()
@pytest.mark.parametrize("share", [0.3, 0.5, 1.0])
def test_parts_of_a_batch_have_the_losses_of_the_whole_in_the_mean(share: float) -> None:
    """With a share of 0.3 one image of four is decoded: the first part decodes none."""
    stage, pair = stage_two(ImageLoss(share=share, time_weight="alpha_bar")), pair_of(4)
    chosen = {0.25: NULL}
    _, whole = stage.loss(MODEL, pair, Given(0, TIMESTEPS, chosen))
    readings = []
    for part in (0, 1):
        images = slice(2 * part, 2 * part + 2)
        own = replace(pair, **{key: getattr(pair, key)[images] for key in ("noisy", "clean", "reference")})
        readings.append(stage.loss(MODEL, own, Given(0, TIMESTEPS, chosen, part, 2))[1])
    for key, value in whole.items():
        assert sum(float(numbers[key]) for numbers in readings) / 2 == pytest.approx(float(value), rel=1e-4)


@torch.no_grad()
@pytest.mark.parametrize(("share", "count"), [(0.3, 6), (0.1, 2), (0.7, 14), (1.0, 20)])
def test_shares_that_floats_cannot_hold_show_as_many_images_as_they_say(share: float, count: int) -> None:
    shown, total = stage_two(ImageLoss(share=share))._shown(20, draws())
    assert int(shown.sum()) == total == count


@torch.no_grad()
def test_without_an_image_loss_eq_1_is_alone() -> None:
    stage = stage_two(ImageLoss(weight=0.0))
    loss, numbers = stage.loss(MODEL, pair_of(4), draws())
    errors, _, _ = denoised(stage, NULL)
    assert set(numbers) == {"ldm"}
    assert loss == pytest.approx(float(errors.mean()), rel=1e-4)


@torch.no_grad()
@pytest.mark.parametrize("clean", [CLEAN, [False] * 4])
def test_a_learning_autoencoder_decodes_what_sampling_arrives_at_or_clean_latents_and_pays_its_kl(clean) -> None:
    stage = stage_two(ImageLoss(weight=0.75, steps=3), autoencoder_learning_rate=0.5, clean_latents=0.125)
    pair = pair_of(4)
    loss, numbers = stage.loss(MODEL, pair, Given(0, TIMESTEPS, {0.25: NULL, 0.125: clean}))
    noisy, tidy = stage.vae.encode(pair.noisy).posterior, stage.vae.encode(pair.clean).posterior
    condition = stage.unet.prepare(stage.context(noisy.mean * SCALE))
    scheduler, start = make_scheduler(dict(stage.schedule.config)), torch.full_like(noisy.mean, NOISE)
    latents = sample(lambda z, t: stage.unet(z, t, condition), start, scheduler, 3)
    for image, chosen in enumerate(clean):
        if chosen:
            latents[image] = (tidy.mean[image] + NOISE * tidy.std[image]) * SCALE
    image, (errors, _, _) = pictured(stage, latents).mean(), denoised(stage, NULL)
    divergence = kl(noisy.mean, noisy.std, 3 * 32 * 32)
    assert numbers["image"] == pytest.approx(float(image), rel=1e-4)
    assert numbers["kl"] == pytest.approx(float(divergence), rel=1e-4)
    assert loss == pytest.approx(float(errors.mean() + 0.75 * image + 7.0 * divergence), rel=1e-4)


def test_only_the_last_sampling_step_teaches() -> None:
    """The gradient of the image loss by the network's last bias is that of one more step from where the others led."""
    stage = stage_two(ImageLoss(steps=3, weight=1e6), autoencoder_learning_rate=0.5)
    stage.recipe = replace(stage.recipe, stage1=replace(stage.recipe.stage1, kl_weight=0.0))
    bias, pair = stage.unet.conv_out.bias, pair_of(4)
    loss, _ = stage.loss(MODEL, pair, Given(0, TIMESTEPS))
    [taught] = torch.autograd.grad(loss, bias)
    noisy = stage.vae.encode(pair.noisy)
    condition = stage.unet.prepare(stage.context(noisy.latents))
    start, scheduler = torch.full_like(noisy.latents, NOISE), make_scheduler(dict(stage.schedule.config))
    arrived = sample(lambda z, t: stage.unet(z, t, condition), start, scheduler, 3, learning_steps=1)
    picture = stage.vae.decode(arrived, noisy)
    [expected] = torch.autograd.grad((picture - pair.reference).square().mean() * 1e6, bias)
    assert torch.allclose(taught, expected, rtol=1e-3, atol=1.0)


@torch.no_grad()
@pytest.mark.parametrize(("learning_steps", "steps"), [(0, 5), (2, 2)])
def test_a_health_check_samples_shortly_beside_stage_1_and_clean_latents(learning_steps: int, steps: int) -> None:
    stage, pair = stage_two(ImageLoss(steps=learning_steps)), pair_of(4)
    noisy, clean = stage.vae.encode(pair.noisy), stage.vae.encode(pair.clean)
    condition = stage.unet.prepare(stage.context(noisy.latents))
    start, scheduler = torch.full_like(noisy.latents, NOISE), make_scheduler(dict(stage.schedule.config))
    sampled = sample(lambda z, t: stage.unet(z, t, condition), start, scheduler, steps)
    scored = {
        name: score(stage.vae.decode(latents, noisy), pair.reference, None)["psnr"]
        for name, latents in (("psnr", sampled), ("stage1_psnr", noisy.latents), ("ceiling_psnr", clean.latents))
    }
    assert stage.health(pair, draws()) == pytest.approx(scored, rel=1e-5)
    assert len({round(value, 4) for value in scored.values()}) == 3
    picture = stage.picture(pair, draws())
    assert torch.allclose(picture, stage.vae.decode(sampled, noisy).clamp(0, 1), atol=1e-5)
    assert 0 <= picture.min() < picture.max() <= 1
