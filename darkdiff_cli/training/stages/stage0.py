"""Stage 0: a small Stable Diffusion of our own, on clean pictures (DESIGN section 4).

Both networks are diffusers' stock classes, so that the same weight surgery retasks this base and SD 2.1.
"""

from collections.abc import Hashable
from pathlib import Path

import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL, UNet2DConditionModel
from psutil import virtual_memory
from torch import Tensor, nn

from darkdiff_cli.datasets import Pair
from darkdiff_cli.errors import SettingsError
from darkdiff_cli.training.loop.draws import Draws
from darkdiff_cli.training.recipe.shapes import AutoencoderShape, DenoiserShape
from darkdiff_cli.training.recipe.stage_settings import Stage0
from darkdiff_cli.training.stages.losses import PERIOD, kl_loss, picture_loss, score
from darkdiff_cli.training.stages.stage import MODEL, Numbers, Readings, Stage
from darkdiff_models.base_models import Base, save_base
from darkdiff_models.learning.lpips import LPIPS
from darkdiff_models.networks.sampling import sd_schedule, training_target
from darkdiff_models.stored import first_line


class PlainAutoencoder(Stage):
    """AutoencoderKL from clean LRGB to clean sRGB: L1 + LPIPS + KL."""

    def __init__(self, settings: Stage0, lpips: LPIPS | None) -> None:
        self.name = "stage0-autoencoder"
        self.optimisation, self.settings = settings.autoencoder, settings
        self.vae = stock_autoencoder(settings.autoencoder_shape)
        self.lpips = lpips
        self.multiple = 2 ** (len(settings.autoencoder_shape.block_out_channels) - 1)
        self.players = {MODEL: {"vae": self.vae}}
        self.frozen = {"lpips": lpips} if lpips is not None else {}

    def course(self, player: str, step: int) -> Hashable | None:  # noqa: ARG002
        """All passes are alike."""
        return player

    def loss(self, player: str, pair: Pair, draws: Draws) -> tuple[Tensor, Readings]:  # noqa: ARG002
        """L1 + LPIPS + KL of clean pictures."""
        posterior = self.vae.encode(pair.clean * 2 - 1).latent_dist
        latents = posterior.mean + posterior.std * draws.normal_like(posterior.mean)
        srgb = (self.vae.decode(latents).sample + 1) / 2
        loss = picture_loss(srgb, pair.reference, self.lpips, self.settings.loss, draws.place(PERIOD)).mean()
        kl = kl_loss(posterior.mean, posterior.std, pair.reference)
        return loss + self.settings.kl_weight * kl, {"picture": loss.detach(), "kl": kl.detach()}

    def health(self, pair: Pair, draws: Draws) -> Numbers:  # noqa: ARG002
        """How well clean pictures survive the bottleneck."""
        latents = self.vae.encode(pair.clean * 2 - 1).latent_dist.mean
        return score((self.vae.decode(latents).sample + 1) / 2, pair.reference, self.lpips)

    def picture(self, pair: Pair, draws: Draws) -> Tensor:  # noqa: ARG002
        """Clean pictures after the bottleneck."""
        latents = self.vae.encode(pair.clean * 2 - 1).latent_dist.mean
        return torch.as_tensor((self.vae.decode(latents).sample + 1) / 2).clamp(0, 1)

    def export(self, folder: Path) -> None:
        """A diffusers folder `vae`."""
        self.vae.save_pretrained(folder / "vae")


class PlainDenoiser(Stage):
    """UNet2DConditionModel on clean latents, its prompt always the empty one: Eq. 1 without a condition."""

    def __init__(self, settings: Stage0, vae: AutoencoderKL, seed: int) -> None:
        self.name = "stage0-denoiser"
        self.optimisation = settings.denoiser
        self.vae = vae.requires_grad_(False)
        shape = settings.denoiser_shape
        self.unet = stock_unet(shape, vae.config["latent_channels"])
        generator = torch.Generator().manual_seed(seed)
        self.empty_prompt = torch.randn((1, shape.prompt_tokens, shape.cross_attention_dim), generator=generator)
        self.schedule = sd_schedule(shape.prediction_type)
        levels = len(settings.autoencoder_shape.block_out_channels) + len(shape.block_out_channels)
        self.multiple = 2 ** (levels - 2)
        self.players = {MODEL: {"unet": self.unet}}
        self.frozen = {"vae": vae}

    def course(self, player: str, step: int) -> Hashable | None:  # noqa: ARG002
        """All passes are alike."""
        return player

    def loss(self, player: str, pair: Pair, draws: Draws) -> tuple[Tensor, Readings]:  # noqa: ARG002
        """Mean squared error of the predicted noise or velocity."""
        with torch.no_grad():
            latents = self.vae.encode(pair.clean * 2 - 1).latent_dist.mean * self.vae.config["scaling_factor"]
        noise = draws.normal_like(latents)
        timesteps = draws.timesteps(latents.shape[0], self.schedule.config["num_train_timesteps"])
        noisy = self.schedule.add_noise(latents, noise, timesteps)
        self.empty_prompt = self.empty_prompt.to(latents.device)  # once: a recorded pass copies nothing to its device
        prompt = self.empty_prompt.expand(latents.shape[0], -1, -1)
        prediction = self.unet(noisy, timesteps, prompt).sample
        loss = F.mse_loss(prediction, training_target(self.schedule, latents, noise, timesteps))
        return loss, {"ldm": loss.detach()}

    def health(self, pair: Pair, draws: Draws) -> Numbers:
        """The training loss on held-out pictures."""
        return {"ldm": self.loss(MODEL, pair, draws)[0].item()}

    def picture(self, pair: Pair, draws: Draws) -> None:
        """Without a condition there is no picture to compare."""

    def export(self, folder: Path) -> None:
        """A diffusers folder with `vae`, `unet`, `scheduler` and the empty prompt."""
        save_base(Base(self.vae, self.unet, dict(self.schedule.config), self.empty_prompt), folder)


def stock_autoencoder(shape: AutoencoderShape) -> AutoencoderKL:
    """diffusers' AutoencoderKL at a recipe's widths, untrained."""
    levels = len(shape.block_out_channels)
    return AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * levels,
        up_block_types=("UpDecoderBlock2D",) * levels,
        block_out_channels=shape.block_out_channels,
        latent_channels=shape.latent_channels,
        layers_per_block=shape.layers_per_block,
        norm_num_groups=shape.norm_num_groups,
        mid_block_add_attention=shape.mid_block_add_attention,
        scaling_factor=1.0,
    )


def stock_unet(shape: DenoiserShape, latent_channels: int) -> UNet2DConditionModel:
    """diffusers' UNet2DConditionModel of SD 2's kind at a recipe's widths, untrained."""
    attends = shape.attention_levels
    return UNet2DConditionModel(
        in_channels=latent_channels,
        out_channels=latent_channels,
        down_block_types=tuple("CrossAttnDownBlock2D" if a else "DownBlock2D" for a in attends),
        up_block_types=tuple("CrossAttnUpBlock2D" if a else "UpBlock2D" for a in reversed(attends)),
        block_out_channels=shape.block_out_channels,
        layers_per_block=shape.layers_per_block,
        attention_head_dim=shape.num_heads,
        cross_attention_dim=shape.cross_attention_dim,
        norm_num_groups=shape.norm_num_groups,
        use_linear_projection=True,
    )


@torch.no_grad()
def check_shapes(settings: Stage0) -> None:
    """Run both networks once without values, at the sizes that they train on.

    Raises:
        SettingsError: a network cannot be built in these shapes, does not run, or needs more memory than there is.
    """
    name, shapes = "autoencoder_shape", (settings.autoencoder_shape, settings.denoiser_shape)
    levels = [len(shape.block_out_channels) - 1 for shape in shapes]
    try:
        with torch.device("meta"):
            vae = stock_autoencoder(shapes[0])
            _check_memory(vae)
            side = settings.autoencoder.crop + -settings.autoencoder.crop % 2 ** levels[0]
            vae.decode(vae.encode(torch.empty(1, 3, side, side)).latent_dist.mean)
            name = "denoiser_shape"
            unet = stock_unet(shapes[1], shapes[0].latent_channels)
            _check_memory(unet)
            side = (settings.denoiser.crop + -settings.denoiser.crop % 2 ** sum(levels)) // 2 ** levels[0]
            prompt = torch.empty(1, shapes[1].prompt_tokens, shapes[1].cross_attention_dim)
            unet(torch.empty(1, shapes[0].latent_channels, side, side), torch.zeros(1), prompt)
    except Exception as error:  # torch and diffusers raise errors of many kinds on shapes
        raise SettingsError(
            f"stage0.{name}: no network can be built of it ({first_line(error)}); change it in the recipe."
        ) from error


def _check_memory(network: nn.Module) -> None:
    need, have = sum(4 * weight.numel() for weight in network.parameters()), virtual_memory().total
    if need > have:
        raise ValueError(f"its weights need {need / 1e9:.1f} GB, and this machine has {have / 1e9:.1f}")


@torch.no_grad()
def calibrate_scale(vae: AutoencoderKL, pair: Pair) -> float:
    """Set the factor that brings the latents of clean pictures to unit variance, and return it."""
    scale = 1.0 / float(vae.encode(pair.clean * 2 - 1).latent_dist.mean.std())
    vae.register_to_config(scaling_factor=scale)
    return scale
