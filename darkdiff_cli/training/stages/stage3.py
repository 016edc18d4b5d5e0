"""Stage 3: from the half-size picture to the sensor's size (our addition)."""

from collections.abc import Hashable
from copy import deepcopy
from pathlib import Path
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from darkdiff_cli.datasets import Pair
from darkdiff_cli.datasets.kept import KeptPairs
from darkdiff_cli.datasets.stored import BYTES
from darkdiff_cli.errors import SettingsError
from darkdiff_cli.training.loop.draws import Draws
from darkdiff_cli.training.recipe.stage_settings import Stage3
from darkdiff_cli.training.stages.beforehand import Making, stored_pairs
from darkdiff_cli.training.stages.losses import PERIOD, picture_loss, score
from darkdiff_cli.training.stages.stage import MODEL, Numbers, Readings, Stage
from darkdiff_models import DarkDiffPipeline
from darkdiff_models.detail import Detail
from darkdiff_models.detail.samples import halved
from darkdiff_models.detail.tiled import full_picture
from darkdiff_models.finishing import finish
from darkdiff_models.learning.lpips import LPIPS
from darkdiff_models.networks.sampling import make_scheduler, sample


class FullSizePicture(Stage):
    """The half-size picture of the finished stages and the mosaic in, the full-size picture out."""

    sees_mosaics: ClassVar[bool] = True

    def __init__(self, settings: Stage3, model: DarkDiffPipeline, detail: Detail, lpips: LPIPS | None) -> None:
        self.name, self.settings, self.optimisation = "stage3", settings, settings.optimisation
        self.model, self.detail, self.lpips = model, detail, lpips
        networks: dict[str, nn.Module] = {"vae": model.vae, "unet": model.unet, "context": model.context}
        if settings.data.quad_share:
            if not detail.conv_out.weight.any():
                raise SettingsError(
                    "stage3: quad_share needs a model that makes full size already; train without it first, and then "
                    "further with --start."
                )
            networks["first_detail"] = deepcopy(detail).eval()  # what pairs are made with must not change
        for network in networks.values():
            network.requires_grad_(False)
        self.makers = tuple(networks)
        self.players = {MODEL: {"detail": detail}}
        self.frozen = {**networks, **({"lpips": lpips} if lpips is not None else {})}
        self.multiple = max(detail.multiple, model.vae.factor * model.unet.size_multiple)
        check_crop(settings, self.multiple)

    def course(self, player: str, step: int) -> Hashable | None:  # noqa: ARG002
        """No two passes are alike: the noise of the half-size picture is measured on the CPU."""
        return None

    def loss(self, player: str, pair: Pair, draws: Draws) -> tuple[Tensor, Readings]:  # noqa: ARG002
        """The distance from the truth at full size, and at half size."""
        made = self._full(pair, draws)
        assert pair.full is not None
        look = draws.place(PERIOD), draws.slant(PERIOD**2)
        picture, half = (
            picture_loss(image, truth, self.lpips, self.settings.loss, *look).mean()
            for image, truth in ((made, pair.full.truth), (halved(made), pair.reference))
        )
        loss = picture + self.settings.half_weight * half
        return loss, {"picture": picture.detach(), "half": half.detach()}

    def _full(self, pair: Pair, draws: Draws) -> Tensor:
        assert pair.full is not None
        half = self.half_size(pair, draws) if pair.full.half is None else pair.full.half
        return full_picture(self.detail, half, pair.full.samples)

    @property
    def pairs_crop(self) -> int:
        """Pairs that are kept are larger than what a step trains on."""
        return pairs_crop(self.settings)

    @property
    def kept_bytes(self) -> int:
        """As the recipe asks for."""
        return self.settings.kept_pairs * BYTES * self.pairs_crop**2

    def kept(self, pairs: Dataset[Pair], making: Making) -> Dataset[Pair]:
        """The pairs that the recipe keeps, with their half-size pictures; all of them where it keeps none."""
        settings = self.settings
        if not settings.kept_pairs:
            return pairs
        networks = [self.frozen[name].to(making.accelerator.device) for name in self.makers]
        stored = stored_pairs(settings.kept_pairs, self.pairs_crop, pairs, self.half_size, networks, making)
        return KeptPairs(stored, self.optimisation.crop, making.seed)

    @torch.no_grad()
    def half_size(self, pair: Pair, draws: Draws) -> Tensor:
        """(batch, 3, h, w) the picture of half the sensor's size, as `enhance` makes it.

        Of a quad Bayer sensor that is the full size of the Bayer sensor that its squares make up, by the weights from
        which the training began.
        """
        assert pair.full is not None
        squares, made = pair.full.samples.in_squares, torch.empty_like(pair.reference)
        noise = draws.normal_like(_latents_like(pair.noisy, self.model))
        if not squares.all():
            made[~squares] = self._networks(pair.noisy[~squares], noise[~squares])
        if squares.any():
            joined = pair.full.samples.each(lambda part: part[squares]).of_squares()
            # Each pixel of their LRGB is there four times.
            half = self._networks(pair.noisy[squares][..., ::2, ::2], noise[squares][..., ::2, ::2])
            made[squares] = full_picture(self.frozen["first_detail"], half, joined).clamp(0, 1)
        return made

    def _networks(self, noisy: Tensor, noise: Tensor) -> Tensor:
        """(batch, 3, h, w) float32, the finished picture of the stages before."""
        model = self.model
        seen = model.vae.encode(noisy)
        condition = model.unet.prepare(model.context(seen.latents))
        scheduler = make_scheduler(dict(model.scheduler.config), model.config["default_sampler"])
        steps = int(model.config["default_steps"])
        latents = sample(lambda z, t: model.unet(z, t, condition), noise, scheduler, steps)
        return finish(model.vae.decode(latents, seen), noisy, model.vae.factor, model.finishing).clamp(0, 1).float()

    def health(self, pair: Pair, draws: Draws) -> Numbers:
        """Scores at full size, beside the half-size picture's; and those of the full-size picture, halved."""
        assert pair.full is not None
        half = self.half_size(pair, draws)
        made = full_picture(self.detail, half, pair.full.samples)
        small = pair.reference
        pictures = {"": (made, pair.full.truth), "halved_": (halved(made), small), "half_": (half, small)}
        return {
            prefix + name: value
            for prefix, (picture, truth) in pictures.items()
            for name, value in score(picture, truth, self.lpips).items()
        }

    def picture(self, pair: Pair, draws: Draws) -> Tensor:
        """What the network makes of the held-out images, halved, beside which the log shows them."""
        return halved(self._full(pair, draws)).clamp(0, 1)

    def export(self, folder: Path) -> None:
        """The whole model with its Detail, ready for `enhance --model`."""
        self.model.with_detail(self.detail).save_pretrained(folder)


def _latents_like(noisy: Tensor, model: DarkDiffPipeline) -> Tensor:
    """(batch, channels, h, w) of the size that the latents of a picture have."""
    height, width = (side // model.vae.factor for side in noisy.shape[-2:])
    return noisy.new_empty(len(noisy), int(model.unet.config["in_channels"]), height, width)


def pairs_crop(settings: Stage3) -> int:
    """Side in LRGB pixels of the pairs whose half-size pictures are made."""
    crop = settings.optimisation.crop
    return max(crop, settings.kept_crop) if settings.kept_pairs else crop


def check_crop(settings: Stage3, step: int) -> None:
    """Check that the frozen stages make pictures of just the pairs' size.

    Args:
        settings: of the stage.
        step: of the model: the sides that it takes are multiples of it.

    Raises:
        SettingsError: they do not.
    """
    if settings.data.quad_share and pairs_crop(settings) % (2 * step):
        raise SettingsError(f"stage3: with quad_share, crop and kept_crop must be multiples of {2 * step}.")
    if pairs_crop(settings) % step:
        raise SettingsError(f"stage3: crop and kept_crop must be multiples of {step}, the model's own step.")
