"""Stage 1: the residual autoencoder learns the camera's ISP on noisy pictures (Sec. 4.3)."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from darkdiff_cli.datasets import Pair
from darkdiff_cli.training.draws import Draws
from darkdiff_cli.training.losses import picture_loss, score
from darkdiff_cli.training.recipe import Recipe
from darkdiff_cli.training.stage import Numbers, Stage
from darkdiff_models import ResidualAutoencoderKL
from darkdiff_models.perceptual import LPIPS


class ResidualAutoencoder(Stage):
    """Noisy LRGB in, clean sRGB out; part of the images with clean latents beside noisy taps."""

    def __init__(self, recipe: Recipe, vae: ResidualAutoencoderKL, lpips: LPIPS | None) -> None:
        self.name = "stage1"
        self.settings = recipe.stage1
        self.optimisation = recipe.stage1.optimisation
        self.vae, self.lpips = vae, lpips
        self.trained = {"vae": vae}
        self.frozen = {"lpips": lpips} if lpips is not None else {}

    def parameter_groups(self) -> list[dict[str, Any]]:
        """The residual convolutions may learn at their own rate."""
        taps = list(self.vae.residual_convs.parameters())
        rest = [p for name, p in self.vae.named_parameters() if not name.startswith("residual_convs.")]
        return [{"params": rest, "factor": 1.0}, {"params": taps, "factor": self.settings.taps_learning_rate}]

    def loss(self, pair: Pair, draws: Draws) -> tuple[Tensor, Numbers]:
        """L1 + LPIPS + KL of the finished picture."""
        batch = pair.noisy_lrgb.shape[0]
        clean = draws.chosen(batch, self.settings.clean_latents)
        keep = ~draws.chosen(batch, self.settings.drop_taps)
        noisy = self.vae.encode(pair.noisy_lrgb)
        mean, std = noisy.posterior.mean, noisy.posterior.std
        if clean.any():
            tidy = self.vae.encode(pair.clean_lrgb[clean]).posterior
            mean, std = mean.index_put((clean,), tidy.mean), std.index_put((clean,), tidy.std)
        kl = 0.5 * (mean**2 + std**2 - 1.0 - 2 * std.log()).sum(dim=(1, 2, 3)).mean()
        latents = (mean + std * draws.normal_like(mean)) * self.vae.config["scaling_factor"]
        features = tuple(f * keep.view(-1, 1, 1, 1) for f in noisy.features)
        srgb = self.vae.decode(latents, replace(noisy, features=features))
        loss = picture_loss(srgb, pair.clean_srgb, self.lpips, self.settings.loss.perceptual_weight).mean()
        return loss + self.settings.kl_weight * kl, {"picture": loss.item(), "kl": kl.item()}

    def health(self, pair: Pair, draws: Draws) -> Numbers:  # noqa: ARG002
        """The two numbers of DESIGN section 4: zeroed latents must lose, clean latents must gain."""
        noisy, clean = self.vae.encode(pair.noisy_lrgb), self.vae.encode(pair.clean_lrgb)
        sources = {"": noisy.latents, "zeroed_": torch.zeros_like(noisy.latents), "ceiling_": clean.latents}
        numbers = {}
        for prefix, latents in sources.items():
            scores = score(self.vae.decode(latents, noisy), pair.clean_srgb, self.lpips)
            numbers.update({prefix + name: value for name, value in scores.items()})
        return numbers

    def export(self, folder: Path) -> None:
        """A folder `vae`."""
        self.vae.save_pretrained(folder / "vae")
