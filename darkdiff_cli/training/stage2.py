"""Stage 2: the denoiser learns the condition, the autoencoder frozen (Sec. 4.4, Eq. 1, 8, 9)."""

from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from diffusers import DDIMScheduler
from torch import Tensor, nn

from darkdiff_cli.datasets import Pair
from darkdiff_cli.training.draws import Draws
from darkdiff_cli.training.losses import picture_loss, score
from darkdiff_cli.training.recipe import Recipe
from darkdiff_cli.training.stage import Numbers, Stage
from darkdiff_models import ContextProcessor, DarkDiffPipeline, DarkDiffUNet, Encoding, ResidualAutoencoderKL
from darkdiff_models.perceptual import LPIPS
from darkdiff_models.sampling import predicted_original, sample, training_target

HEALTH_STEPS = 5


class ConditionalDenoiser(Stage):
    """L = L_LDM + lambda L_image (Eq. 1, 8, 9), with null conditions for guidance."""

    def __init__(
        self,
        recipe: Recipe,
        vae: ResidualAutoencoderKL,
        networks: tuple[DarkDiffUNet, ContextProcessor],
        schedule: DDIMScheduler,
        lpips: LPIPS | None,
    ) -> None:
        self.name = "stage2"
        self.recipe, self.settings = recipe, recipe.stage2
        self.optimisation = recipe.stage2.optimisation
        self.vae = vae.requires_grad_(False)
        self.unet, self.context = networks
        self.schedule, self.lpips = schedule, lpips
        self.trained = {"unet": self.unet, "context": self.context}
        self.frozen = {"vae": vae} | ({"lpips": lpips} if lpips is not None else {})

    def parameter_groups(self) -> list[dict[str, Any]]:
        """The new parts (context processor, region attention) learn faster than the pre-trained rest."""
        modules: list[nn.Module] = [*self.unet.region_attentions, self.context]
        new = {id(p) for module in modules for p in module.parameters()}
        parameters = [p for network in (self.unet, self.context) for p in network.parameters()]
        return [
            {"params": [p for p in parameters if id(p) not in new], "factor": 1.0},
            {"params": [p for p in parameters if id(p) in new], "factor": self.settings.new_learning_rate},
        ]

    def loss(self, pair: Pair, draws: Draws) -> tuple[Tensor, Numbers]:
        """Eq. 1 on the whole batch, Eq. 9 on part of it."""
        with torch.no_grad():
            clean, noisy = self.vae.encode(pair.clean_lrgb).latents, self.vae.encode(pair.noisy_lrgb)
        batch = clean.shape[0]
        null = draws.chosen(batch, self.settings.null_share)
        condition = torch.where(null.view(-1, 1, 1, 1), draws.normal_like(clean), noisy.latents)
        noise = draws.normal_like(clean)
        timesteps = draws.timesteps(batch, self.schedule.config["num_train_timesteps"])
        z_t = self.schedule.add_noise(clean, noise, timesteps)
        prediction = self.unet(z_t, timesteps, self.unet.prepare(self.context(condition)))
        ldm = F.mse_loss(prediction, training_target(self.schedule, clean, noise, timesteps))
        count = round(batch * self.settings.image_loss_share)
        if count == 0 or self.settings.image_loss_weight == 0:
            return ldm, {"ldm": ldm.item()}
        original = predicted_original(self.schedule, prediction, z_t, timesteps)
        image = self._image_loss(original, noisy, pair, timesteps, ~null, count)
        return ldm + self.settings.image_loss_weight * image, {"ldm": ldm.item(), "image": image.item()}

    def _image_loss(
        self, original: Tensor, noisy: Encoding, pair: Pair, timesteps: Tensor, conditioned: Tensor, count: int
    ) -> Tensor:
        """Eq. 9 weighted by alpha_bar: at late timesteps the predicted z_0 says nothing of the picture."""
        srgb = self.vae.decode(original[:count], noisy.first(count))
        each = picture_loss(srgb, pair.clean_srgb[:count], self.lpips, self.settings.loss.perceptual_weight)
        alpha_bar = self.schedule.alphas_cumprod.to(each.device)[timesteps[:count]]
        return (each * alpha_bar * conditioned[:count]).mean()

    def health(self, pair: Pair, draws: Draws) -> Numbers:
        """Scores of a short sampling beside those of stage 1 alone and of the clean latents."""
        noisy, clean = self.vae.encode(pair.noisy_lrgb), self.vae.encode(pair.clean_lrgb)
        condition = self.unet.prepare(self.context(noisy.latents))
        noise = draws.normal_like(noisy.latents)
        sampled = sample(lambda z, t: self.unet(z, t, condition), noise, self.schedule, HEALTH_STEPS)
        numbers = {}
        for prefix, latents in {"": sampled, "stage1_": noisy.latents, "ceiling_": clean.latents}.items():
            scores = score(self.vae.decode(latents, noisy), pair.clean_srgb, self.lpips)
            numbers.update({prefix + name: value for name, value in scores.items()})
        return numbers

    def export(self, folder: Path) -> None:
        """The finished pipeline, ready for `enhance --model`."""
        DarkDiffPipeline(
            vae=self.vae,
            unet=self.unet,
            context=self.context,
            scheduler=self.schedule,
            lrgb_space=self.recipe.lrgb_space,
            default_steps=self.settings.default_steps,
            default_guidance=self.settings.default_guidance,
            tile=self.settings.tile,
            tile_overlap=self.settings.tile_overlap,
            vae_tile=self.settings.autoencoder_tile,
            vae_tile_overlap=self.settings.autoencoder_tile_overlap,
        ).save_pretrained(folder)
