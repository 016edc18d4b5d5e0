import copy

import pytest
import torch
from diffusers.models.resnet import ResnetBlock2D
from torch import nn

from darkdiff_models.learning.fast_blocks import FastResnet, use_fast_blocks
from tests.conftest import make_pipeline


def gradients(block: nn.Module, x: torch.Tensor, temb: torch.Tensor | None) -> list[torch.Tensor]:
    x = x.clone().requires_grad_()
    y = block(x, temb)
    (y * torch.linspace(-1, 1, y.numel()).view_as(y)).sum().backward()
    return [y.detach(), x.grad, *(p.grad for p in block.parameters())]


@pytest.mark.parametrize("out_channels", [16, 24])
@pytest.mark.parametrize("time_dim", [None, 12])
def test_a_residual_block_is_diffusers_with_its_gradients(out_channels: int, time_dim: int | None) -> None:
    block = ResnetBlock2D(in_channels=16, out_channels=out_channels, temb_channels=time_dim, groups=4, eps=1e-6)
    quick = copy.deepcopy(block)
    use_fast_blocks(quick)
    assert type(quick) is FastResnet
    x, temb = torch.randn(2, 16, 9, 7), None if time_dim is None else torch.randn(2, time_dim)
    for theirs, ours in zip(gradients(block, x, temb), gradients(quick, x, temb), strict=True):
        assert theirs.abs().max() > 0
        assert torch.allclose(ours, theirs, rtol=1e-4, atol=1e-4)


def test_maps_stay_channels_last_on_their_way_through_a_shortcut() -> None:
    block = ResnetBlock2D(in_channels=16, out_channels=24, temb_channels=None, groups=4).train()
    use_fast_blocks(block.to(memory_format=torch.channels_last))
    seen: list[torch.Tensor] = []
    block.conv_shortcut.register_forward_pre_hook(lambda _module, inputs: seen.append(inputs[0]))
    block(torch.randn(1, 16, 8, 8).to(memory_format=torch.channels_last), None)
    assert seen[0].is_contiguous(memory_format=torch.channels_last)
    assert not seen[0].is_contiguous()


def test_a_quickened_network_keeps_its_names_and_its_pictures() -> None:
    vae = make_pipeline().vae
    names, lrgb = list(vae.state_dict()), torch.rand(1, 3, 32, 32)
    with torch.no_grad():
        before = vae.encode(lrgb).latents
        use_fast_blocks(vae)
        assert torch.equal(vae.encode(lrgb).latents, before)
    assert list(vae.state_dict()) == names
    assert not any(type(module) in (nn.GroupNorm, ResnetBlock2D) for module in vae.modules())
