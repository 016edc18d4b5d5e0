"""The options of `train`: what is trained, on which data, where."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

import typer

from darkdiff_cli.commands.aliases import Offline
from darkdiff_cli.errors import SettingsError

if TYPE_CHECKING:
    from darkdiff_cli.training.pairs import StageName
    from darkdiff_cli.training.recipe.recipe import Recipe

StageChoice = Literal["0", "1", "2", "3", "sid-unet", "all"]
PRECISIONS = ("auto", "fp32", "bf16", "fp16")
RecipeName = Annotated[str, typer.Option(metavar="RECIPE", help="Name of a bundled recipe, or a YAML file.")]
Changes = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="A value in place of the recipe's, such as stage2.conditioning=concat. Can be given several times.",
    ),
]


@dataclass(frozen=True)
class TrainingOptions:
    """What is trained, from what, and for how long."""

    panel: ClassVar[str] = "Training"
    stage: Annotated[
        StageChoice,
        typer.Option(
            help="0: a small base model; 1: the residual autoencoder; 2: the denoiser; 3: full size; all: these in "
            "turn; sid-unet: the U-Net of See-in-the-Dark, to compare with."
        ),
    ]
    recipe: RecipeName = "paper-sid"
    changes: Changes = None
    base: Annotated[
        str | None,
        typer.Option(
            metavar="MODEL", help="Stable Diffusion 2.1 to start from: a folder, a Hugging Face id or a mirror's name."
        ),
    ] = None
    start: Annotated[
        str | None,
        typer.Option(
            metavar="MODEL",
            help="DarkDiff model to train further, instead of a base: tiny, a folder or a Hugging Face id.",
        ),
    ] = None
    lpips: Annotated[
        Path | None,
        typer.Option(
            help="LPIPS v0.1 weights (safetensors) of the recipe's network. Default: the public ones, downloaded once."
        ),
    ] = None
    steps: Annotated[
        int | None,
        typer.Option(min=1, max=10**8, metavar="N", help="Number of optimiser steps. Default: the recipe's length."),
    ] = None
    epochs: Annotated[
        int | None,
        typer.Option(
            min=1, max=10**8, metavar="N", help="Number of passes over the data. Default: the recipe's length."
        ),
    ] = None
    resume: Annotated[bool, typer.Option("--resume", metavar="", help="Continue from the newest checkpoint.")] = False

    def check(self) -> None:
        """Refuse options that exclude each other.

        Raises:
            SettingsError: two options exclude each other, or a file is missing.
        """
        if self.base is not None and self.start is not None:
            raise SettingsError(
                "--base and --start: give one of them; --start trains a finished DarkDiff model further."
            )
        if self.start is not None and self.stage in ("0", "sid-unet"):
            raise SettingsError(f"--start: stage {self.stage} has nothing to go on from; give --stage 1, 2, 3 or all.")
        if self.steps is not None and self.epochs is not None:
            raise SettingsError("--steps and --epochs: give one of them.")
        if self.lpips is not None and not self.lpips.is_file():
            raise SettingsError(f"--lpips {self.lpips}: no such file.")

    def stages(self, recipe: "Recipe") -> "list[StageName]":
        """The stages in order; a small base model only where no other model is the start."""
        if self.stage != "all":
            return [self.stage]
        own_base = recipe.stage0 is not None and self.base is None and self.start is None
        names: list[StageName] = ["0", "1", "2"] if own_base else ["1", "2"]
        return [*names, "3"] if recipe.stage3 is not None else names


@dataclass(frozen=True)
class DataOptions:
    """The training data, and the cache of its raw files."""

    panel: ClassVar[str] = "Data"
    data: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KIND:DIR",
            help="Training data: sid:DIR or lrd:DIR (the published sets), raws:DIR (your own well-exposed raw files) "
            "or photos:DIR (JPEG, PNG, TIFF or WebP). Can be given several times.",
        ),
    ] = None
    cache: Annotated[
        Path | None, typer.Option(help="Folder of decoded raw files. Default: in the platform's cache folder.")
    ] = None
    cache_limit: Annotated[
        float, typer.Option(min=0.0, metavar="GB", help="Size limit of that folder in gigabytes.")
    ] = 100.0


@dataclass(frozen=True)
class TrainingMachineOptions:
    """Where the networks train."""

    panel: ClassVar[str] = "Machine"
    device: Annotated[str, typer.Option(metavar="NAME", help="Where the networks train: auto, cpu, cuda or mps.")] = (
        "auto"
    )
    precision: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="Arithmetic of the networks: auto (bf16 where the hardware has it), fp32, bf16 or fp16.",
        ),
    ] = "auto"
    workers: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=1024,
            metavar="N",
            help="Processes that make training pairs, for each device; 0: the training process makes them. Default: 1, "
            "and on a GPU 4.",
        ),
    ] = None
    offline: Offline = False

    def check(self) -> None:
        """Refuse a precision that does not exist.

        Raises:
            SettingsError: there is no such precision.
        """
        if self.precision not in PRECISIONS:
            raise SettingsError(f"--precision {self.precision}: must be one of {', '.join(PRECISIONS)}.")
