"""Trainings to be timed: of networks with random weights, on pairs that cost nothing."""

from dataclasses import dataclass, replace
from pathlib import Path

import imageio.v3 as iio
import numpy as np
import torch
from torch.utils.data import Dataset

from darkdiff_cli.datasets import MosaicCache, Pair, Source
from darkdiff_cli.datasets.kept import KeptPairs
from darkdiff_cli.evaluation.sample import night_scene
from darkdiff_cli.training.beginning import Beginning
from darkdiff_cli.training.pairs import StageName
from darkdiff_cli.training.recipe.recipe import Recipe
from darkdiff_cli.training.run import Run
from darkdiff_cli.training.stages.stage import Stage
from darkdiff_cli.training.untrained import UntrainedBeginning
from darkdiff_models.learning.lpips import LPIPS

PAIRS = 4  # that are kept and come again and again


@dataclass(frozen=True)
class RandomBeginning(UntrainedBeginning):
    """Random weights in place of the recipe's base too: nothing is downloaded to be timed."""

    @property
    def has_base(self) -> bool:
        """Whether the user gave a base."""
        return bool(self.base)


@dataclass(frozen=True)
class UntrainedRun(Run):
    """A run that trains for its own sake, from random weights where no base is given."""

    @property
    def beginning(self) -> Beginning:
        """As `Run.beginning`."""
        return RandomBeginning(self.recipe, self.settings.output, self.base, self.start)

    def made(self, name: StageName, device: torch.device) -> Stage:
        """The first training of a stage; random weights are drawn on the device.

        Raises:
            SettingsError: as `Run.stages`.
        """
        lpips = LPIPS(self.recipe.perceptual_network) if self.recipe.weighs_lpips(name) else None
        given = self.base or self.start
        with torch.device("cpu" if given else device):
            return next(replace(self, lpips=lpips).stages(name))

    def data(self, name: StageName, stage: Stage, kept: bool) -> Dataset[Pair]:
        """The pairs to train on.

        Args:
            name: of the stage.
            stage: what trains.
            kept: a few pairs are made now and come again and again, so that a step waits for none.

        Raises:
            InputError, SettingsError: as `Source.open`.
        """
        pairs = self.pairs.training(name, stage.pairs_crop)
        if not kept:
            return pairs
        return KeptPairs([pairs[index] for index in range(PAIRS)], stage.pairs_crop, self.recipe.seed)


def scene_source(folder: Path, recipe: Recipe) -> Source:
    """Pairs of a night scene made by code, whose picture is written into a folder."""
    scene = (night_scene() * 255).round().astype(np.uint8)
    for name in ("held_out", "scene"):  # the first of the folder is no training picture
        iio.imwrite(folder / f"{name}.png", scene)
    places = (("photos", folder),)
    return Source(places, recipe.data, recipe.seed, recipe.lrgb_space, recipe.data_format, MosaicCache(folder))  # type: ignore[arg-type]
