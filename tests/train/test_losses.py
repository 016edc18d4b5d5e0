"""The picture loss sees its pictures from every place of the decoder's period."""

import pytest
import torch

from darkdiff_cli.training.loop.draws import Draws
from darkdiff_cli.training.recipe.stage_settings import PictureLoss
from darkdiff_cli.training.stages.losses import PERIOD, _slanted, picture_loss
from darkdiff_models.learning.lpips import LPIPS


@pytest.fixture
def lpips() -> LPIPS:
    network = LPIPS("alex")
    for head in network.heads:
        torch.nn.init.ones_(head)
    return network


def test_the_perceptual_network_judges_from_every_place_of_a_latent_in_turn(lpips: LPIPS) -> None:
    picture, reference = torch.rand(2, 3, 48, 52), torch.rand(2, 3, 48, 52)
    difference = (picture - reference).abs().mean(dim=(1, 2, 3))
    places = [(..., slice(down, down + 41), slice(right, right + 45)) for right in range(8) for down in range(8)]
    turns = [Draws(0, step, torch.device("cpu")).place(PERIOD) for step in range(65)]
    losses = torch.stack([picture_loss(picture, reference, lpips, PictureLoss(lpips=0.5), turn) for turn in turns])
    expected = torch.stack([difference + 0.5 * lpips(picture[place], reference[place]) for place in places])
    assert torch.allclose(losses[:64], expected, atol=1e-5)
    assert torch.equal(losses[64], losses[0])
    assert len(losses[:64, 0].unique()) == 64


def test_the_loss_on_blocks_sees_their_means_alone() -> None:
    reference = torch.full((2, 3, 32, 48), 0.5)
    fine, broad = reference.clone(), reference.clone()
    fine[..., ::2] += 0.1
    fine[..., 1::2] -= 0.1
    broad[1] += 0.1
    plain, weighed = PictureLoss(lpips=0.0), PictureLoss(lpips=0.0, blocks=2.0)
    assert torch.allclose(picture_loss(fine, reference, None, weighed), picture_loss(fine, reference, None, plain))
    assert torch.allclose(picture_loss(broad, reference, None, weighed), torch.tensor([0.0, 0.3]), atol=1e-6)


def test_the_perceptual_network_sees_the_pictures_upright_and_turned(lpips: LPIPS) -> None:
    """By a quarter turn of a square, which can be written out: nothing is between pixels."""
    picture, reference = torch.rand(2, 3, 48, 48), torch.rand(2, 3, 48, 48)
    weights = PictureLoss(l1=0.0, lpips=1.0)
    for degrees, turns in ((0.0, 0), (90.0, 1)):
        seen = [torch.rot90(image, turns, (2, 3))[..., :41, :41] for image in (picture, reference)]
        loss = picture_loss(picture, reference, lpips, weights, slant=torch.tensor(degrees))
        assert torch.allclose(loss, lpips(*seen), rtol=1e-4)
    draws = [Draws(0, step, torch.device("cpu")) for step in range(256)]
    seen = {(float(draw.slant(64)) > 0, *draw.place(8).tolist()) for draw in draws}
    assert len(seen) == 2 * 64  # every place upright, and every place turned
    turned = torch.stack([draw.slant(64) for draw in draws if draw.slant(64) > 0])
    counts, _ = torch.histogram(turned, bins=8, range=(0.0, 90.0))
    assert len(turned) == 128
    assert counts.min() >= 14  # of 16: all angles alike


def test_a_turned_picture_that_is_not_square_keeps_its_shapes_in_mixed_precision() -> None:
    down, across = torch.meshgrid(torch.arange(80) - 39.5, torch.arange(120) - 59.5, indexing="ij")

    def disc(y: float, x: float) -> torch.Tensor:
        return torch.exp(-((down - y) ** 2 + (across - x) ** 2) / 20)[None, None]

    with torch.autocast("cpu", torch.bfloat16):
        turned = _slanted(disc(0.0, 25.0), torch.tensor(45.0))
    middle = (..., slice(10, 70), slice(30, 90))  # what is beyond the shorter side's circle is mirrored
    assert (turned - disc(-25 * 0.5**0.5, 25 * 0.5**0.5))[middle].abs().max() < 0.015
