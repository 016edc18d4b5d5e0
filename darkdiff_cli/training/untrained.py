"""Random weights in place of networks that are not there: they have the same shapes, and cost the same."""

from dataclasses import dataclass

import torch
from diffusers import AutoencoderKL

from darkdiff_cli.training.beginning import Beginning
from darkdiff_cli.training.recipe.shapes import AutoencoderShape, DenoiserShape
from darkdiff_cli.training.stages.stage0 import stock_autoencoder, stock_unet
from darkdiff_models import ResidualAutoencoderKL
from darkdiff_models.base_models import Base
from darkdiff_models.networks.sampling import sd_schedule


@dataclass(frozen=True)
class UntrainedBeginning(Beginning):
    """Where the networks come from of a run that will not be kept: what no earlier stage has trained is random."""

    @property
    def has_base(self) -> bool:
        """Whether there is a base to read."""
        own = self.output / "stage0-denoiser" / "unet"
        return bool(self.base or self.recipe.base) or own.is_dir()

    def base_model(self) -> Base:
        """The base, or one of Stable Diffusion 2.1's shape, or of the shape of the recipe's own."""
        if self.has_base:
            return super().base_model()
        shape = self.recipe.stage0.denoiser_shape if self.recipe.stage0 is not None else DenoiserShape()
        vae, prompt = self.base_autoencoder(), torch.randn(1, shape.prompt_tokens, shape.cross_attention_dim)
        unet = stock_unet(shape, vae.config["latent_channels"])
        return Base(vae, unet, dict(sd_schedule(shape.prediction_type).config), prompt)

    def base_autoencoder(self) -> AutoencoderKL:
        """As `base_model`."""
        return super().base_autoencoder() if self.has_base else self._random_autoencoder()

    def plain_autoencoder(self) -> AutoencoderKL:
        """As `Beginning.plain_autoencoder`."""
        trained = (self.output / "stage0-autoencoder" / "vae").is_dir()
        return super().plain_autoencoder() if trained else self._random_autoencoder()

    def trained_autoencoder(self) -> ResidualAutoencoderKL:
        """As `Beginning.trained_autoencoder`."""
        trained = (self.output / "stage1" / "vae").is_dir()
        return super().trained_autoencoder() if trained else self.retasked_autoencoder()

    def _random_autoencoder(self) -> AutoencoderKL:
        own = self.recipe.stage0
        return stock_autoencoder(own.autoencoder_shape if own is not None else AutoencoderShape())
