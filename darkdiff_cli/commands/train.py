"""`darkdiff train`: train a stage of a recipe."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from darkdiff_cli.commands.console import say, show
from darkdiff_cli.commands.progress import training_progress
from darkdiff_cli.commands.train_options import DataOptions, TrainingMachineOptions, TrainingOptions
from darkdiff_cli.errors import SettingsError
from darkdiff_cli.weights import lpips_file
from darkdiff_cli.words import counted

if TYPE_CHECKING:
    from darkdiff_cli.training.pairs import StageName
    from darkdiff_cli.training.recipe.recipe import Recipe
    from darkdiff_cli.training.run import Run
    from darkdiff_models.learning.lpips import LPIPS


TERAFLOPS = 100.0  # a second, of which `--dry-run` counts hours; an H100's peak in bf16 is several times that


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
    from darkdiff_cli.training.before import check_before, resumes_nothing, small_pictures
    from darkdiff_cli.training.lock import sole_training
    from darkdiff_cli.training.loop.machine import make_accelerator

    run = _run_of(training, data, machine, output)
    accelerator, names = make_accelerator(run.settings), training.stages(run.recipe)
    if (
        training.stage == "all"
        and "3" in names
        and any(kind not in ("photos", "raws") for kind, _ in run.source.places)
    ):
        names.remove("3")
        if accelerator.is_main_process:
            say("stage 3 is left out: it needs photos:DIR or raws:DIR alone.")
    if accelerator.is_main_process:
        for gap in run.source.gaps():
            say(gap)
    with sole_training(output, accelerator):
        check_before(run, names, accelerator.num_processes)
        if accelerator.is_main_process:
            for sentence in small_pictures(run, names):
                say(sentence)
            if resumes_nothing(run, names):
                say(f"{output}: holds no checkpoint to resume; the training begins anew.")
        judges = {name: _perceptual(run.recipe, name, training.lpips, dry_run) for name in names}
        if dry_run:
            for name in names:
                _describe(replace(run, lpips=judges[name], dry=True), name)
            return 0
        for name in names:
            with training_progress(f"stage {name}") as report:
                folder = replace(run, lpips=judges[name]).train(name, report)
    if accelerator.is_main_process:
        show(folder)
    accelerator.end_training()  # threads of a process group left standing abort a process as it ends, now and then
    return 0


def _run_of(training: TrainingOptions, data: DataOptions, machine: TrainingMachineOptions, output: Path) -> "Run":
    """What the options ask for."""
    from darkdiff_cli.datasets import MosaicCache, Source, parse_data
    from darkdiff_cli.training.loop.machine import RunSettings
    from darkdiff_cli.training.recipe.recipe_file import load_recipe
    from darkdiff_cli.training.run import Run

    plan = load_recipe(training.recipe, training.changes or ())
    if not data.data:
        raise SettingsError(
            f"recipe {plan.name} needs training data: give --data sid:DIR, lrd:DIR, raws:DIR or photos:DIR."
        )
    mosaics = MosaicCache(data.cache, data.cache_limit, plan.corrections)
    places = tuple(parse_data(words) for words in data.data)
    source = Source(places, plan.data, plan.seed, plan.lrgb_space, plan.data_format, mosaics)
    pace = {"log_every": plan.log_every, "check_every": plan.check_every, "keep": plan.keep_checkpoints}
    settings = RunSettings(output, plan.seed, resume=training.resume, workers=machine.workers, device=machine.device,
                           precision=machine.precision, **pace)  # type: ignore[arg-type]  # fmt: skip
    return Run(plan, source, settings, training.base or "", training.start or "", None, training.steps, training.epochs)


def _perceptual(recipe: "Recipe", stage: str, path: Path | None, dry: bool) -> "LPIPS | None":
    """The LPIPS network from the user's file, the cache or its public originals; None where no loss weighs it.

    A dry run downloads none: its values do not matter there.
    """
    from darkdiff_models.connections import is_offline
    from darkdiff_models.learning.lpips import LPIPS

    if path is None and not recipe.weighs_lpips(stage):
        return None
    network = recipe.perceptual_network
    if dry and path is None and not is_offline():
        return LPIPS(network)
    try:
        return LPIPS.from_file(lpips_file(path, network), network)
    except (FileNotFoundError, ValueError, KeyError) as error:
        raise SettingsError(f"{error}; give the LPIPS weights with --lpips FILE.safetensors.") from error


def _describe(run: "Run", name: "StageName") -> None:
    """What would train in a stage, and what it would cost."""
    from darkdiff_cli.training.cost import cost_of

    for stage in run.stages(name):
        plan = stage.optimisation
        steps, images = counted(plan.steps, "step"), counted(plan.batch_size, "image")
        show(f"{stage.name}: {steps} of {images} in {counted(plan.accumulation, 'part')}")
        for player in stage.players:
            for group in stage.parameter_groups(player):
                count = sum(p.numel() for p in group["params"])
                show(
                    f"  {group['name']}: {count:,} parameters, learning rate {plan.learning_rate * group['factor']:.3g}"
                )
        cost = cost_of(stage, run.recipe.channels(name))
        show(f"  frozen: {cost.frozen:,} parameters")
        show(f"  memory of weights, gradients, optimiser and average: {cost.state_bytes / 1e9:.2f} GB")
        show(f"  memory of activations: {cost.activation_bytes / 1e9:.2f} GB in fp32, half of it in bf16 or fp16")
        show(f"  arithmetic: {cost.step_flops / 1e12:.3g} TFLOP a step")
        show(f"  disk: {cost.checkpoint_bytes / 1e9:.2f} GB a checkpoint, {run.recipe.keep_checkpoints} kept")
        if kept := stage.kept_bytes:
            show(f"  disk: {kept / 1e9:.2f} GB of pairs that are made before, until the end")
        hours = cost.hours(plan.steps, TERAFLOPS)
        show(f"  time: {hours:.3g} hours on one device at {TERAFLOPS:g} TFLOP/s, shared among several")
