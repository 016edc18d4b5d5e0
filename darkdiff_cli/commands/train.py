"""`darkdiff train`: train a stage of a recipe."""

import sys
from dataclasses import replace
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from darkdiff_cli.commands.progress import training_progress
from darkdiff_cli.commands.weights import lpips_file
from darkdiff_cli.errors import SettingsError

if TYPE_CHECKING:
    from darkdiff_cli.training.recipe.recipe import Recipe
    from darkdiff_cli.training.run import Run, StageName
    from darkdiff_models.learning.lpips import LPIPS


class StageChoice(str, Enum):
    """What can be trained."""

    base = "0"
    autoencoder = "1"
    denoiser = "2"
    sid_unet = "sid-unet"
    every = "all"


PRECISIONS = ("auto", "fp32", "bf16", "fp16")


def train(
    stage: Annotated[
        StageChoice,
        typer.Option(
            help="0: own base model; 1: residual autoencoder; 2: denoiser; all of them; sid-unet: a baseline."
        ),
    ],
    data: Annotated[
        str | None, typer.Option(help="Training data: sid:DIR, lrd:DIR, raws:DIR (your clean raws) or photos:DIR.")
    ] = None,
    recipe: Annotated[str, typer.Option(help="A bundled recipe or a YAML file.")] = "paper-sid",
    output: Annotated[
        Path, typer.Option("-o", "--output", help="Folder of the run; each stage finds the one before it there.")
    ] = Path("runs"),
    base: Annotated[
        str | None, typer.Option(help="Stable Diffusion 2.1 to retask: folder, hub id or mirror name.")
    ] = None,
    start: Annotated[
        str | None, typer.Option(help="DarkDiff model to go on from instead of a base: tiny, a folder or a hub id.")
    ] = None,
    lpips: Annotated[
        Path | None, typer.Option(help="LPIPS v0.1 AlexNet weights (safetensors); else they are downloaded once.")
    ] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="Optimiser steps instead of the recipe's length.")] = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="Epochs instead of the recipe's length.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the newest checkpoint.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would train, and its memory; train nothing.")] = (
        False
    ),
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    precision: Annotated[str, typer.Option(help="auto, fp32, bf16 or fp16.")] = "auto",
    workers: Annotated[int, typer.Option(min=0, help="Processes that make training pairs, for each device.")] = 1,
    cache: Annotated[Path | None, typer.Option(help="Folder of decoded raws; default the platform's cache.")] = None,
    cache_limit: Annotated[float, typer.Option(min=0.0, help="Its size limit in gigabytes.")] = 100.0,
) -> int:
    """Train a stage and write it to OUTPUT. Prints the folder; Ctrl-C saves a checkpoint for --resume.

    Several GPUs or machines: accelerate launch -m darkdiff_cli train ...
    """
    _check(stage, steps, epochs, precision, lpips, base, start)
    from darkdiff_cli.datasets import MosaicCache, Source, parse_data
    from darkdiff_cli.training.loop.machine import RunSettings
    from darkdiff_cli.training.recipe.recipe_file import load_recipe
    from darkdiff_cli.training.run import Run

    plan = load_recipe(recipe)
    if data is None:
        raise SettingsError(
            f"recipe {plan.name} needs training data: give --data sid:DIR, lrd:DIR, raws:DIR or photos:DIR."
        )
    kind, folder = parse_data(data)
    mosaics = MosaicCache(cache, cache_limit)
    source = Source(kind, folder, plan.data, plan.seed, plan.lrgb_space, plan.data_format, mosaics)
    pace = {"log_every": plan.log_every, "check_every": plan.check_every, "keep": plan.keep_checkpoints}
    settings = RunSettings(output, plan.seed, resume=resume, workers=workers, device=device,
                           precision=precision, **pace)  # type: ignore[arg-type]  # fmt: skip
    run = Run(plan, source, settings, base or "", start or "", None, steps, epochs)
    if (gap := source.gap()) is not None:
        print(f"darkdiff: {gap}", file=sys.stderr)
    names = _stages(plan, stage, base or start)
    if dry_run:
        _describe(run, names[0])  # the later ones need its result
        return 0
    for name in names:
        run = replace(run, lpips=_perceptual(plan, name, lpips))
        with training_progress(f"stage {name}") as report:
            folder = run.train(name, report)
    print(folder)
    return 0


def _stages(recipe: "Recipe", choice: StageChoice, origin: str | None) -> "list[StageName]":
    """The stages in order; the own base model only where no other is retasked or gone on from."""
    if choice is not StageChoice.every:
        return [choice.value]
    return ["0", "1", "2"] if recipe.stage0 is not None and origin is None else ["1", "2"]


def _check(
    stage: StageChoice,
    steps: int | None,
    epochs: int | None,
    precision: str,
    lpips: Path | None,
    base: str | None,
    start: str | None,
) -> None:
    if base is not None and start is not None:
        raise SettingsError("--base and --start: give one of them; --start goes on from a whole DarkDiff model.")
    if start is not None and stage in (StageChoice.base, StageChoice.sid_unet):
        raise SettingsError(f"--start: stage {stage.value} has nothing to go on from; give --stage 1, 2 or all.")
    if steps is not None and epochs is not None:
        raise SettingsError("--steps and --epochs: give one of them.")
    if precision not in PRECISIONS:
        raise SettingsError(f"--precision {precision}: must be one of {', '.join(PRECISIONS)}.")
    if lpips is not None and not lpips.is_file():
        raise SettingsError(f"--lpips {lpips}: no such file.")


def _perceptual(recipe: "Recipe", stage: str, path: Path | None) -> "LPIPS | None":
    """The LPIPS network from the user's file, the cache or its public originals; None where no loss weighs it."""
    from darkdiff_models.learning.lpips import LPIPS

    losses = {"0": recipe.stage0, "1": recipe.stage1, "2": recipe.stage2}.get(stage)
    if path is None and (losses is None or losses.loss.perceptual_weight == 0):
        return None
    try:
        return LPIPS.from_file(lpips_file(path))
    except (FileNotFoundError, ValueError, KeyError) as error:
        raise SettingsError(f"{error}; give the LPIPS weights with --lpips FILE.safetensors.") from error


def _describe(run: "Run", name: "StageName") -> None:
    """What would train: parameters by group, and the memory of weights and optimiser."""
    for stage in run.stages(name):
        print(f"{stage.name}: {stage.optimisation.steps} steps of {stage.optimisation.batch_size} images")
        trained = 0
        for player in stage.players:
            for group in stage.parameter_groups(player):
                count = sum(p.numel() for p in group["params"])
                trained += count
                rate = stage.optimisation.learning_rate * group["factor"]
                print(f"  {group['name']}: {count:,} parameters, learning rate {rate:.3g}")
        frozen = sum(p.numel() for module in stage.frozen.values() for p in module.parameters())
        # Weight, gradient, two moments of Adam and the average, 4 bytes each; activations come on top.
        gigabytes = (trained * 20 + frozen * 4) / 1e9
        print(f"  frozen: {frozen:,} parameters")
        print(f"  memory of weights, gradients, optimiser and average: {gigabytes:.2f} GB, activations on top")
        if name == "0":
            return  # its second training needs the first one's result
