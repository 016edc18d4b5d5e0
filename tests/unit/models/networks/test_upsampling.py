import copy

import torch
from diffusers.models.upsampling import Upsample2D

from darkdiff_models.networks.upsampling import UpsampleConv


def test_it_is_nearest_neighbour_doubling_and_a_convolution_forwards_and_backwards() -> None:
    torch.manual_seed(0)
    stock = Upsample2D(6, use_conv=True)
    ours = UpsampleConv(copy.deepcopy(stock.conv))
    maps = [torch.randn(2, 6, 5, 7, requires_grad=True) for _ in range(2)]
    maps[1].data.copy_(maps[0].data)
    expected, made = stock(maps[0]), ours(maps[1])
    assert made.shape == (2, 6, 10, 14)
    assert torch.allclose(made, expected, atol=1e-5)
    weight = torch.randn_like(made)
    (expected * weight).sum().backward()
    (made * weight).sum().backward()
    assert torch.allclose(maps[1].grad, maps[0].grad, atol=1e-4)
    for name, parameter in stock.named_parameters():
        assert torch.allclose(ours.get_parameter(name).grad, parameter.grad, atol=1e-3), name
