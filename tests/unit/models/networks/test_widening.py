import pytest
import torch

from darkdiff_models import ResidualAutoencoderKL
from darkdiff_models.networks.widening import widened


def narrow(**changes: object) -> ResidualAutoencoderKL:
    """An autoencoder whose taps are at work, with a colour anchor and a latent scale of its own."""
    shape = {"block_out_channels": (8, 16, 32), "layers_per_block": 1, "norm_num_groups": 4, "scaling_factor": 0.3}
    model = ResidualAutoencoderKL(**{**shape, "mid_block_add_attention": False, **changes}).eval()
    for conv in model.residual_convs:
        torch.nn.init.normal_(conv.weight, std=0.1)
    return model


@torch.no_grad()
def picture(model: ResidualAutoencoderKL, lrgb: torch.Tensor) -> torch.Tensor:
    encoding = model.encode(lrgb)
    return model.decode(encoding.latents, encoding)


def test_twice_the_channels_in_twice_the_groups_are_the_same_autoencoder() -> None:
    old, lrgb = narrow(), torch.rand(2, 3, 32, 48)
    new = widened(old, (16, 32, 64), 8).eval()
    assert torch.allclose(new.encode(lrgb).latents, old.encode(lrgb).latents, atol=1e-4)
    assert torch.allclose(picture(new, lrgb), picture(old, lrgb), atol=1e-4)
    assert not torch.allclose(picture(old, lrgb), picture(narrow(), lrgb), atol=1e-2)


def test_some_levels_may_keep_their_width() -> None:
    new = widened(narrow(), (8, 16, 64), 4)
    assert new.config["block_out_channels"] == (8, 16, 64)
    assert new.encoder.down_blocks[0].resnets[0].conv1.weight.shape[:2] == (8, 8)
    assert new.encoder.down_blocks[2].resnets[0].conv1.weight.shape[:2] == (64, 16)


def test_everything_but_the_widths_stays() -> None:
    old = narrow()
    new = widened(old, (16, 32, 64), 8)
    changed = {key for key, value in old.config.items() if not key.startswith("_") and value != new.config[key]}
    assert changed == {"block_out_channels", "norm_num_groups"}


def test_the_old_weights_stay_and_new_channels_feed_no_old_one() -> None:
    old = narrow()
    new = widened(old, (16, 32, 64), 8)
    before, after = old.encoder.conv_in.weight, new.encoder.conv_in.weight
    assert torch.equal(after[:8], before)
    inner = new.decoder.mid_block.resnets[0].conv1.weight
    assert torch.equal(inner[:32, :32], old.decoder.mid_block.resnets[0].conv1.weight)
    assert not inner[:32, 32:].any()
    assert inner[32:].any()


def test_every_new_channel_learns() -> None:
    new = widened(narrow(), (16, 32, 64), 8)
    optimizer = torch.optim.Adam(new.parameters(), lr=1e-2)
    lrgb = torch.rand(2, 3, 16, 16)
    start = {name: p.detach().clone() for name, p in new.named_parameters()}
    for _ in range(2):  # the first step wakes what leads on from the new channels, the second the channels
        encoding = new.encode(lrgb)
        new.decode(encoding.latents, encoding).square().mean().backward()
        optimizer.step()
        optimizer.zero_grad()
    conv = "encoder.down_blocks.1.resnets.0.conv1.weight"
    assert (dict(new.named_parameters())[conv] != start[conv]).flatten(1).any(dim=1).all()


@pytest.mark.parametrize("channels", [(16, 32), (4, 32, 64), (16, 16, 32)])
def test_what_does_not_fit_is_refused(channels: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="cannot be widened"):
        widened(narrow(), channels, 4)


def test_attention_in_the_middle_keeps_its_width() -> None:
    old, lrgb = narrow(mid_block_add_attention=True), torch.rand(1, 3, 32, 32)
    with pytest.raises(ValueError, match="attention in the middle"):
        widened(old, (16, 32, 64), 8)
    same = widened(old, (8, 16, 32), 4).eval()
    assert torch.allclose(picture(same, lrgb), picture(old, lrgb), atol=1e-5)
