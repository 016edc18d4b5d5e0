import pytest
import torch
from diffusers import AutoencoderKL

from darkdiff_models import ResidualAutoencoderKL
from darkdiff_models.networks.surgery import residual_autoencoder

TAPS_OF_TABLE_A1 = 9 * (128 * 256 + 256 * 512 + 512 * 512 * 2) + 256 + 512 * 3


def stock(**changes: object) -> AutoencoderKL:
    torch.manual_seed(0)
    shape = {"block_out_channels": (8, 16, 16), "layers_per_block": 1, "norm_num_groups": 4, "latent_channels": 4}
    levels = 3
    return AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * levels,
        up_block_types=("UpDecoderBlock2D",) * levels,
        **shape,
        **changes,
    ).eval()


@torch.no_grad()
def test_at_initialisation_it_is_the_pretrained_autoencoder() -> None:
    plain = stock()
    model = residual_autoencoder(plain).eval()
    lrgb = torch.rand(2, 3, 32, 48)
    encoding = model.encode(lrgb)
    moments = plain.encode(lrgb * 2 - 1).latent_dist
    assert torch.equal(encoding.posterior.mean, moments.mean)
    expected = plain.decode(moments.mean).sample / 2 + 0.5
    assert torch.allclose(model.decode(encoding.latents, encoding), expected, atol=1e-5)


@torch.no_grad()
def test_each_tap_moves_the_picture_once_it_is_not_zero() -> None:
    model = residual_autoencoder(stock()).eval()
    encoding = model.encode(torch.rand(1, 3, 32, 32))
    before = model.decode(encoding.latents, encoding)
    for conv in model.residual_convs:
        torch.nn.init.normal_(conv.weight)
        after = model.decode(encoding.latents, encoding)
        assert not torch.allclose(after, before)
        before = after
    assert not torch.allclose(model.decode(encoding.latents), before)


@torch.no_grad()
def test_features_are_taken_before_each_downsampler() -> None:
    features = residual_autoencoder(stock()).encode(torch.rand(1, 3, 32, 48)).features
    assert [tuple(f.shape[1:]) for f in features] == [(8, 32, 48), (16, 16, 24), (16, 8, 12)]


@torch.no_grad()
def test_latent_scale_is_the_autoencoders_own_business() -> None:
    model = residual_autoencoder(stock(scaling_factor=0.25)).eval()
    encoding = model.encode(torch.rand(1, 3, 16, 16))
    assert torch.allclose(encoding.latents, encoding.posterior.mean * 0.25)


def test_without_residual_there_are_no_taps() -> None:
    assert len(residual_autoencoder(stock(), residual=False).residual_convs) == 0


def test_parameter_count_at_sd_widths() -> None:
    with torch.device("meta"):
        model = ResidualAutoencoderKL()
    taps = sum(p.numel() for p in model.residual_convs.parameters())
    assert taps == TAPS_OF_TABLE_A1
    assert sum(p.numel() for p in model.parameters()) - taps == 83_653_863


def test_every_argument_survives_saving(tmp_path) -> None:
    arguments = {
        "in_channels": 3,
        "out_channels": 3,
        "latent_channels": 6,
        "block_out_channels": [4, 8],
        "layers_per_block": 2,
        "norm_num_groups": 2,
        "mid_block_add_attention": False,
        "scaling_factor": 0.3,
        "residual": False,
    }
    model = ResidualAutoencoderKL(**arguments)
    model.save_pretrained(tmp_path)
    loaded = ResidualAutoencoderKL.from_pretrained(tmp_path)
    assert {key: loaded.config[key] for key in arguments} == arguments
    assert [p.name for p in tmp_path.glob("*.safetensors")]
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), loaded.parameters(), strict=True))


def test_foreign_weights_are_named() -> None:
    plain = stock()
    plain.encoder.extra = torch.nn.Linear(2, 2)
    with pytest.raises(ValueError, match="extra"):
        residual_autoencoder(plain)
