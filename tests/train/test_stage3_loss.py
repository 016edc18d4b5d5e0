"""The loss of stage 3 written out by hand."""

from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from darkdiff_cli.datasets import PhotoPairs, SynthesisSettings, collate
from darkdiff_cli.datasets.scene import Form
from darkdiff_cli.errors import SettingsError
from darkdiff_cli.training.loop.draws import Draws
from darkdiff_cli.training.recipe.optimisation import Optimisation
from darkdiff_cli.training.recipe.stage_settings import PictureLoss, Stage3
from darkdiff_cli.training.stages.losses import PERIOD, picture_loss
from darkdiff_cli.training.stages.stage import MODEL
from darkdiff_cli.training.stages.stage3 import FullSizePicture
from darkdiff_models.detail import Detail
from darkdiff_models.detail.samples import enlarged, halved
from darkdiff_models.detail.tiled import full_picture
from darkdiff_models.learning.lpips import LPIPS
from tests.conftest import make_pipeline
from tests.train.given import NOISE, Given

PLAN = Optimisation(steps=1, batch_size=2, crop=48, learning_rate=1e-3, final_learning_rate=1e-3, warmup=1)
PLAN_64, QUADS = replace(PLAN, crop=64), SynthesisSettings(quad_share=0.5)
STEP = 70  # of the second round, in which LPIPS sees the pictures turned


def test_quad_bayer_is_first_made_at_the_size_of_its_squares(photo_folder: Path) -> None:
    """By the weights that training began with, whatever has been learnt since."""
    torch.manual_seed(0)
    detail = Detail((8, 16), (1, 1))
    for parameter in detail.parameters():
        torch.nn.init.normal_(parameter, std=0.016)
    folders = [
        PhotoPairs(photo_folder, SynthesisSettings(quad_share=share), 64, form=Form(full_size=True))
        for share in (0.0, 1.0)
    ]
    bayer, quad = (pairs[1] for pairs in folders)
    pipeline = make_pipeline()
    stage = FullSizePicture(Stage3(PLAN_64, PictureLoss(), data=QUADS), pipeline, detail, LPIPS("alex"))
    first = deepcopy(detail)
    for parameter in stage.detail.parameters():
        torch.nn.init.normal_(parameter, std=1.0)
    made = stage.half_size(collate([bayer, quad, bayer]), Given(STEP))
    noise = torch.full_like(pipeline.vae.encode(bayer.noisy[None]).latents, NOISE)
    assert made.shape == (3, 3, 64, 64)
    assert quad.full is not None
    joined = collate([quad]).full.samples.of_squares()  # type: ignore[union-attr]
    half = stage._networks(quad.noisy[None, :, ::2, ::2], noise[..., ::2, ::2])
    right = full_picture(first, half, joined).clamp(0, 1)
    torch.testing.assert_close(made[1], right[0], atol=1e-5, rtol=0)
    torch.testing.assert_close(made[0], stage._networks(bayer.noisy[None], noise)[0], atol=1e-5, rtol=0)
    torch.testing.assert_close(made[0], made[2])
    assert float((made[1] - enlarged(half)[0]).abs().max()) > 0.01


def test_pictures_do_not_depend_on_how_a_batch_is_shared(photo_folder: Path) -> None:
    """Nor on how many of the others in their part are of quad Bayer."""
    torch.manual_seed(0)
    detail = Detail((8, 16), (1, 1))
    torch.nn.init.normal_(detail.conv_out.weight, std=0.01)
    stage = FullSizePicture(Stage3(PLAN_64, PictureLoss(), data=QUADS), make_pipeline(), detail, None)
    quad, bayer = (
        PhotoPairs(photo_folder, SynthesisSettings(quad_share=share), 64, form=Form(full_size=True))[1]
        for share in (1.0, 0.0)
    )
    whole = stage.half_size(collate([quad, bayer]), Draws(0, STEP, torch.device("cpu")))
    for part, pair in enumerate((quad, bayer)):
        alone = stage.half_size(collate([pair]), Draws(0, STEP, torch.device("cpu"), part, 2))
        torch.testing.assert_close(alone[0], whole[part], atol=1e-5, rtol=0)


def test_quad_bayer_asks_for_a_model_of_full_size_and_for_a_larger_crop() -> None:
    detail, asked = Detail((8, 16), (1, 1)), Stage3(PLAN_64, PictureLoss(), data=QUADS)
    with pytest.raises(SettingsError, match="quad_share needs a model that makes full size already"):
        FullSizePicture(asked, make_pipeline(), detail, None)
    torch.nn.init.normal_(detail.conv_out.weight)
    with pytest.raises(SettingsError, match="with quad_share, crop and kept_crop must be multiples of 32"):
        FullSizePicture(Stage3(PLAN, PictureLoss(), data=QUADS), make_pipeline(), detail, None)
    assert FullSizePicture(asked, make_pipeline(), detail, None).makers == ("vae", "unet", "context", "first_detail")
    plain = FullSizePicture(Stage3(PLAN, PictureLoss()), make_pipeline(), detail, None)
    assert plain.makers == ("vae", "unet", "context")  # kept pairs do not depend on it


@pytest.mark.parametrize("share", [0.0, 0.5])
def test_half_size_pictures_are_made_in_reduced_precision_too(share: float, photo_folder: Path) -> None:
    """Without the finishing steps, which work in float32, the networks' picture is in the precision of theirs."""
    detail = Detail((8, 16), (1, 1))
    torch.nn.init.normal_(detail.conv_out.weight, std=0.01)
    data = SynthesisSettings(quad_share=share)
    stage = FullSizePicture(Stage3(PLAN_64, PictureLoss(), data=data), make_pipeline(), detail, None)
    pairs = PhotoPairs(photo_folder, data, 64, form=Form(full_size=True))
    with torch.autocast("cpu", torch.bfloat16):
        made = stage.half_size(collate([pairs[index] for index in range(4)]), Given(STEP))
    assert made.dtype == torch.float32


def test_the_picture_is_judged_at_both_sizes_alike(photo_folder: Path) -> None:
    lpips = LPIPS("alex")
    for head in lpips.heads:
        torch.nn.init.ones_(head)
    pairs = PhotoPairs(photo_folder, SynthesisSettings(), PLAN.crop, form=Form(full_size=True))
    pair = collate([pairs[0], pairs[1]])
    weights = PictureLoss(l1=0.5, l2=2.0, lpips=3.0)
    stage = FullSizePicture(Stage3(PLAN, weights, half_weight=0.25), make_pipeline(), Detail((8, 16), (1, 1)), lpips)
    with torch.no_grad():
        loss, readings = stage.loss(MODEL, pair, Given(STEP))
        made, look = stage._full(pair, Given(STEP)), (Given(STEP).place(PERIOD), Given(STEP).slant(PERIOD**2))
        assert pair.full is not None
        full = picture_loss(made, pair.full.truth, lpips, weights, *look).mean()
        half = picture_loss(halved(made), pair.reference, lpips, weights, *look).mean()
        upright = picture_loss(made, pair.full.truth, lpips, weights, look[0]).mean()
    assert abs(float(full - upright)) > 1e-3 * float(full)
    assert readings == {"picture": pytest.approx(float(full), rel=1e-5), "half": pytest.approx(float(half), rel=1e-5)}
    assert float(loss) == pytest.approx(float(full + 0.25 * half), rel=1e-5)
    assert float(half) > 1.2 * float((halved(made) - pair.reference).abs().mean())  # more than the difference counts
