"""Stage 1 holds its latents at those of the autoencoder that it began with, where a recipe asks for it."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from torch import Tensor

from darkdiff_cli.datasets import PhotoPairs, SynthesisSettings
from darkdiff_cli.training.loop.checkpoints import newest_checkpoint
from darkdiff_cli.training.loop.machine import RunSettings
from darkdiff_cli.training.loop.train import train
from darkdiff_cli.training.recipe.optimisation import Optimisation
from darkdiff_cli.training.recipe.stage_settings import PictureLoss, Stage1
from darkdiff_cli.training.stages.stage import MODEL
from darkdiff_cli.training.stages.stage1 import ResidualAutoencoder
from darkdiff_models import Encoding, ResidualAutoencoderKL
from darkdiff_models.finishing import Finishing
from tests.conftest import make_pipeline
from tests.train.given import Given, pair_of

PLAN = Optimisation(steps=4, batch_size=2, crop=32, learning_rate=0.02, final_learning_rate=0.02, warmup=1)
CLEAN = {0.25: [True, False, True, False]}


def stage_one(plan: Optimisation = PLAN, **changes: object) -> ResidualAutoencoder:
    settings = Stage1(plan, PictureLoss(lpips=0.0), kl_weight=30.0, **changes)
    return ResidualAutoencoder(settings, Finishing(), make_pipeline().vae, None)


def moved(stage: ResidualAutoencoder) -> ResidualAutoencoder:
    """The stage with an autoencoder that has learnt something."""
    with torch.no_grad():
        stage.vae.quant_conv.bias += 0.3
        stage.vae.encoder.conv_in.weight *= 1.1
    return stage


def distance(vae: ResidualAutoencoderKL, pair_clean: Tensor) -> Tensor:
    """From the latents that the autoencoder had at the start, in units of the denoiser: a scale of 0.5."""
    with torch.no_grad():
        before = make_pipeline().vae.encode(pair_clean).posterior.mean * 0.5
    return (vae.encode(pair_clean).posterior.mean * 0.5 - before).square().mean()


def run(stage: ResidualAutoencoder, photos: Path, output: Path, resume: bool = False) -> list[dict[str, float]]:
    """Train; what was told of each step."""
    told: list[dict[str, float]] = []

    def report(what: str, _step: int, _total: int, numbers: dict[str, float]) -> None:
        if what == "step":
            told.append({key: value for key, value in numbers.items() if key != "images_per_second"})

    sets = [PhotoPairs(photos, SynthesisSettings(), 32, split=split) for split in ("train", "validation")]
    machine = RunSettings(output, workers=0, device="cpu", precision="fp32", check_every=2, resume=resume)
    train(stage, *sets, machine, report)
    return told


@pytest.fixture
def encoded(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[ResidualAutoencoderKL]]:
    """Which autoencoder encoded, call by call."""
    calls: list[ResidualAutoencoderKL] = []
    honest = ResidualAutoencoderKL.encode

    def watched(self: ResidualAutoencoderKL, lrgb: Tensor) -> Encoding:
        calls.append(self)
        return honest(self, lrgb)

    monkeypatch.setattr(ResidualAutoencoderKL, "encode", watched)
    return calls


@pytest.mark.parametrize("share", [0.0, 0.25])
def test_without_a_hold_nothing_is_added_copied_or_encoded(share: float, encoded: list) -> None:
    stage = moved(stage_one(clean_latents=share))
    loss, numbers = stage.loss(MODEL, pair_of(4), Given(chosen=CLEAN))
    assert torch.equal(loss, numbers["picture"] + 30.0 * numbers["kl"])
    assert numbers.keys() == {"picture", "kl"}
    assert stage.frozen == {}
    assert len(encoded) == (2 if share > 0 else 1)
    assert "moved" not in stage.health(pair_of(4), Given())


@pytest.mark.parametrize("share", [0.0, 0.25])
def test_a_hold_adds_the_distance_of_the_clean_latents(share: float, encoded: list) -> None:
    free, held = (moved(stage_one(clean_latents=share, hold=hold)) for hold in (0.0, 7.0))
    without, _ = free.loss(MODEL, pair_of(4), Given(chosen=CLEAN))
    encoded.clear()
    loss, numbers = held.loss(MODEL, pair_of(4), Given(chosen=CLEAN))
    assert [vae is held.vae for vae in encoded] == [True, True, False]  # noisy, clean; the base's clean
    expected = distance(held.vae, pair_of(4).clean)
    assert expected > 0.01
    assert numbers["hold"] == pytest.approx(expected.item(), rel=1e-5)
    assert loss.item() == pytest.approx((without + 7.0 * expected).item(), rel=1e-5)


def test_the_hold_pulls_the_encoder_back() -> None:
    """Its gradient is that of the distance, and what it compares with has none."""
    free, held = (moved(stage_one(hold=hold)) for hold in (0.0, 7.0))
    gradients = []
    for stage in (free, held):
        stage.loss(MODEL, pair_of(4), Given())[0].backward()
        gradients.append(stage.vae.quant_conv.bias.grad)
    pull = torch.autograd.grad(distance(held.vae, pair_of(4).clean), held.vae.quant_conv.bias)[0]
    assert pull.abs().max() > 0.01
    assert torch.allclose(gradients[1] - gradients[0], 7.0 * pull, atol=1e-5)
    assert held.base is not None
    assert all(parameter.grad is None for parameter in held.base.parameters())


def test_a_health_check_says_how_far_the_latents_have_moved() -> None:
    stage = stage_one(hold=7.0)
    with torch.no_grad():
        assert stage.health(pair_of(4), Given())["moved"] == 0
        moved(stage)
        found = stage.health(pair_of(4), Given())["moved"]
        assert found == pytest.approx(float(distance(stage.vae, pair_of(4).clean)), rel=1e-5)


def test_held_latents_move_less_and_the_base_stays_as_it_was(photo_folder: Path, tmp_path: Path) -> None:
    plan = replace(PLAN, steps=12, learning_rate=0.01, final_learning_rate=1e-4)  # ends where it is held, not beyond
    free, held = stage_one(plan), stage_one(plan, hold=100.0)
    far = []
    for stage in (free, held):
        run(stage, photo_folder, tmp_path / str(stage.settings.hold))
        with torch.no_grad():
            far.append(float(distance(stage.vae, pair_of(4).clean)))
    assert far[1] < far[0] / 2
    start = make_pipeline().vae.state_dict()
    assert held.base is not None
    assert all(torch.equal(start[key], value) for key, value in held.base.state_dict().items())
    assert len(held.base.state_dict()) > 20


def test_a_checkpoint_holds_what_trains_alone_and_resumes_exactly(photo_folder: Path, tmp_path: Path) -> None:
    straight, first = stage_one(hold=5.0), stage_one(replace(PLAN, steps=2), hold=5.0)
    told = run(straight, photo_folder, tmp_path / "straight")
    begun = run(first, photo_folder, tmp_path / "cut")
    newest = newest_checkpoint(tmp_path / "cut" / "stage1" / "checkpoints")
    assert newest is not None
    with safe_open(str(newest), "pt") as file:
        trained = {key.removeprefix("module/") for key in file.keys() if key.startswith("module/")}  # noqa: SIM118
    assert trained == {f"vae/{key}" for key in first.vae.state_dict()}
    resumed = stage_one(hold=5.0)
    assert begun + run(resumed, photo_folder, tmp_path / "cut", resume=True) == told
    assert all(torch.equal(a, b) for a, b in zip(resumed.vae.parameters(), straight.vae.parameters(), strict=True))
    assert told[0]["hold"] == 0
    assert told[-1]["hold"] > 0
