"""`darkdiff train`: train a stage of a recipe."""

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from darkdiff_cli.commands.progress import training_progress
from darkdiff_cli.commands.train_options import DataOptions, TrainingMachineOptions, TrainingOptions
from darkdiff_cli.errors import SettingsError
from darkdiff_cli.weights import lpips_file

if TYPE_CHECKING:
    from darkdiff_cli.training.recipe.recipe import Recipe
    from darkdiff_cli.training.run import Run, StageName
    from darkdiff_models.learning.lpips import LPIPS


def train(
    training: TrainingOptions,
    data: DataOptions,
    machine: TrainingMachineOptions,
    output: Annotated[
        Path,
        typer.Option(
            "-o",
            "--output",
            help="Folder of the run; each stage looks there for the one before it.",
            rich_help_panel="Output",
        ),
    ] = Path("runs"),
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run",
            metavar="",
            help="Print what would be trained and its memory; train nothing.",
            rich_help_panel="Output",
        ),
    ] = False,
) -> int:
    """Train a stage of a recipe and write it to the output folder. Ctrl-C saves a checkpoint for --resume.

    Prints the folder of the stage. Several GPUs or machines: accelerate launch -m darkdiff_cli train ...
    """
    training.check()
    machine.check()
    from darkdiff_cli.datasets import MosaicCache, Source, parse_data
    from darkdiff_cli.training.loop.machine import RunSettings
    from darkdiff_cli.training.recipe.recipe_file import load_recipe
    from darkdiff_cli.training.run import Run

    plan = load_recipe(training.recipe)
    if data.data is None:
        raise SettingsError(
            f"recipe {plan.name} needs training data: give --data sid:DIR, lrd:DIR, raws:DIR or photos:DIR."
        )
    kind, folder = parse_data(data.data)
    mosaics = MosaicCache(data.cache, data.cache_limit, plan.row_noise)
    source = Source(kind, folder, plan.data, plan.seed, plan.lrgb_space, plan.data_format, mosaics)
    pace = {"log_every": plan.log_every, "check_every": plan.check_every, "keep": plan.keep_checkpoints}
    settings = RunSettings(output, plan.seed, resume=training.resume, workers=machine.workers, device=machine.device,
                           precision=machine.precision, **pace)  # type: ignore[arg-type]  # fmt: skip
    run = Run(plan, source, settings, training.base or "", training.start or "", None, training.steps, training.epochs)
    if (gap := source.gap()) is not None:
        print(f"darkdiff: {gap}", file=sys.stderr)
    names = training.stages(plan)
    if dry_run:
        _describe(run, names[0])  # the later ones need its result
        return 0
    for name in names:
        run = replace(run, lpips=_perceptual(plan, name, training.lpips))
        with training_progress(f"stage {name}") as report:
            folder = run.train(name, report)
    print(folder)
    return 0


def _perceptual(recipe: "Recipe", stage: str, path: Path | None) -> "LPIPS | None":
    """The LPIPS network from the user's file, the cache or its public originals; None where no loss weighs it."""
    from darkdiff_models.learning.lpips import LPIPS

    if path is None and not any(loss.lpips for name, loss in recipe.losses.items() if name.startswith(f"stage{stage}")):
        return None
    try:
        network = recipe.perceptual_network
        return LPIPS.from_file(lpips_file(path, network), network)
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
