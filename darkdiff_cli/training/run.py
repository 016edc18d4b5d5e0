"""What each stage starts from and trains, and in which order."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import torch
from diffusers import DDIMScheduler
from torch.utils.data import Dataset

from darkdiff_cli.datasets import Pair, Source, collate
from darkdiff_cli.datasets.stored import remove_stored
from darkdiff_cli.errors import SettingsError
from darkdiff_cli.training.beginning import Beginning
from darkdiff_cli.training.loop.checkpoints import step_of
from darkdiff_cli.training.loop.machine import RunSettings, make_accelerator
from darkdiff_cli.training.loop.terms import Terms, terms_of
from darkdiff_cli.training.loop.train import earlier_checkpoint, train
from darkdiff_cli.training.pairs import StageName, StagePairs
from darkdiff_cli.training.recipe.optimisation import Optimisation
from darkdiff_cli.training.recipe.recipe import Recipe
from darkdiff_cli.training.recipe.written import of_length, write_recipe
from darkdiff_cli.training.stages.beforehand import Making
from darkdiff_cli.training.stages.sid_unet import Regression
from darkdiff_cli.training.stages.stage import Numbers, Stage
from darkdiff_cli.training.stages.stage0 import PlainAutoencoder, PlainDenoiser, calibrate_scale
from darkdiff_cli.training.stages.stage1 import ResidualAutoencoder
from darkdiff_cli.training.stages.stage2 import ConditionalDenoiser
from darkdiff_cli.training.stages.stage3 import FullSizePicture
from darkdiff_cli.training.untrained import UntrainedBeginning
from darkdiff_models.checkpoints import load_pipeline
from darkdiff_models.learning.lpips import LPIPS
from darkdiff_models.learning.sid_unet import SidUNet
from darkdiff_models.networks.surgery import denoiser

StageReport = Callable[[str, str, int, int, Numbers | str], None]
"""A `Report` with the training's name before it."""

KEPT = "kept"  # folder of the pairs that are made before a stage trains
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
        dry: nothing of it will be kept, so that a stage may stand on what the ones before it have not trained yet.
    """

    recipe: Recipe
    source: Source
    settings: RunSettings
    base: str = ""
    start: str = ""
    lpips: LPIPS | None = None
    steps: int | None = None
    epochs: int | None = None
    dry: bool = False

    @property
    def pairs(self) -> StagePairs:
        """The pairs that its stages train and are checked on."""
        return StagePairs(self.recipe, self.source)

    @property
    def beginning(self) -> Beginning:
        """The networks that its stages start from."""
        kind = UntrainedBeginning if self.dry else Beginning
        return kind(self.recipe, self.settings.output, self.base, self.start)

    def stages(self, name: StageName) -> Iterator[Stage]:
        """The trainings of a stage in order, each made when the one before it is done.

        Raises:
            SettingsError: something that the stage needs is missing; the message says what to do.
        """
        torch.manual_seed(self.recipe.seed)  # the networks' random start
        made = {
            "0": self._stage0,
            "1": self._stage1,
            "2": self._stage2,
            "3": self._stage3,
            "sid-unet": self._regression,
        }
        for stage in made[name]():
            stage.optimisation = self._in_steps(stage.optimisation)
            yield stage

    def train(self, name: StageName, report: StageReport) -> Path:
        """Train one stage; returns the folder of what was trained."""
        for stage in self.stages(name):
            pairs, folder = self.pairs.training(name, stage.pairs_crop), self.settings.output / stage.name
            terms = self.terms(name, pairs)
            say = partial(_note, report, stage)
            making = Making(make_accelerator(self.settings), folder / KEPT, self.recipe.seed, terms, say)
            newest = earlier_checkpoint(folder, self.settings.resume)
            done = newest is not None and (step_of(newest) or 0) >= stage.optimisation.steps
            data = pairs if done else stage.kept(pairs, making)
            if making.accelerator.is_main_process and not done:
                write_recipe(folder, of_length(self.recipe, self.steps, self.epochs), self._options(name))
            held_out = self.pairs.held_out(name, stage.pairs_crop)
            train(stage, data, held_out, self.settings, partial(report, stage.name), terms)
            if making.accelerator.is_main_process:
                remove_stored(making.folder)
        return self.settings.output / stage.name

    def _options(self, name: StageName) -> list[str]:
        """The options that decide the result of a stage, but for the recipe's."""
        data = (word for kind, folder in self.source.places for word in ("--data", f"{kind}:{folder.absolute()}"))
        begun = (("--base", self.base), ("--start", self.start))
        return ["--stage", name, *data, *(word for pair in begun if pair[1] for word in pair)]

    def terms(self, name: StageName, pairs: Dataset[Pair]) -> Terms:
        """What decides the result of a stage that trains on these pairs."""
        given = {
            "--steps": self.steps,
            "--epochs": self.epochs,
            "--data": [f"{kind}:{folder.absolute()}" for kind, folder in self.source.places],
            "register_colours": self.pairs.source(name).register_colours,
            "pairs": len(pairs),  # type: ignore[arg-type]
            "--base": self.base,
            "--start": self.start,
        }
        return terms_of(self.recipe.decisive(name) | given)

    def _stage0(self) -> Iterator[Stage]:
        settings = self.recipe.stage0
        if settings is None:
            raise SettingsError(
                f"recipe {self.recipe.name} has no stage 0: it retasks {self.recipe.base}; begin with --stage 1."
            )
        finished = self.settings.output / "stage0-autoencoder" / "vae"
        if not (self.settings.resume and finished.is_dir()):
            yield PlainAutoencoder(settings, self.lpips)
        vae = self.beginning.plain_autoencoder()
        if not self.dry:
            held_out = self.pairs.held_out("0", settings.autoencoder.crop)
            pairs, multiple = range(CALIBRATION_IMAGES), 2 ** (len(vae.config["block_out_channels"]) - 1)
            calibrate_scale(vae, collate([held_out[index].padded(multiple) for index in pairs]))
        yield PlainDenoiser(settings, vae, self.recipe.seed)

    def _stage1(self) -> Iterator[Stage]:
        begin = self.beginning
        vae = begin.wide_enough(begin.model().vae) if self.start else begin.retasked_autoencoder()
        yield ResidualAutoencoder(self.recipe.stage1, self.recipe.finishing, vae, self.lpips)

    def _stage2(self) -> Iterator[Stage]:
        yield self._denoiser()

    def _denoiser(self) -> ConditionalDenoiser:
        settings, begin, own = self.recipe.stage2, self.beginning, self.settings.output / "stage1" / "vae"
        if self.start:
            model = begin.model()
            vae = begin.trained_autoencoder() if own.is_dir() else begin.wide_enough(model.vae)
            return ConditionalDenoiser(self.recipe, vae, (model.unet, model.context), model.scheduler, self.lpips)
        vae = begin.trained_autoencoder()
        origin = begin.base_model()
        networks = denoiser(
            origin.unet,
            origin.empty_prompt,
            settings.region_size,
            settings.conditioning,
            settings.region_position_bias,
        )
        schedule = DDIMScheduler.from_config(origin.scheduler, timestep_spacing="trailing")
        return ConditionalDenoiser(self.recipe, vae, networks, schedule, self.lpips)

    def _stage3(self) -> Iterator[Stage]:
        settings = self.recipe.stage3
        if settings is None:
            raise SettingsError(f"recipe {self.recipe.name} has no stage 3; add `stage3:` to it.")
        begin, own = self.beginning, self.settings.output / "stage2" / "unet"
        start = begin.model() if self.start else None
        if own.is_dir():
            model = load_pipeline(begin.finished())
        elif start is not None:
            model = start
        else:
            model = self._denoiser().finished() if self.dry else load_pipeline(begin.finished())
        detail = begin.deep_enough((start or model).detail, settings.shape)
        yield FullSizePicture(settings, model, detail, self.lpips)

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
        pairs = len(self.pairs.training("1", plan.crop))  # type: ignore[arg-type]
        return replace(plan, steps=max(1, round(epochs * pairs / plan.batch_size)), epochs=0)


def _note(report: StageReport, stage: Stage, sentence: str) -> None:
    report(stage.name, "note", 0, stage.optimisation.steps, f"{stage.name}: {sentence}")
