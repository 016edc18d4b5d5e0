"""What each stage starts from and trains, and in which order."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, TypeVar, cast

import torch
from diffusers import AutoencoderKL, DDIMScheduler
from torch.utils.data import Dataset

from darkdiff_cli.datasets import Pair, Source, collate
from darkdiff_cli.errors import SettingsError
from darkdiff_cli.raw import DataFormat
from darkdiff_cli.training.loop.journal import Report
from darkdiff_cli.training.loop.machine import RunSettings
from darkdiff_cli.training.loop.train import train
from darkdiff_cli.training.recipe.optimisation import Optimisation
from darkdiff_cli.training.recipe.recipe import Recipe
from darkdiff_cli.training.stages.sid_unet import Regression
from darkdiff_cli.training.stages.stage import Stage
from darkdiff_cli.training.stages.stage0 import PlainAutoencoder, PlainDenoiser, calibrate_scale
from darkdiff_cli.training.stages.stage1 import ResidualAutoencoder
from darkdiff_cli.training.stages.stage2 import ConditionalDenoiser
from darkdiff_models import DarkDiffPipeline, ResidualAutoencoderKL
from darkdiff_models.checkpoints import load_base, load_base_autoencoder, load_pipeline
from darkdiff_models.learning.lpips import LPIPS
from darkdiff_models.learning.sid_unet import SidUNet
from darkdiff_models.networks.surgery import denoiser, residual_autoencoder
from darkdiff_models.networks.widening import widened

StageName = Literal["0", "1", "2", "sid-unet"]

Loaded = TypeVar("Loaded")
HEALTH_RATIOS = (100.0, 300.0)
HEALTH_CROP = 256
CALIBRATION_IMAGES = 32


@dataclass(frozen=True)
class Run:
    """What a user asked to train.

    Attributes:
        recipe: what to train.
        source: training pairs.
        settings: of the machine; each stage finds the one before it in the same output folder.
        base: Stable Diffusion checkpoint to retask; empty for the run's own stage 0.
        start: DarkDiff model to go on from instead; empty to begin with the base.
        lpips: the perceptual network, where the recipe weighs it.
        steps, epochs: instead of the recipe's.
    """

    recipe: Recipe
    source: Source
    settings: RunSettings
    base: str = ""
    start: str = ""
    lpips: LPIPS | None = None
    steps: int | None = None
    epochs: int | None = None

    def stages(self, name: StageName) -> Iterator[Stage]:
        """The trainings of a stage in order, each made when the one before it is done.

        Raises:
            SettingsError: something that the stage needs is missing; the message says what to do.
        """
        torch.manual_seed(self.recipe.seed)  # the networks' random start
        made = {"0": self._stage0, "1": self._stage1, "2": self._stage2, "sid-unet": self._regression}
        for stage in made[name]():
            stage.optimisation = self._in_steps(stage.optimisation)
            yield stage

    def train(self, name: StageName, report: Report) -> Path:
        """Train one stage; returns the folder of what was trained."""
        for stage in self.stages(name):
            crop = stage.optimisation.crop
            train(stage, self._pairs(name, "train", crop), self._held_out(name, crop), self.settings, report)
        return self.settings.output / stage.name

    def _stage0(self) -> Iterator[Stage]:
        settings = self.recipe.stage0
        if settings is None:
            raise SettingsError(
                f"recipe {self.recipe.name} has no stage 0: it retasks {self.recipe.base}; begin with --stage 1."
            )
        finished = self.settings.output / "stage0-autoencoder" / "vae"
        if not (self.settings.resume and finished.is_dir()):
            yield PlainAutoencoder(settings, self.lpips)
        vae = cast(AutoencoderKL, AutoencoderKL.from_pretrained(finished))
        held_out = self._held_out("0", settings.autoencoder.crop)
        pairs = [held_out[index] for index in range(CALIBRATION_IMAGES)]
        calibrate_scale(vae, collate([pair.padded(2 ** (len(vae.config["block_out_channels"]) - 1)) for pair in pairs]))
        yield PlainDenoiser(settings, vae, self.recipe.seed)

    def _stage1(self) -> Iterator[Stage]:
        settings = self.recipe.stage1
        if self.start:
            yield ResidualAutoencoder(settings, self.recipe.finishing, self._wide_enough(self._start().vae), self.lpips)
            return
        into = 3 if self.recipe.data_format == "lrgb-srgb" else 4
        out = 4 if self.recipe.data_format == "raw-raw" else 3
        vae = residual_autoencoder(self._from_base(load_base_autoencoder), settings.residual, into, out)
        yield ResidualAutoencoder(settings, self.recipe.finishing, vae, self.lpips)

    def _stage2(self) -> Iterator[Stage]:
        settings = self.recipe.stage2
        if self.start:
            model = self._start()
            own = self.settings.output / "stage1" / "vae"
            vae = ResidualAutoencoderKL.from_pretrained(own) if own.is_dir() else self._wide_enough(model.vae)
            yield ConditionalDenoiser(self.recipe, vae, (model.unet, model.context), model.scheduler, self.lpips)
            return
        vae = ResidualAutoencoderKL.from_pretrained(self._folder("stage1", "vae"))
        origin = self._from_base(load_base)
        networks = denoiser(origin.unet, origin.empty_prompt, settings.region_size, settings.conditioning)
        schedule = DDIMScheduler.from_config(origin.scheduler, timestep_spacing="trailing")
        yield ConditionalDenoiser(self.recipe, vae, networks, schedule, self.lpips)

    def _regression(self) -> Iterator[Stage]:
        if self.recipe.regression is None:
            raise SettingsError(f"recipe {self.recipe.name} has no regression baseline; add `regression:` to it.")
        yield Regression(self.recipe.regression, SidUNet(), self.lpips)

    def _in_steps(self, plan: Optimisation) -> Optimisation:
        """The plan with the user's length, epochs turned into steps."""
        if self.steps is not None:
            return replace(plan, steps=self.steps, epochs=0)
        epochs = self.epochs if self.epochs is not None else plan.epochs
        if epochs == 0:
            return plan
        pairs = len(self._pairs("1", "train", plan.crop))  # type: ignore[arg-type]
        return replace(plan, steps=max(1, round(epochs * pairs / plan.batch_size)), epochs=0)

    def _pairs(self, name: StageName, split: Literal["train", "validation"], crop: int) -> Dataset[Pair]:
        fixed: dict[StageName, DataFormat] = {"0": "lrgb-srgb", "sid-unet": "raw-srgb"}
        return replace(self.source, data_format=fixed.get(name, self.source.data_format)).open(split, crop)

    def _held_out(self, name: StageName, crop: int) -> Dataset[Pair]:
        dark = replace(
            self.recipe.data, ratio_range=HEALTH_RATIOS, bright_share=0.0, defocus_share=0.0, drawn_share=0.0
        )
        source = replace(self.source, settings=dark)
        return replace(self, source=source)._pairs(name, "validation", min(crop, HEALTH_CROP))

    def _start(self) -> DarkDiffPipeline:
        """The model to go on from.

        Raises:
            SettingsError: it cannot be loaded, or sees pictures in another form than the recipe.
        """
        try:
            model = load_pipeline(self.start)
        except (FileNotFoundError, ValueError) as error:
            raise SettingsError(f"--start: {error}.") from error
        for name in ("lrgb_space", "data_format"):
            theirs, ours = dict(model.config)[name], getattr(self.recipe, name)
            if theirs != ours:
                raise SettingsError(
                    f"--start {self.start}: was trained with {name}: {theirs}, recipe {self.recipe.name} says {ours}."
                )
        return model

    def _wide_enough(self, vae: ResidualAutoencoderKL) -> ResidualAutoencoderKL:
        """The autoencoder to go on from, in the widths of the recipe's own where it has them."""
        if self.recipe.stage0 is None:
            return vae
        shape = self.recipe.stage0.autoencoder_shape
        if tuple(vae.config["block_out_channels"]) == shape.block_out_channels:
            return vae
        try:
            return widened(vae, shape.block_out_channels, shape.norm_num_groups)
        except ValueError as error:
            raise SettingsError(f"--start {self.start}: {error}; change autoencoder_shape in the recipe.") from error

    def _from_base(self, load: Callable[[str | Path], Loaded]) -> Loaded:
        """What `load` takes from the Stable Diffusion that is retasked, the user's, the recipe's or the run's own.

        Raises:
            SettingsError: it is missing or cannot be loaded.
        """
        base = self.base or self.recipe.base or self._folder("stage0-denoiser", "unet").parent
        try:
            return load(base)
        except (FileNotFoundError, ModuleNotFoundError) as error:
            raise SettingsError(f"{error}.") from error

    def _folder(self, stage: str, part: str) -> Path:
        folder = self.settings.output / stage / part
        if not folder.is_dir():
            number = stage.removeprefix("stage")[0]
            raise SettingsError(
                f"{folder}: is missing; run `darkdiff train --stage {number} --recipe {self.recipe.name}` with this "
                "--output first."
            )
        return folder
