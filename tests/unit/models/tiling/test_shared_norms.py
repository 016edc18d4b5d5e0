import pytest
import torch
from torch import nn

from darkdiff_models.networks.autoencoder import ResidualAutoencoderKL
from darkdiff_models.tiling.planner import Plan
from darkdiff_models.tiling.shared_norms import SharedNorm, SharedNorms, pooled_statistics
from darkdiff_models.tiling.tiled import TiledAutoencoder
from darkdiff_models.tiling.tiles import Tiles
from tests.conftest import make_pipeline


def random_norm(groups: int, channels: int) -> nn.GroupNorm:
    norm = nn.GroupNorm(groups, channels)
    nn.init.normal_(norm.weight)
    nn.init.normal_(norm.bias)
    return norm


@pytest.mark.parametrize("shape", [(1, 16, 9, 7), (1, 16, 50)])
def test_the_statistics_of_one_image_are_the_norms_own(shape: tuple[int, ...]) -> None:
    norm, image = random_norm(4, 16), torch.randn(shape) * 3 + 1
    shared = SharedNorm(norm)
    shared.statistics = pooled_statistics(image, 4)
    assert torch.allclose(shared(image), norm(image), atol=1e-5)


def test_a_batch_is_pooled_as_one_image() -> None:
    norm, batch = random_norm(2, 4), torch.randn(3, 4, 5, 5)
    one_image = batch.permute(1, 0, 2, 3).reshape(1, 4, 15, 5)
    shared = SharedNorm(norm)
    shared.statistics = pooled_statistics(batch, 2)
    assert torch.allclose(shared(batch).permute(1, 0, 2, 3).reshape(1, 4, 15, 5), norm(one_image), atol=1e-5)


def test_the_first_batch_rules_until_the_context_ends_and_when_it_begins_again() -> None:
    network, first, second = nn.Sequential(random_norm(2, 4)), torch.randn(1, 4, 8, 8), torch.randn(1, 4, 8, 8) * 5 + 2
    norm, own, names = network[0], network(second), list(network.state_dict())
    norms = SharedNorms(network)
    with norms:
        network(first)
        ruled = network(second)
    mean, variance = pooled_statistics(first[..., 2:6, 2:6], 2)  # borders do not count
    scale = norm.weight / (variance + norm.eps).sqrt()
    expected = (second - mean.view(-1, 1, 1)) * scale.view(-1, 1, 1) + norm.bias.view(-1, 1, 1)
    assert torch.allclose(ruled, expected, atol=1e-5)
    assert (ruled - own).abs().max() > 1
    assert network[0] is norm
    assert list(network.state_dict()) == names
    with norms:
        assert torch.equal(network(second), ruled)


def test_half_precision_is_normalised_as_single_is() -> None:
    norm, image = random_norm(4, 16), torch.randn(1, 16, 8, 8) * 3 + 1
    shared = SharedNorm(norm)
    single, half = shared(image), shared(image.bfloat16())
    assert half.dtype == torch.bfloat16
    assert torch.allclose(half.float(), single, atol=0.02, rtol=0.02)


@torch.no_grad()
def test_a_network_with_attention_in_the_middle_is_tiled() -> None:
    """Stable Diffusion's autoencoder is one, and its attention norms tokens instead of images."""
    torch.manual_seed(0)
    vae = ResidualAutoencoderKL(block_out_channels=(8, 16), layers_per_block=1, norm_num_groups=4)
    lrgb = torch.rand(1, 3, 96, 128)
    autoencoder = TiledAutoencoder(vae, lrgb, Plan(Tiles.cover(96, 128, 64, 32, vae.factor), 1))
    tiled = autoencoder.decode(autoencoder.encode())
    with autoencoder.norms:
        encoding = vae.encode(lrgb)
        whole = vae.decode(encoding.latents, encoding)
    difference = (tiled - whole).abs().mean()
    assert len(autoencoder.tiles.corners) > 1
    assert 0 < difference < 0.1 * whole.std()  # not less: attention sees its tile alone


@torch.no_grad()
def test_a_flat_tile_beside_a_busy_one_is_not_lifted() -> None:
    """A sky in a tile of its own must look as it does beside the city: same noise, same level."""
    vae, generator = make_pipeline().vae, torch.Generator().manual_seed(0)
    lrgb = torch.full((1, 3, 64, 256), 0.6) + 0.01 * torch.randn(1, 3, 64, 256, generator=generator)
    lrgb[..., 128:] = torch.rand(1, 3, 64, 128, generator=generator)
    tiles = Tiles.cover(64, 256, 64, 16, vae.factor)
    assert len(tiles.corners) > 3
    autoencoder = TiledAutoencoder(vae, lrgb, Plan(tiles, 1))
    tiled = autoencoder.decode(autoencoder.encode())
    encoding = vae.encode(lrgb)
    whole = vae.decode(encoding.latents, encoding)
    sky_tiled, sky_whole = tiled[..., 16:96], whole[..., 16:96]
    alone = vae.encode(lrgb[..., :64])
    lifted = vae.decode(alone.latents, alone)[..., 16:48]
    assert abs(lifted.std() / sky_whole.std() - 1) > 0.5  # the fault is there to be seen without shared norms
    assert abs(sky_tiled.std() / sky_whole.std() - 1) < 0.1
    assert (sky_tiled.mean() - sky_whole.mean()).abs() < 0.1 * whole.std()
