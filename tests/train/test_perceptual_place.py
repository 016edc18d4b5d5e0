"""Every stage shows LPIPS its pictures from the place of the step, with the weight of its own loss."""

import pytest
import torch

from darkdiff_cli.training.recipe.optimisation import Optimisation
from darkdiff_cli.training.recipe.recipe import Recipe
from darkdiff_cli.training.recipe.recipe_file import load_recipe
from darkdiff_cli.training.recipe.stage_settings import ImageLoss, PictureLoss, Stage0, Stage1, Stage2
from darkdiff_cli.training.stages.losses import PERIOD, picture_loss
from darkdiff_cli.training.stages.stage import MODEL, Stage
from darkdiff_cli.training.stages.stage0 import PlainAutoencoder
from darkdiff_cli.training.stages.stage1 import ResidualAutoencoder
from darkdiff_cli.training.stages.stage2 import ConditionalDenoiser
from darkdiff_models.finishing import Finishing
from darkdiff_models.learning.lpips import LPIPS
from tests.conftest import make_pipeline
from tests.train.given import NOISE, Given, pair_of

PLAN = Optimisation(steps=1, batch_size=2, crop=48, learning_rate=1e-3, final_learning_rate=1e-3)
ZERO, TERM = PictureLoss(lpips=0.0), PictureLoss(l1=0.0, lpips=0.5)
STEP = 3 + 5 * PERIOD  # row 3, column 5


@pytest.fixture(scope="module")
def lpips() -> LPIPS:
    torch.manual_seed(0)
    network = LPIPS("alex")
    for head in network.heads:
        torch.nn.init.ones_(head)
    return network


def zero(lpips: LPIPS) -> tuple[Stage, object]:
    base = load_recipe("tiny-debug").stage0
    assert base is not None
    stage = PlainAutoencoder(Stage0(PLAN, PLAN, TERM, autoencoder_shape=base.autoencoder_shape), lpips)

    def show(pair):
        posterior = stage.vae.encode(2 * pair.clean - 1).latent_dist
        return (stage.vae.decode(posterior.mean + NOISE * posterior.std).sample + 1) / 2

    return stage, show


def one(lpips: LPIPS) -> tuple[Stage, object]:
    stage = ResidualAutoencoder(Stage1(PLAN, TERM), Finishing(), make_pipeline().vae, lpips)

    def show(pair):
        noisy = stage.vae.encode(pair.noisy)
        return stage.vae.decode((noisy.posterior.mean + NOISE * noisy.posterior.std) * 0.5, noisy)

    return stage, show


def two(lpips: LPIPS) -> tuple[Stage, object]:
    model = make_pipeline()
    image_loss = ImageLoss(l2=0.0, lpips=0.5, steps=1)
    recipe = Recipe("toy", Stage1(PLAN, ZERO), Stage2(PLAN, image_loss, autoencoder_learning_rate=1.0), base="toy")
    stage = ConditionalDenoiser(recipe, model.vae, (model.unet, model.context), model.scheduler, lpips)

    def show(pair):
        noisy = stage.vae.encode(pair.noisy)
        return stage.vae.decode(stage._sample(noisy.latents, torch.full_like(noisy.latents, NOISE)), noisy)

    return stage, show


@torch.no_grad()
@pytest.mark.parametrize("make", [zero, one, two])
def test_lpips_sees_the_pictures_from_the_place_of_the_step(make, lpips: LPIPS) -> None:
    stage, show = make(lpips)
    pair = pair_of(2, size=48)
    _, numbers = stage.loss(MODEL, pair, Given(STEP, [100, 700]))
    picture = show(pair)
    here, elsewhere = (
        picture_loss(picture, pair.reference, lpips, TERM, torch.tensor(place)).mean() for place in ([3, 5], [0, 0])
    )
    told = numbers["image"] if "image" in numbers else numbers["picture"]
    assert told == pytest.approx(float(here), rel=1e-4)
    assert abs(float(here) - float(elsewhere)) > 1e-3 * float(here)


def test_images_are_padded_to_what_the_networks_need() -> None:
    """The toy model: an autoencoder of factor 2, a U-Net that halves once."""
    assert (one(None)[0].multiple, two(None)[0].multiple) == (2, 4)
    base = load_recipe("tiny-debug")
    assert base.stage0 is not None
    assert zero(None)[0].multiple == 2
