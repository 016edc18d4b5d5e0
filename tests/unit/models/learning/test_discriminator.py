import pytest
import torch

from darkdiff_models.learning.discriminator import PatchDiscriminator, adaptive_weight, hinge_loss


def test_it_judges_patches_of_70_pixels() -> None:
    network = PatchDiscriminator(width=4).eval()
    picture = torch.rand(1, 3, 256, 256, requires_grad=True)
    logits = network(picture)
    assert logits.shape == (1, 1, 30, 30)
    logits[0, 0, 15, 15].backward()
    rows = picture.grad.abs().sum((0, 1, 3)).nonzero()
    assert int(rows.max() - rows.min()) + 1 == 70


def test_parameter_count_is_pix2pix() -> None:
    conditional = PatchDiscriminator(in_channels=6)  # pix2pix shows it input and output: 2.769 million
    assert sum(p.numel() for p in conditional.parameters()) == 2_768_705


def test_hinge_loss_stops_where_the_verdict_is_clear() -> None:
    assert hinge_loss(torch.tensor([2.0]), torch.tensor([-2.0])) == 0
    assert hinge_loss(torch.tensor([0.0]), torch.tensor([0.5])) == pytest.approx(0.5 * (1.0 + 1.5))


def test_adaptive_weight_balances_the_pulls_on_the_last_layer() -> None:
    last = torch.tensor([1.0, 2.0], requires_grad=True)
    picture, adversarial = (last * torch.tensor([3.0, 4.0])).sum(), (last * torch.tensor([0.0, 0.5])).sum()
    weight = adaptive_weight(picture, adversarial, last)
    assert weight == pytest.approx(10.0, rel=1e-3)
    assert not weight.requires_grad


def test_it_learns_to_tell_two_pictures_apart() -> None:
    torch.manual_seed(0)
    network = PatchDiscriminator(width=8, layers=2)
    optimizer = torch.optim.Adam(network.parameters(), lr=2e-3)
    real, made = torch.rand(4, 3, 32, 32), torch.rand(4, 3, 32, 32) * 0.1 + 0.5
    first = hinge_loss(network(real), network(made)).item()
    for _ in range(30):
        optimizer.zero_grad()
        hinge_loss(network(real), network(made)).backward()
        optimizer.step()
    assert hinge_loss(network(real), network(made)).item() < 0.2 * first
