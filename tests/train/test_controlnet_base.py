"""`controlnet_base`: what trains beside a ControlNet."""

import pytest
import torch

from darkdiff_cli.errors import SettingsError
from darkdiff_cli.training.cost import cost_of
from darkdiff_cli.training.recipe.optimisation import Optimisation
from darkdiff_cli.training.recipe.recipe import Recipe
from darkdiff_cli.training.recipe.stage_settings import ImageLoss, PictureLoss, Stage1, Stage2
from darkdiff_cli.training.stages.stage import MODEL
from darkdiff_cli.training.stages.stage2 import ConditionalDenoiser
from darkdiff_models import DarkDiffUNet
from darkdiff_models.networks.conditioning import LatentContext
from tests.conftest import UNET_SHAPE, make_pipeline
from tests.train.given import Given, pair_of

PLAN = Optimisation(steps=1, batch_size=4, crop=32, learning_rate=1e-3, final_learning_rate=1e-3, warmup=1)


def stage_two(base: str, conditioning: str = "controlnet") -> ConditionalDenoiser:
    settings = Stage2(PLAN, ImageLoss(), conditioning, controlnet_base=base)  # type: ignore[arg-type]
    recipe, model = Recipe("toy", Stage1(PLAN, PictureLoss(lpips=0.0)), settings, base="toy"), make_pipeline()
    networks = (model.unet, model.context)
    if conditioning == "controlnet":
        torch.manual_seed(1)
        networks = (DarkDiffUNet(conditioning="controlnet", **UNET_SHAPE), LatentContext())
    return ConditionalDenoiser(recipe, model.vae, networks, model.scheduler, None)


@pytest.mark.parametrize("base", ["trained", "locked"])
def test_one_step_moves_what_the_recipe_says(base: str) -> None:
    stage = stage_two(base)
    before = {name: value.clone() for name, value in stage.unet.named_parameters()}
    groups = stage.parameter_groups(MODEL)
    assert [group["name"] for group in groups] == (["new"] if base == "locked" else ["pre-trained", "new"])
    optimizer = torch.optim.Adam(groups, lr=1e-2)
    stage.loss(MODEL, pair_of(4), Given(0, [40, 120, 500, 800], {0.05: [False] * 4}))[0].backward()
    optimizer.step()
    moved = {name for name, value in stage.unet.named_parameters() if not torch.equal(value, before[name])}
    assert {name for name in moved if name.startswith("control.zero_convs.")}  # the only ones with a gradient at first
    own = {name for name in moved if not name.startswith("control.")}
    assert bool(own) == (base == "trained")
    assert ("conv_out.weight" in own) == (base == "trained")


def test_a_locked_base_costs_no_gradients_nor_moments() -> None:
    trained, locked = (cost_of(stage_two(base), (3, 3)) for base in ("trained", "locked"))
    base = trained.trained - locked.trained
    assert base == sum(
        p.numel() for n, p in stage_two("locked").unet.named_parameters() if not n.startswith("control.")
    )
    assert locked.frozen == trained.frozen + base
    assert trained.state_bytes - locked.state_bytes == 4 * 3 * base  # a gradient and Adam's two moments
    assert trained.checkpoint_bytes - locked.checkpoint_bytes == 4 * 2 * base
    assert locked.step_flops < trained.step_flops


def test_a_model_without_a_controlnet_cannot_be_locked() -> None:
    with pytest.raises(SettingsError, match="needs a model with a ControlNet"):
        stage_two("locked", "region")
