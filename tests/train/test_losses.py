"""The picture loss sees its pictures from every place of the perceptual network's stride."""

import pytest
import torch

from darkdiff_cli.training.losses import STRIDE, picture_loss
from darkdiff_models.perceptual import LPIPS


@pytest.fixture
def lpips() -> LPIPS:
    network = LPIPS("alex")
    for head in network.heads:
        torch.nn.init.ones_(head)
    return network


def test_sixteen_steps_judge_from_sixteen_places(lpips: LPIPS) -> None:
    assert lpips.features["0"].stride[0] == STRIDE
    picture, reference = torch.rand(2, 3, 48, 52), torch.rand(2, 3, 48, 52)
    difference = (picture - reference).abs().mean(dim=(1, 2, 3))
    losses = torch.stack([picture_loss(picture, reference, lpips, 0.5, step) for step in range(17)])
    expected = torch.stack(
        [
            difference + 0.5 * lpips(picture[..., down:, right:], reference[..., down:, right:])
            for right in range(4)
            for down in range(4)
        ]
    )
    assert torch.allclose(losses[:16], expected, atol=1e-5)
    assert torch.equal(losses[16], losses[0])
    assert len(losses[:16, 0].unique()) == 16
