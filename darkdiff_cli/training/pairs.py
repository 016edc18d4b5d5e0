"""The pairs of each stage: what it trains on, and what it is checked on."""

from dataclasses import dataclass, replace
from typing import Literal

from torch.utils.data import Dataset

from darkdiff_cli.datasets import Pair, Source
from darkdiff_cli.raw import DataFormat
from darkdiff_cli.training.recipe.recipe import Recipe

StageName = Literal["0", "1", "2", "3", "sid-unet"]

HEALTH_RATIOS = (100.0, 300.0)
FULL_SIZE_HEALTH_RATIOS = (4.0, 16.0)
HEALTH_CROP = 256


@dataclass(frozen=True)
class StagePairs:
    """The pairs of a recipe's stages.

    Attributes:
        recipe: says which form the stages need.
        given: where the pairs lie.
    """

    recipe: Recipe
    given: Source

    def training(self, name: StageName, crop: int) -> Dataset[Pair]:
        """What a stage trains on, in crops of so many pixels.

        Raises:
            InputError, SettingsError: as `Source.open`.
        """
        return self.source(name).open("train", crop)

    def held_out(self, name: StageName, crop: int) -> Dataset[Pair]:
        """What a stage is checked on, at ratios that stay the same whatever the recipe trains on.

        Raises:
            InputError, SettingsError: as `Source.open`.
        """
        ratios = FULL_SIZE_HEALTH_RATIOS if name == "3" else HEALTH_RATIOS
        source = self.source(name)
        dark = replace(source.settings, ratio_range=ratios, bright_share=0.0, defocus_share=0.0, drawn_share=0.0)
        return replace(source, settings=dark).open("validation", min(crop, HEALTH_CROP))

    def source(self, name: StageName) -> Source:
        """Where the pairs of a stage come from, in the form that it needs."""
        # A model for full size is given registered colours, any other binned ones, rims and all.
        source = replace(self.given, register_colours=self.recipe.stage3 is not None)
        if name == "3" and self.recipe.stage3 is not None:
            return replace(source, settings=self.recipe.stage3.data, full_size=True)
        fixed: dict[StageName, DataFormat] = {"0": "lrgb-srgb", "sid-unet": "raw-srgb"}
        return replace(source, data_format=fixed.get(name, source.data_format))
