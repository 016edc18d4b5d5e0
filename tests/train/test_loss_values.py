"""Losses, scores and draws worked out by hand."""

import math

import pytest
import torch

from darkdiff_cli.training.loop.draws import Draws
from darkdiff_cli.training.recipe.stage_settings import PictureLoss
from darkdiff_cli.training.stages.losses import kl_loss, picture_loss, score, viewable

CPU = torch.device("cpu")


def flat(level: float, size: int = 8, channels: int = 3) -> torch.Tensor:
    return torch.full((1, channels, size, size), level)


def test_kl_is_summed_over_the_latents_and_shared_among_the_pictures_values() -> None:
    """Of N(1, 2^2): (1 + 4 - 1) / 2 - log 2 for each of 64 latents; 192 values of the picture."""
    mean, std = torch.ones(2, 4, 4, 4), torch.full((2, 4, 4, 4), 2.0)
    mean[1], std[1] = 0.0, 1.0  # of the second image: nothing
    expected = 64 * (2 - math.log(2)) / 192 / 2
    assert kl_loss(mean, std, torch.zeros(2, 3, 8, 8)) == pytest.approx(expected, rel=1e-6)


def test_psnr_is_a_mean_over_images_of_what_a_display_shows() -> None:
    reference = torch.cat([flat(0.5), flat(0.5)])
    assert score(torch.cat([flat(0.6), flat(0.51)]), reference, None)["psnr"] == pytest.approx(30.0, abs=1e-3)
    assert score(flat(1.7), flat(1.0), None) == {"psnr": pytest.approx(100.0)}
    assert score(flat(-0.4), flat(0.0), None) == {"psnr": pytest.approx(100.0)}


def test_bayer_planes_are_viewed_as_red_mean_green_and_blue() -> None:
    planes = torch.tensor([0.1, 0.2, 0.4, 0.8]).view(1, 4, 1, 1).expand(1, 4, 2, 2)
    assert viewable(planes)[0, :, 1, 1].tolist() == pytest.approx([0.1, 0.3, 0.8])
    assert viewable(planes[:, :3]) is not None
    assert torch.equal(viewable(planes[:, :3]), planes[:, :3])


@pytest.mark.parametrize(("period", "seen"), [(16, True), (8, False)])
def test_blocks_are_16_pixels_wide(period: int, seen: bool) -> None:
    """Stripes of +-0.1, each `period` pixels wide."""
    stripes = 0.1 * (1 - 2 * (torch.arange(64) // period % 2)).float().expand(1, 3, 64, 64)
    loss = picture_loss(0.5 + stripes, flat(0.5, 64), None, PictureLoss(lpips=0.0, blocks=3.0))
    assert loss.item() == pytest.approx(0.1 + 0.3 * seen, abs=1e-6)


def test_the_rest_beside_whole_blocks_counts_as_a_block() -> None:
    """24 pixels: one whole block and half a one along each side; the half ones are off."""
    picture = flat(0.5, 24)
    picture[..., 16:] += 0.1
    loss = picture_loss(picture, flat(0.5, 24), None, PictureLoss(lpips=0.0, blocks=1.0))
    assert loss.item() == pytest.approx(0.1 / 3 + 0.1 / 2, abs=1e-6)


def test_every_term_of_a_picture_loss_has_its_weight_and_every_image_its_own_loss() -> None:
    picture, reference = torch.cat([flat(0.7, 16), flat(0.4, 16)]), torch.cat([flat(0.5, 16), flat(0.5, 16)])
    for weights, expected in (
        (PictureLoss(l1=3.0, l2=0.0, lpips=0.0), [0.6, 0.3]),
        (PictureLoss(l1=0.0, l2=3.0, lpips=0.0), [0.12, 0.03]),
        (PictureLoss(l1=1.0, l2=2.0, lpips=0.0, blocks=4.0), [0.2 + 0.08 + 0.8, 0.1 + 0.02 + 0.4]),
        (PictureLoss(l1=0.0, l2=0.0, lpips=0.0), [0.0, 0.0]),
    ):
        assert picture_loss(picture, reference, None, weights).tolist() == pytest.approx(expected, abs=1e-5)


def test_timesteps_are_spread_evenly_from_another_start_in_another_order_each_step() -> None:
    drawn = [Draws(0, step, CPU).timesteps(8, 1000) for step in range(40)]
    for timesteps in drawn:
        gaps = timesteps.sort().values.diff()
        assert set(gaps.tolist()) <= {125}
        assert 0 <= timesteps.min() < 125
    assert len({int(timesteps.min()) for timesteps in drawn}) > 20
    assert len({tuple(timesteps.argsort().tolist()) for timesteps in drawn}) > 30


def test_a_share_of_the_images_is_chosen() -> None:
    assert Draws(0, 1, CPU).chosen(20_000, 0.2).float().mean() == pytest.approx(0.2, abs=0.01)
    assert not Draws(0, 1, CPU).chosen(1000, 0.0).any()
    assert Draws(0, 1, CPU).chosen(1000, 1.0).all()


def test_seeds_and_steps_draw_other_numbers() -> None:
    drawn = [Draws(seed, step, CPU).normal_like(torch.zeros(3)) for seed, step in ((0, 0), (0, 1), (1, 0), (1, 1))]
    assert len({tuple(numbers.tolist()) for numbers in drawn}) == 4
