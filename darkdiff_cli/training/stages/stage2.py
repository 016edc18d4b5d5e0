"""Stage 2: the denoiser learns the condition (Sec. 4.4, Eq. 1, 8, 9)."""

from collections.abc import Hashable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from diffusers import DDIMScheduler
from torch import Tensor, nn

from darkdiff_cli.datasets import Pair
from darkdiff_cli.errors import SettingsError
from darkdiff_cli.training.loop.draws import Draws
from darkdiff_cli.training.recipe.recipe import Recipe
from darkdiff_cli.training.stages.losses import PERIOD, kl_loss, picture_loss, score
from darkdiff_cli.training.stages.stage import MODEL, Numbers, Readings, Stage
from darkdiff_models import ContextProcessor, DarkDiffPipeline, DarkDiffUNet, Encoding, ResidualAutoencoderKL
from darkdiff_models.finishing import finish
from darkdiff_models.learning.lpips import LPIPS
from darkdiff_models.networks.conditioning import LatentContext
from darkdiff_models.networks.sampling import make_scheduler, predicted_original, sample, training_target

HEALTH_STEPS = 5


class ConditionalDenoiser(Stage):
    """L = L_LDM + lambda L_image (Eq. 1, 8, 9), with null conditions for guidance."""

    def __init__(
        self,
        recipe: Recipe,
        vae: ResidualAutoencoderKL,
        networks: tuple[DarkDiffUNet, ContextProcessor | LatentContext],
        schedule: DDIMScheduler,
        lpips: LPIPS | None,
    ) -> None:
        self.name = "stage2"
        self.recipe, self.settings = recipe, recipe.stage2
        self.optimisation = recipe.stage2.optimisation
        self.learning = self.settings.autoencoder_learning_rate > 0
        self.vae = vae.requires_grad_(self.learning)
        self.unet, self.context = networks
        if self.settings.controlnet_base == "locked":
            self._lock()
        self.schedule, self.lpips = schedule, lpips
        self.short = self.settings.image_loss.steps or HEALTH_STEPS  # sampling steps of a quick picture
        self.multiple = vae.factor * self.unet.size_multiple
        self.players: dict[str, dict[str, nn.Module]] = {MODEL: {"unet": self.unet, "context": self.context}}
        self.frozen: dict[str, nn.Module] = {"lpips": lpips} if lpips is not None else {}
        (self.players[MODEL] if self.learning else self.frozen)["vae"] = vae

    def parameter_groups(self, player: str) -> list[dict[str, Any]]:  # noqa: ARG002
        """What the base did not have (context processor, region attention) learns faster than the rest."""
        new = {id(p) for module in (*self.unet.new_modules, self.context) for p in module.parameters()}
        parameters = [p for network in (self.unet, self.context) for p in network.parameters() if p.requires_grad]
        fresh, rest = ([p for p in parameters if (id(p) in new) == is_new] for is_new in (True, False))
        rates = (("pre-trained", rest, 1.0), ("new", fresh, self.settings.new_learning_rate))
        groups = [{"name": name, "params": params, "factor": factor} for name, params, factor in rates if params]
        if self.learning:
            factor = self.settings.autoencoder_learning_rate
            groups.append({"name": "autoencoder", "params": list(self.vae.parameters()), "factor": factor})
        return groups

    def _lock(self) -> None:
        """Freeze all of the denoiser but its ControlNet.

        Raises:
            SettingsError: it has none.
        """
        if self.unet.control is None:
            raise SettingsError("stage2.controlnet_base: locked needs a model with a ControlNet; leave it out.")
        self.unet.requires_grad_(False)
        self.unet.control.requires_grad_(True)

    def course(self, player: str, step: int) -> Hashable | None:
        """The denoiser's first passes are alike, and so are the later ones where all images are decoded."""
        alone = step < self.settings.denoiser_first
        return (player, alone) if alone or self.settings.image_loss.share == 1 else None

    def loss(self, player: str, pair: Pair, draws: Draws) -> tuple[Tensor, Readings]:  # noqa: ARG002
        """Eq. 1 on the whole batch, Eq. 9 on part of it once the denoiser has had its first steps."""
        alone = draws.step < self.settings.denoiser_first
        with torch.set_grad_enabled(not alone):
            noisy = self.vae.encode(pair.noisy)
        with torch.set_grad_enabled(not alone and self.settings.clean_latents > 0):
            tidy = self.vae.encode(pair.clean)
        clean = tidy.latents.detach()  # the target; detached, so that the encoder cannot make it easier
        batch = clean.shape[0]
        null = draws.chosen(batch, self.settings.null_share)
        condition = torch.where(null.view(-1, 1, 1, 1), draws.normal_like(clean), noisy.latents)
        noise = draws.normal_like(clean)
        timesteps = draws.timesteps(batch, self.schedule.config["num_train_timesteps"])
        z_t = self.schedule.add_noise(clean, noise, timesteps)
        prediction = self.unet(z_t, timesteps, self.unet.prepare(self.context(condition)))
        ldm = F.mse_loss(prediction, training_target(self.schedule, clean, noise, timesteps))
        if alone:
            return ldm + self._still(), {"ldm": ldm.detach()}
        if self.settings.image_loss.weight == 0:
            return ldm, {"ldm": ldm.detach()}
        guess = predicted_original(self.schedule, prediction, z_t, timesteps)
        image = self._image_loss(pair, noisy, tidy, guess, timesteps, draws)
        loss, numbers = ldm + self.settings.image_loss.weight * image, {"ldm": ldm.detach(), "image": image.detach()}
        if self.learning:
            kl = kl_loss(noisy.posterior.mean, noisy.posterior.std, pair.reference)
            loss, numbers = loss + self.recipe.stage1.kl_weight * kl, numbers | {"kl": kl.detach()}
        return loss, numbers

    def _still(self) -> Tensor:
        """Zero, with a gradient of zero for the autoencoder: processes that share a batch wait for every gradient."""
        return torch.stack([parameter.sum() for parameter in self.vae.parameters()]).sum() * 0.0

    def _tidied(self, arrived: Tensor, tidy: Encoding, draws: Draws) -> Tensor:
        """The latents that are decoded: on a share of the images the clean picture's, as in stage 1."""
        if self.settings.clean_latents == 0:
            return arrived
        noise, chosen = draws.normal_like(arrived), draws.chosen(arrived.shape[0], self.settings.clean_latents)
        own = (tidy.posterior.mean + tidy.posterior.std * noise) * self.vae.config["scaling_factor"]
        return torch.where(chosen.view(-1, 1, 1, 1), own, arrived)

    def _image_loss(
        self, pair: Pair, noisy: Encoding, tidy: Encoding, guess: Tensor, timesteps: Tensor, draws: Draws
    ) -> Tensor:
        """Eq. 9: the mean over the batch's decoded images, of which this part adds its own, however the batch is cut.

        Args:
            pair: this part of the batch.
            noisy, tidy: encodings of its noisy and clean images.
            guess: (batch, channels, h, w) z_0 by Eq. 8.
            timesteps: (batch,) of the guesses.
            draws: of the step.
        """
        settings, (shown, total) = self.settings.image_loss, self._shown(len(guess), draws)
        if not shown.any():
            return guess.new_zeros(())
        whole = bool(shown.all())  # indexing by a mask copies to the device, which a recording forbids

        def of(values: Tensor) -> Tensor:
            return values if whole else values[shown]

        noisy, tidy = (noisy, tidy) if whole else (noisy.select(shown), tidy.select(shown))
        latents = of(guess)
        if settings.steps > 0:
            latents = self._sample(noisy.latents, of(draws.normal_like(guess)), learning_steps=1)
            latents = self._tidied(latents, tidy, draws)
        picture = self._show(latents, noisy, of(pair.noisy))
        losses = picture_loss(picture, of(pair.reference), self.lpips, settings, draws.place(PERIOD))
        if settings.time_weight == "alpha_bar":
            losses = losses * self.schedule.alphas_cumprod.to(losses.device)[of(timesteps)]
        return losses.sum() * (draws.parts / total)

    def _shown(self, batch: int, draws: Draws) -> tuple[Tensor, int]:
        """(batch,) on the CPU: which images of this part are decoded, spread evenly over the batch; how many in all."""
        counts = torch.floor(torch.arange(batch * draws.parts + 1) * self.settings.image_loss.share + 1e-6)
        return (counts.diff() > 0).chunk(draws.parts)[draws.part], int(counts[-1])

    def _show(self, latents: Tensor, noisy: Encoding, lrgb: Tensor) -> Tensor:
        """The picture of latents, with the finishing steps that training includes."""
        return finish(self.vae.decode(latents, noisy), lrgb, self.vae.factor, self.recipe.finishing, training=True)

    def health(self, pair: Pair, draws: Draws) -> Numbers:
        """Scores of a short sampling beside those of stage 1 alone and of the clean latents."""
        noisy, clean = self.vae.encode(pair.noisy), self.vae.encode(pair.clean)
        sampled = self._sample(noisy.latents, draws.normal_like(noisy.latents))
        numbers = {}
        for prefix, latents in {"": sampled, "stage1_": noisy.latents, "ceiling_": clean.latents}.items():
            scores = score(self._show(latents, noisy, pair.noisy), pair.reference, self.lpips)
            numbers.update({prefix + name: value for name, value in scores.items()})
        return numbers

    def picture(self, pair: Pair, draws: Draws) -> Tensor:
        """What a short sampling makes of the noisy images."""
        noisy = self.vae.encode(pair.noisy)
        sampled = self._sample(noisy.latents, draws.normal_like(noisy.latents))
        return self._show(sampled, noisy, pair.noisy).clamp(0, 1)

    def _sample(self, z_y: Tensor, noise: Tensor, learning_steps: int = 0) -> Tensor:
        """The latents that a short sampling arrives at; its last steps may learn."""
        condition = self.unet.prepare(self.context(z_y))
        scheduler = make_scheduler(dict(self.schedule.config))  # as `enhance` samples
        return sample(
            lambda z, t: self.unet(z, t, condition), noise, scheduler, self.short, learning_steps=learning_steps
        )

    def export(self, folder: Path) -> None:
        """The finished pipeline, ready for `enhance --model`."""
        self.finished().save_pretrained(folder)

    def finished(self) -> DarkDiffPipeline:
        """The whole model, with what its user may leave to it."""
        return DarkDiffPipeline(
            vae=self.vae,
            unet=self.unet,
            context=self.context,
            scheduler=self.schedule,
            lrgb_space=self.recipe.lrgb_space,
            data_format=self.recipe.data_format,
            default_steps=self.settings.default_steps,
            default_guidance=self.settings.default_guidance,
            default_views=self.settings.default_views,
            tile=self.settings.tile,
            tile_overlap=self.settings.tile_overlap,
            vae_tile=self.settings.autoencoder_tile,
            vae_tile_overlap=self.settings.autoencoder_tile_overlap,
            **asdict(self.recipe.finishing),
        )
