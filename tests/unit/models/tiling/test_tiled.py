import itertools

import pytest
import torch

from darkdiff_models.tiling.planner import Plan
from darkdiff_models.tiling.tiled import TiledAutoencoder, TiledDenoiser
from darkdiff_models.tiling.tiles import Blend, Tiles
from tests.conftest import make_pipeline


@pytest.mark.parametrize("length", range(16, 70))
@pytest.mark.parametrize(("tile", "overlap", "grid"), [(16, 4, 1), (16, 0, 1), (16, 8, 4), (64, 10, 1)])
def test_tiles_cover_everything_with_enough_overlap(length: int, tile: int, overlap: int, grid: int) -> None:
    length = length // grid * grid
    tiles = Tiles.cover(length, length, tile, overlap, grid)
    starts = sorted({left for _, left in tiles.corners})
    assert starts[0] == 0
    assert starts[-1] + tiles.tile_width == length
    assert all(start % grid == 0 for start in starts)
    assert all(b - a <= tiles.tile_width - overlap for a, b in itertools.pairwise(starts))
    assert tiles.tile_width % grid == 0
    assert tiles.tile_width <= tile
    gaps = len(starts) - 1
    smaller = tiles.tile_width - grid  # would need more tiles
    assert gaps == 0 or gaps * (smaller - overlap) + smaller < length + gaps * (grid - 1)


@pytest.mark.parametrize("size", [(16, 16), (17, 33), (40, 29)])
def test_blending_what_was_cut_gives_it_back(size: tuple[int, int]) -> None:
    full = torch.randn(1, 3, *size)
    tiles = Tiles.cover(*size, 16, 5)
    blend = Blend(tiles, 3, full)
    for index in range(len(tiles.corners)):
        blend.add([index], tiles.crop(full, index))
    assert torch.allclose(blend.result(), full, atol=1e-5)


def test_window_is_smooth_and_never_zero() -> None:
    window = Tiles.cover(40, 40, 16, 4).window(torch.zeros(1))
    assert window.max() == 1
    assert window.min() > 0
    assert window[8].diff().abs().max() < 0.5


def test_overlap_must_leave_room() -> None:
    with pytest.raises(ValueError, match="overlap"):
        Tiles.cover(40, 40, 16, 16)


class LocalUNet:
    """A denoiser that looks at single pixels only, so that tiling must change nothing."""

    def prepare(self, features: torch.Tensor) -> torch.Tensor:
        return features

    def __call__(self, latents: torch.Tensor, timestep: torch.Tensor, condition: torch.Tensor) -> torch.Tensor:
        return torch.sin(latents) + condition * 0.5


@pytest.mark.parametrize("guidance", [1.0, 2.5])
def test_tiled_equals_untiled_for_a_local_denoiser(guidance: float) -> None:
    z_y, null, z_t = (torch.randn(1, 4, 37, 50) for _ in range(3))
    small, whole = Tiles.cover(37, 50, 16, 4), Tiles.cover(37, 50, 64, 4)
    assert len(small.corners) > 1
    assert len(whole.corners) == 1
    timestep = torch.tensor(3)
    tiled, untiled = (
        TiledDenoiser(LocalUNet(), lambda z: z, z_y, null, guidance, Plan(tiles, 2))(z_t, timestep)
        for tiles in (small, whole)
    )
    assert torch.allclose(tiled, untiled, atol=1e-5)
    expected = torch.sin(z_t) + 0.5 * (null + guidance * (z_y - null))
    assert torch.allclose(tiled, expected, atol=1e-5)


@torch.no_grad()
def test_guidance_of_one_never_reads_the_null_condition() -> None:
    pipeline = make_pipeline()
    z_y = torch.randn(1, 4, 16, 16)
    nothing = torch.full_like(z_y, float("nan"))
    tiles = Tiles.cover(16, 16, 16, 4)
    denoiser = TiledDenoiser(pipeline.unet, pipeline.context, z_y, nothing, 1.0, Plan(tiles, 1))
    assert torch.isfinite(denoiser(torch.randn_like(z_y), torch.tensor(5))).all()
    assert denoiser.conditions[0].encoder[0].key.shape[0] == (16 // 4) ** 2


# The largest difference, as a share of the spread of the values: products are summed in another order, of 24 bits in
# fp32 and of 8 in bf16.
ROUNDING = {torch.float32: 1e-4, torch.bfloat16: 0.1}


@torch.no_grad()
@pytest.mark.parametrize("dtype", list(ROUNDING), ids=str)
def test_the_prediction_does_not_depend_on_the_tiles_a_call(dtype: torch.dtype) -> None:
    pipeline = make_pipeline()
    z_y, null, z_t = (torch.randn(1, 4, 28, 36) for _ in range(3))
    tiles = Tiles.cover(28, 36, 16, 4)
    predictions = []
    for per_call in (1, 5):
        with torch.autocast("cpu", dtype, enabled=dtype != torch.float32):
            denoiser = TiledDenoiser(pipeline.unet, pipeline.context, z_y, null, 2.0, Plan(tiles, per_call))
            predictions.append(denoiser(z_t, torch.tensor(400)))
    one, many = predictions
    assert len(tiles.corners) > 5
    assert (one - many).abs().max() < ROUNDING[dtype] * one.std()


@torch.no_grad()
@pytest.mark.parametrize("dtype", list(ROUNDING), ids=str)
def test_the_autoencoder_does_not_depend_on_the_tiles_a_call(dtype: torch.dtype) -> None:
    vae = make_pipeline().vae
    lrgb = torch.rand(1, 3, 64, 96)
    tiles = Tiles.cover(64, 96, 48, 16, vae.factor)
    made = []
    for per_call in (1, 3):
        with torch.autocast("cpu", dtype, enabled=dtype != torch.float32):
            autoencoder = TiledAutoencoder(vae, lrgb, Plan(tiles, per_call))
            latents = autoencoder.encode()
            assert len(autoencoder.kept) == -(-len(tiles.corners) // per_call)
            made.append((latents, autoencoder.decode(latents)))
    assert len(tiles.corners) > 3
    for one, many in zip(*made, strict=True):
        assert (one - many).abs().max() < ROUNDING[dtype] * one.std()


@torch.no_grad()
def test_tiled_autoencoder_equals_the_whole_one_under_the_same_norms() -> None:
    vae = make_pipeline().vae
    lrgb = torch.rand(1, 3, 256, 384)
    autoencoder = TiledAutoencoder(vae, lrgb, Plan(Tiles.cover(256, 384, 192, 64, vae.factor), 1))
    assert len(autoencoder.tiles.corners) == 6
    tiled = autoencoder.decode(autoencoder.encode())
    with autoencoder.norms:
        encoding = vae.encode(lrgb)
        whole = vae.decode(encoding.latents, encoding)
    assert 0 < (tiled - whole).abs().max() < 0.01 * whole.std()


@torch.no_grad()
def test_one_tile_is_the_plain_autoencoder() -> None:
    vae = make_pipeline().vae
    lrgb = torch.rand(1, 3, 32, 48)
    autoencoder = TiledAutoencoder(vae, lrgb, Plan(Tiles.cover(32, 48, 64, 8, vae.factor), 1))
    encoding = vae.encode(lrgb)
    assert torch.allclose(autoencoder.encode(), encoding.latents, atol=1e-6)
    expected = vae.decode(encoding.latents, encoding)
    assert torch.allclose(autoencoder.decode(encoding.latents), expected, atol=1e-5)


@torch.no_grad()
def test_the_picture_does_not_depend_on_what_is_kept_between_encoding_and_decoding() -> None:
    vae = make_pipeline().vae
    lrgb = torch.rand(1, 3, 64, 96)
    tiles = Tiles.cover(64, 96, 48, 16, vae.factor)
    tile_bytes = vae.encode(tiles.crop(lrgb, 0)).feature_bytes
    pictures = []
    encoded: list[int] = []
    vae.encoder.conv_in.register_forward_hook(lambda _module, inputs, _output: encoded.append(len(inputs[0])))
    for keep, kept in ((0, 0), (2 * tile_bytes, 2), (2**30, len(tiles.corners))):
        autoencoder = TiledAutoencoder(vae, lrgb, Plan(tiles, 1), keep)
        encoded.clear()
        latents = autoencoder.encode()
        assert len(autoencoder.kept) == kept
        pictures.append(autoencoder.decode(latents))
        sampled = len(autoencoder.sample.corners)
        assert encoded == [sampled] + [1] * (2 * len(tiles.corners) - kept)  # the sample's statistics once
        assert not autoencoder.kept
        assert autoencoder.free_bytes == keep
    assert len(tiles.corners) > 2
    assert torch.equal(pictures[0], pictures[1])
    assert torch.equal(pictures[0], pictures[2])


def test_tiles_between_latents_are_refused() -> None:
    with pytest.raises(ValueError, match="multiples"):
        TiledAutoencoder(make_pipeline().vae, torch.rand(1, 3, 33, 32), Plan(Tiles.cover(33, 32, 16, 4), 1))
