import torch
from torch import nn

from darkdiff_models.norms import SharedNorms, pooled_affine
from darkdiff_models.tiles import Tiles
from darkdiff_models.tiling import TiledAutoencoder
from tests.conftest import make_pipeline


def test_one_image_is_normalised_as_by_the_norm_itself() -> None:
    norm, image = nn.GroupNorm(4, 16), torch.randn(1, 16, 9, 7) * 3 + 1
    nn.init.normal_(norm.weight)
    nn.init.normal_(norm.bias)
    scale, shift = pooled_affine(norm, image)
    assert torch.allclose(image * scale + shift, norm(image), atol=1e-5)


def test_a_batch_is_pooled_as_one_image() -> None:
    norm, batch = nn.GroupNorm(2, 4), torch.randn(3, 4, 5, 5)
    one_image = batch.permute(1, 0, 2, 3).reshape(1, 4, 15, 5)
    scale, shift = pooled_affine(norm, batch)
    pooled = batch * scale + shift
    assert torch.allclose(pooled.permute(1, 0, 2, 3).reshape(1, 4, 15, 5), norm(one_image), atol=1e-5)


def test_the_first_batch_rules_until_the_context_ends() -> None:
    norm, first, second = nn.GroupNorm(2, 4), torch.randn(1, 4, 8, 8), torch.randn(1, 4, 8, 8) * 5 + 2
    own = norm(second)
    with SharedNorms(norm):
        norm(first)
        ruled = norm(second)
    scale, shift = pooled_affine(norm, first[..., 2:6, 2:6])  # borders do not count
    assert torch.allclose(ruled, second * scale + shift, atol=1e-5)
    assert (ruled - own).abs().max() > 1
    assert torch.equal(norm(second), own)


@torch.no_grad()
def test_a_flat_tile_beside_a_busy_one_is_not_lifted() -> None:
    """A sky in a tile of its own must look as it does beside the city: same noise, same level."""
    vae, generator = make_pipeline().vae, torch.Generator().manual_seed(0)
    lrgb = torch.full((1, 3, 64, 256), 0.6) + 0.01 * torch.randn(1, 3, 64, 256, generator=generator)
    lrgb[..., 128:] = torch.rand(1, 3, 64, 128, generator=generator)
    tiles = Tiles.cover(64, 256, 64, 16, vae.factor)
    assert len(tiles.corners) > 3
    autoencoder = TiledAutoencoder(vae, tiles)
    tiled = autoencoder.decode(autoencoder.encode(lrgb), lrgb)
    encoding = vae.encode(lrgb)
    whole = vae.decode(encoding.latents, encoding)
    sky_tiled, sky_whole = tiled[..., 16:96], whole[..., 16:96]
    alone = vae.encode(lrgb[..., :64])
    lifted = vae.decode(alone.latents, alone)[..., 16:48]
    assert abs(lifted.std() / sky_whole.std() - 1) > 0.5  # the fault is there to be seen without shared norms
    assert abs(sky_tiled.std() / sky_whole.std() - 1) < 0.1
    assert (sky_tiled.mean() - sky_whole.mean()).abs() < 0.1 * whole.std()
