"""The networks at Stable Diffusion 2.1's widths, without their weights: shapes and arithmetic on the meta device."""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from darkdiff_models import ContextProcessor, DarkDiffUNet, ResidualAutoencoderKL
from darkdiff_models.learning.discriminator import PatchDiscriminator


@pytest.mark.parametrize(("crop", "teraflops"), [(512, 5.44), (1216, 45.9)])
def test_a_stage_two_step_at_sd_widths(crop: int, teraflops: float) -> None:
    """One image: both encodings, the context, the denoiser forward and backward, as `ConditionalDenoiser.loss`."""
    with torch.device("meta"):
        vae, unet, context = ResidualAutoencoderKL(), DarkDiffUNet(), ContextProcessor()
        noisy, clean, timestep = torch.rand(1, 3, crop, crop), torch.rand(1, 3, crop, crop), torch.zeros((), dtype=int)
    vae.requires_grad_(False)
    with FlopCounterMode(display=False) as counter:
        with torch.no_grad():
            z_y, z_0 = vae.encode(noisy).latents, vae.encode(clean).latents
        prediction = unet(z_0, timestep, unet.prepare(context(z_y)))
        prediction.pow(2).mean().backward()
    assert prediction.shape == (1, 4, crop // 8, crop // 8)
    assert all(p.grad is not None and p.grad.shape == p.shape for p in [*unet.parameters(), *context.parameters()])
    assert counter.get_total_flops() / 1e12 == pytest.approx(teraflops, rel=0.02)


def test_a_stage_one_step_at_sd_widths() -> None:
    with torch.device("meta"):
        vae, discriminator = ResidualAutoencoderKL(), PatchDiscriminator()
        noisy = torch.rand(1, 3, 512, 512)
    with FlopCounterMode(display=False) as counter:
        encoding = vae.encode(noisy)
        picture = vae.decode(encoding.latents, encoding)
        (picture.mean() - discriminator(picture).mean()).backward()
    assert picture.shape == (1, 3, 512, 512)
    assert encoding.latents.shape == (1, 4, 64, 64)
    assert all(p.grad is not None for p in vae.parameters())
    # 12.19 with diffusers' upsampling; there and back it takes 2.09, and `UpsampleConv` needs 4 products for their 9.
    assert counter.get_total_flops() / 1e12 == pytest.approx(12.19 - 2.09 * 5 / 9, rel=0.002)
