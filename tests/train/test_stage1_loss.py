"""The loss of stage 1 written out by hand, image by image."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

from darkdiff_cli.training.recipe.optimisation import Optimisation
from darkdiff_cli.training.recipe.stage_settings import Adversary, PictureLoss, Stage1
from darkdiff_cli.training.stages.losses import score
from darkdiff_cli.training.stages.stage import MODEL
from darkdiff_cli.training.stages.stage1 import DISCRIMINATOR, ResidualAutoencoder
from darkdiff_models.finishing import Finishing
from tests.conftest import make_pipeline
from tests.train.given import NOISE, Given, kl, pair_of

PLAN = Optimisation(steps=1, batch_size=4, crop=32, learning_rate=1e-3, final_learning_rate=1e-3, warmup=1)
CLEAN, DROPPED = [True, False, True, False], [True, True, False, False]


def stage_one(**changes: object) -> ResidualAutoencoder:
    settings = Stage1(PLAN, PictureLoss(lpips=0.0), **changes)
    return ResidualAutoencoder(settings, Finishing(), make_pipeline().vae, None)


def by_hand(stage: ResidualAutoencoder, clean: list[bool], dropped: list[bool]) -> tuple[torch.Tensor, torch.Tensor]:
    """(batch, 3, h, w) pictures and the KL term: each image alone, with its own latents and taps."""
    pair, pictures, means, stds = pair_of(4), [], [], []
    for image, (tidy, bare) in enumerate(zip(clean, dropped, strict=True)):
        noisy = stage.vae.encode(pair.noisy[image : image + 1])
        posterior = stage.vae.encode(pair.clean[image : image + 1]).posterior if tidy else noisy.posterior
        latents = (posterior.mean + NOISE * posterior.std) * 0.5  # the toy model's scale
        taps = tuple(torch.zeros_like(feature) for feature in noisy.features) if bare else noisy.features
        pictures.append(stage.vae.decode(latents, replace(noisy, features=taps)))
        means.append(posterior.mean)
        stds.append(posterior.std)
    return torch.cat(pictures), kl(torch.cat(means), torch.cat(stds), 3 * 32 * 32)


@pytest.mark.parametrize("clean", [CLEAN, [False] * 4])
@pytest.mark.parametrize("dropped", [DROPPED, [False] * 4])
def test_chosen_images_take_clean_latents_and_chosen_ones_lose_their_taps(clean, dropped) -> None:
    stage = stage_one(clean_latents=0.25, drop_taps=0.125, kl_weight=30.0)
    with torch.no_grad():
        loss, numbers = stage.loss(MODEL, pair_of(4), Given(chosen={0.25: clean, 0.125: dropped}))
        pictures, divergence = by_hand(stage, clean, dropped)
        whole, _ = by_hand(stage, [False] * 4, [False] * 4)
    expected = (pictures - pair_of(4).reference).abs().mean()
    assert numbers["picture"] == pytest.approx(float(expected), rel=1e-5)
    assert numbers["kl"] == pytest.approx(float(divergence), rel=1e-5)
    assert loss == pytest.approx(float(expected + 30.0 * divergence), rel=1e-5)
    changed = (pictures - whole).abs().amax(dim=(1, 2, 3)) > 1e-3
    assert changed.tolist() == [one or other for one, other in zip(clean, dropped, strict=True)]


def test_without_shares_neither_is_drawn() -> None:
    """A share of 0 is asked for, whatever else a recipe says."""
    stage = stage_one()
    with torch.no_grad():
        _, numbers = stage.loss(MODEL, pair_of(4), Given(chosen={0.25: CLEAN, 0.125: DROPPED}))
        pictures, _ = by_hand(stage, [False] * 4, [False] * 4)
    assert numbers["picture"] == pytest.approx(float((pictures - pair_of(4).reference).abs().mean()), rel=1e-5)


def test_the_adversary_counts_by_both_its_weights() -> None:
    stage = stage_one(adversary=Adversary(start=0, weight=0.25), kl_weight=0.0)
    loss, numbers = stage.loss(MODEL, pair_of(4), Given())
    assert numbers["adaptive_weight"] > 0
    added = 0.25 * numbers["adaptive_weight"] * numbers["adversarial"]
    assert loss.item() == pytest.approx(float(numbers["picture"] + added), rel=1e-5)
    # The model is to be taken for real: what the discriminator says of its picture counts with a minus.
    assert stage.made is not None
    with torch.no_grad():
        verdict = float(stage.discriminator(stage.made).mean())
    assert numbers["adversarial"] == pytest.approx(-verdict, rel=1e-4)


def test_the_discriminator_is_shown_the_reference_as_real_and_the_picture_as_made() -> None:
    stage = stage_one(adversary=Adversary(start=0))
    stage.loss(MODEL, pair_of(4), Given())
    with torch.no_grad():
        picture, _ = by_hand(stage, [False] * 4, [False] * 4)
        real, made = stage.discriminator(pair_of(4).reference), stage.discriminator(picture)
        hinge, _ = stage.loss(DISCRIMINATOR, pair_of(4), Given())
    assert hinge == pytest.approx(float(F.relu(1 - real).mean() + F.relu(1 + made).mean()) / 2, rel=1e-4)


@torch.no_grad()
def test_a_health_check_zeroes_the_latents_and_takes_clean_ones() -> None:
    stage, pair = stage_one(), pair_of(4)
    noisy, clean = stage.vae.encode(pair.noisy), stage.vae.encode(pair.clean)
    scored = {
        name: score(stage.vae.decode(latents, noisy), pair.reference, None)["psnr"]
        for name, latents in (
            ("psnr", noisy.latents),
            ("zeroed_psnr", torch.zeros_like(noisy.latents)),
            ("ceiling_psnr", clean.latents),
        )
    }
    assert stage.health(pair, Given()) == pytest.approx(scored)
    assert len({round(value, 4) for value in scored.values()}) == 3


def test_the_taps_learn_at_their_own_rate() -> None:
    stage = stage_one(taps_learning_rate=3.0)
    taps = {id(parameter) for parameter in stage.vae.residual_convs.parameters()}
    groups = {group["name"]: group for group in stage.parameter_groups(MODEL)}
    assert {name: group["factor"] for name, group in groups.items()} == {"autoencoder": 1.0, "residual taps": 3.0}
    assert {id(parameter) for parameter in groups["residual taps"]["params"]} == taps
    others = {id(parameter) for parameter in stage.vae.parameters()} - taps
    assert {id(parameter) for parameter in groups["autoencoder"]["params"]} == others


def test_the_autoencoder_is_what_is_exported(tmp_path: Path) -> None:
    stage = stage_one()
    stage.export(tmp_path)
    again = type(stage.vae).from_pretrained(tmp_path / "vae")
    assert all(torch.equal(a, b) for a, b in zip(again.parameters(), stage.vae.parameters(), strict=True))
