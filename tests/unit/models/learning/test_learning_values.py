"""The networks that only training needs, layer by layer as their papers write them."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from darkdiff_models.learning.discriminator import PatchDiscriminator, adaptive_weight
from darkdiff_models.learning.lpips import LPIPS
from darkdiff_models.learning.sid_unet import SidUNet


@torch.no_grad()
def test_the_discriminator_sees_pictures_from_minus_one_to_one() -> None:
    network, picture = PatchDiscriminator(width=4).eval(), torch.rand(1, 3, 64, 64)
    assert torch.equal(network(picture), network.layers(2 * picture - 1))
    kinds = [type(layer) for layer in network.layers]
    assert kinds == [nn.Conv2d, nn.LeakyReLU, *[nn.Conv2d, nn.BatchNorm2d, nn.LeakyReLU] * 3, nn.Conv2d]
    assert {layer.negative_slope for layer in network.layers if isinstance(layer, nn.LeakyReLU)} == {0.2}


def test_the_discriminator_starts_as_pix2pix() -> None:
    layers = PatchDiscriminator().layers
    for layer in layers:
        if isinstance(layer, nn.Conv2d):
            assert float(layer.weight.detach().std()) == pytest.approx(0.02, rel=0.05)
            assert abs(float(layer.weight.detach().mean())) < 2e-3
        elif isinstance(layer, nn.BatchNorm2d):
            assert float(layer.weight.detach().mean()) == pytest.approx(1.0, abs=0.01)
            assert float(layer.weight.detach().std()) == pytest.approx(0.02, rel=0.3)


@pytest.mark.parametrize(("pull", "weight"), [(0.5, 5 / 0.5001), (1e-4, 5 / 2e-4), (0.0, 1e4)])
def test_the_adaptive_weight_is_a_ratio_of_pulls_within_its_limit(pull: float, weight: float) -> None:
    last = torch.tensor([1.0, 2.0], requires_grad=True)
    picture, adversarial = (last * torch.tensor([3.0, 4.0])).sum(), (last * torch.tensor([0.0, pull])).sum()
    assert float(adaptive_weight(picture, adversarial, last)) == pytest.approx(min(weight, 1e4), rel=1e-4)


@torch.no_grad()
def test_see_in_the_darks_unet_layer_by_layer() -> None:
    network, planes = SidUNet(width=2).eval(), torch.rand(1, 4, 32, 48)

    def twice(pair: nn.Module, hidden: Tensor) -> Tensor:
        for conv in (pair.first, pair.second):
            hidden = F.leaky_relu(F.conv2d(hidden, conv.weight, conv.bias, padding=1), 0.2)
        return hidden

    skips = [twice(network.down[0], planes)]
    for pair in network.down[1:]:
        skips.append(twice(pair, F.max_pool2d(skips[-1], 2)))
    hidden = skips.pop()
    for grow, pair in zip(network.grow, network.up, strict=True):
        hidden = twice(pair, torch.cat([F.conv_transpose2d(hidden, grow.weight, grow.bias, 2), skips.pop()], dim=1))
    assert torch.allclose(network(planes), F.conv2d(hidden, network.last.weight, network.last.bias), atol=1e-6)


@torch.no_grad()
@pytest.mark.parametrize("kind", ["alex", "vgg"])
def test_lpips_is_the_weighted_difference_of_unit_features(kind: str) -> None:
    """Zhang et al. 2018, Eq. 1, with the layers of torchvision's networks spelled out."""
    network = LPIPS(kind)
    for head in network.heads:
        head.uniform_(0, 1)
    convolution = {int(number): conv for number, conv in network.features.items()}
    plan: list[list[object]] = {
        "alex": [[0], ["pool", 3], ["pool", 6], [8], [10]],
        "vgg": [[0, 2], ["pool", 5, 7], ["pool", 10, 12, 14], ["pool", 17, 19, 21], ["pool", 24, 26, 28]],
    }[kind]
    shift, scale = torch.tensor([-0.030, -0.088, -0.188]), torch.tensor([0.458, 0.448, 0.450])

    def features(picture: Tensor) -> list[Tensor]:
        hidden, found = (2 * picture - 1 - shift.view(1, 3, 1, 1)) / scale.view(1, 3, 1, 1), []
        for stage in plan:
            for layer in stage:
                if layer == "pool":
                    hidden = F.max_pool2d(hidden, 3 if kind == "alex" else 2, 2)
                else:
                    hidden = convolution[layer](hidden).relu()
            found.append(F.normalize(hidden, dim=1))
        return found

    first, second = torch.rand(2, 2, 3, 40, 48)
    pairs = zip(features(first), features(second), network.heads, strict=True)
    expected = sum((head * (one - other) ** 2).sum(dim=1).mean(dim=(1, 2)) for one, other, head in pairs)
    assert torch.allclose(network(first, second), expected, rtol=1e-4)


def test_black_areas_have_no_features_and_finite_gradients() -> None:
    """Where no feature answers, nothing is divided by nothing."""
    network = LPIPS()
    for head in network.heads:
        nn.init.ones_(head)
    for conv in network.features.values():
        nn.init.constant_(conv.bias, -100.0)
    picture = torch.rand(1, 3, 40, 40, requires_grad=True)
    distance = network(picture, torch.rand(1, 3, 40, 40))
    distance.sum().backward()
    assert distance.item() == 0.0
    assert picture.grad is not None
    assert torch.isfinite(picture.grad).all()
