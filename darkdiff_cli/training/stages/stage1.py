"""Stage 1: the residual autoencoder learns the camera's ISP on noisy pictures (Sec. 4.3)."""

from collections.abc import Hashable
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from darkdiff_cli.datasets import Pair
from darkdiff_cli.training.loop.draws import Draws
from darkdiff_cli.training.recipe.stage_settings import Stage1
from darkdiff_cli.training.stages.losses import PERIOD, kl_loss, picture_loss, score
from darkdiff_cli.training.stages.stage import MODEL, Numbers, Readings, Stage
from darkdiff_models import Encoding, ResidualAutoencoderKL
from darkdiff_models.finishing import Finishing, finish
from darkdiff_models.learning.discriminator import PatchDiscriminator, adaptive_weight, hinge_loss
from darkdiff_models.learning.lpips import LPIPS

DISCRIMINATOR = "discriminator"


class ResidualAutoencoder(Stage):
    """Noisy image in, clean picture out; part of the images with clean latents beside noisy taps.

    Args:
        settings: of the stage.
        finishing: the steps after the networks.
        vae: as the base, or the model that is trained further, has it; what its latents are held at.
        lpips: the perceptual network, where the loss weighs it.
    """

    def __init__(self, settings: Stage1, finishing: Finishing, vae: ResidualAutoencoderKL, lpips: LPIPS | None) -> None:
        self.name = "stage1"
        self.settings, self.optimisation, self.finishing = settings, settings.optimisation, finishing
        self.vae, self.lpips = vae, lpips
        self.players = {MODEL: {"vae": vae}}
        self.frozen: dict[str, nn.Module] = {"lpips": lpips} if lpips is not None else {}
        self.base: ResidualAutoencoderKL | None = None
        if settings.hold > 0:
            self.base = self.frozen["base"] = _encoder_of(vae)
        self.multiple = vae.factor
        self.made: Tensor | None = None  # the model's last picture, for the discriminator's turn
        if settings.adversary is not None:
            self.discriminator = PatchDiscriminator(vae.config["out_channels"])
            self.players[DISCRIMINATOR] = {"discriminator": self.discriminator}

    def parameter_groups(self, player: str) -> list[dict[str, Any]]:
        """The residual convolutions may learn at their own rate."""
        if player == DISCRIMINATOR:
            return super().parameter_groups(player)
        taps = list(self.vae.residual_convs.parameters())
        rest = [p for name, p in self.vae.named_parameters() if not name.startswith("residual_convs.")]
        groups = [{"name": "autoencoder", "params": rest, "factor": 1.0}]
        if taps:
            groups.append({"name": "residual taps", "params": taps, "factor": self.settings.taps_learning_rate})
        return groups

    def plays(self, player: str, step: int) -> bool:
        """The discriminator joins in once the pictures are worth judging."""
        return player == MODEL or (self.settings.adversary is not None and step >= self.settings.adversary.start)

    def course(self, player: str, step: int) -> Hashable | None:  # noqa: ARG002
        """All passes launch the same kernels, unless an adversary's weight has to be read."""
        return player if self.settings.adversary is None else None

    def loss(self, player: str, pair: Pair, draws: Draws) -> tuple[Tensor, Readings]:
        """The model: L1 + LPIPS + KL, the hold and the adversary's part. The discriminator: the hinge loss."""
        if player == DISCRIMINATOR:
            assert self.made is not None
            hinge = hinge_loss(self.discriminator(pair.reference), self.discriminator(self.made))
            return hinge, {"discriminator": hinge.detach()}
        noisy = self.vae.encode(pair.noisy)
        wanted = self.settings.clean_latents > 0 or self.settings.hold > 0
        tidy = self.vae.encode(pair.clean) if wanted else None
        picture, kl = self._reconstruct(pair, noisy, tidy, draws)
        rebuilt = picture_loss(picture, pair.reference, self.lpips, self.settings.loss, draws.place(PERIOD)).mean()
        loss = rebuilt + self.settings.kl_weight * kl
        numbers = {"picture": rebuilt.detach(), "kl": kl.detach()}
        if self.base is not None and tidy is not None:
            distance = self._distance(self.base, pair, tidy)
            loss, numbers["hold"] = loss + self.settings.hold * distance, distance.detach()
        if self.settings.adversary is not None and self.plays(DISCRIMINATOR, draws.step):
            self.made = picture.detach()
            self.discriminator.requires_grad_(False)
            adversarial = -self.discriminator(picture).mean()
            self.discriminator.requires_grad_(True)
            weight = adaptive_weight(rebuilt, adversarial, self.vae.decoder.conv_out.weight)
            loss = loss + self.settings.adversary.weight * weight * adversarial
            numbers |= {"adversarial": adversarial.detach(), "adaptive_weight": weight.detach()}
        return loss, numbers

    def _reconstruct(self, pair: Pair, noisy: Encoding, tidy: Encoding | None, draws: Draws) -> tuple[Tensor, Tensor]:
        """The picture, and the latents' KL divergence; chosen images take their latents from the clean encoding."""
        batch = pair.noisy.shape[0]
        clean = draws.chosen(batch, self.settings.clean_latents)
        keep = ~draws.chosen(batch, self.settings.drop_taps)
        mean, std = noisy.posterior.mean, noisy.posterior.std
        if self.settings.clean_latents > 0 and tidy is not None:
            tidied = clean.view(-1, 1, 1, 1)
            mean = torch.where(tidied, tidy.posterior.mean, mean)
            std = torch.where(tidied, tidy.posterior.std, std)
        latents = (mean + std * draws.normal_like(mean)) * self.vae.config["scaling_factor"]
        features = tuple(f * keep.view(-1, 1, 1, 1) for f in noisy.features)
        return self._show(latents, replace(noisy, features=features), pair), kl_loss(mean, std, pair.reference)

    @staticmethod
    def _distance(base: ResidualAutoencoderKL, pair: Pair, tidy: Encoding) -> Tensor:
        """Mean squared distance of the clean images' latents from the base's."""
        with torch.no_grad():
            before = base.encode(pair.clean).latents
        return F.mse_loss(tidy.latents, before)

    def _show(self, latents: Tensor, noisy: Encoding, pair: Pair) -> Tensor:
        """The picture of latents, with the finishing steps that training includes."""
        return finish(self.vae.decode(latents, noisy), pair.noisy, self.vae.factor, self.finishing, training=True)

    def health(self, pair: Pair, draws: Draws) -> Numbers:  # noqa: ARG002
        """Scores with the noisy, with zeroed and with clean latents: zeroed ones must lose, clean ones gain.

        Where the latents are held, also how far they have moved from the base's.
        """
        noisy, clean = self.vae.encode(pair.noisy), self.vae.encode(pair.clean)
        sources = {"": noisy.latents, "zeroed_": torch.zeros_like(noisy.latents), "ceiling_": clean.latents}
        numbers = {}
        for prefix, latents in sources.items():
            scores = score(self._show(latents, noisy, pair), pair.reference, self.lpips)
            numbers.update({prefix + name: value for name, value in scores.items()})
        if self.base is not None:
            numbers["moved"] = self._distance(self.base, pair, clean).item()
        return numbers

    def picture(self, pair: Pair, draws: Draws) -> Tensor:  # noqa: ARG002
        """What the autoencoder alone makes of the noisy images."""
        noisy = self.vae.encode(pair.noisy)
        return self._show(noisy.latents, noisy, pair).clamp(0, 1)

    def export(self, folder: Path) -> None:
        """A folder `vae`."""
        self.vae.save_pretrained(folder / "vae")


def _encoder_of(vae: ResidualAutoencoderKL) -> ResidualAutoencoderKL:
    """A frozen copy of an autoencoder that encodes and cannot decode."""
    copy = deepcopy(vae).requires_grad_(False)
    del copy.decoder, copy.post_quant_conv, copy.residual_convs
    return copy
