"""`darkdiff bench train`: where the time and the memory of a training step go."""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from importlib.metadata import version
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

import typer

from darkdiff_cli.commands.aliases import AsJson, Quiet
from darkdiff_cli.commands.bench.options import needs_extra
from darkdiff_cli.commands.console import show, show_json
from darkdiff_cli.commands.progress import counted_progress
from darkdiff_cli.commands.train_options import Changes, RecipeName, TrainingMachineOptions
from darkdiff_cli.errors import SettingsError
from darkdiff_cli.progress import Progress
from darkdiff_cli.words import counted

if TYPE_CHECKING:
    from darkdiff_cli.evaluation.speed.training import TrainingSpeed
    from darkdiff_cli.evaluation.speed.untrained import UntrainedRun

TimedStage = Literal["1", "2", "sid-unet"]


@dataclass(frozen=True)
class TimedTrainingOptions:
    """Which training is timed, on what, and for how long."""

    panel: ClassVar[str] = "What is timed"
    recipe: RecipeName = "paper-sid"
    changes: Changes = None
    stage: Annotated[TimedStage | None, typer.Option(help="Stage of the recipe. Default: 1, then 2.")] = None
    steps: Annotated[
        int, typer.Option(min=1, max=100_000, metavar="N", help="Steps that are measured, after a warm-up.")
    ] = 10
    data: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KIND:DIR",
            help="Training data, as of `train`. Default: a few pairs of a scene made by code, made beforehand, so that "
            "no step waits for them.",
        ),
    ] = None
    base: Annotated[
        str | None,
        typer.Option(metavar="MODEL", help="Stable Diffusion to start from. Default: random weights of its shape."),
    ] = None
    start: Annotated[
        str | None, typer.Option(metavar="MODEL", help="DarkDiff model to start from instead, as of `train`.")
    ] = None

    def check(self) -> None:
        """Refuse options that do not go together.

        Raises:
            SettingsError: two options exclude each other.
        """
        if self.base is not None and self.start is not None:
            raise SettingsError("--base and --start: give one of them.")
        if "sid-unet" in self.stages and self.start is not None:
            raise SettingsError("--start: stage sid-unet has nothing to go on from; leave it out.")

    @property
    def stages(self) -> list[TimedStage]:
        """What is timed, in order."""
        return ["1", "2"] if self.stage is None else [self.stage]


def train(
    timed: TimedTrainingOptions, machine: TrainingMachineOptions, as_json: AsJson = False, quiet: Quiet = False
) -> int:
    """Time some real steps of a recipe's training. Nothing is kept, and no trained weights are needed.

    Images and arithmetic a second beside the fastest matrix product of the device, and the time and memory of a step by
    part.
    """
    needs_extra()
    timed.check()
    machine.check()
    from darkdiff_cli.evaluation.report.lines import as_lines
    from darkdiff_cli.evaluation.report.training_tables import held_table, rate_table
    from darkdiff_cli.evaluation.speed.training import PIECES, run_training

    found: list[TrainingSpeed] = []
    total, begun = len(timed.stages) * (PIECES + timed.steps), count()
    with tempfile.TemporaryDirectory() as name, counted_progress("training", quiet) as progress:
        run = _run(timed, machine, Path(name))
        for stage in timed.stages:
            begin = partial(_begin, progress, f"stage {stage}", begun, total)
            found.append(run_training(run, stage, not timed.data, timed.steps, begin))
    if as_json:
        show_json({"darkdiff": version("darkdiff"), "training": [one.as_dict() for one in found]}, indent=2)
        return 0
    first = found[0]
    given = timed.base or timed.start
    show(f"{first.recipe} on {first.device} in {first.precision}, {f'from {given}' if given else 'random weights'}")
    for one in found:
        images, parts = counted(one.batch_size, "image"), counted(one.parts, "part")
        show(f"{one.stage}: {images} of {one.crop} pixels a step, in {parts}")
    show(*as_lines(rate_table(found)))
    show(*as_lines(held_table(found)))
    return 0


def _run(timed: TimedTrainingOptions, machine: TrainingMachineOptions, folder: Path) -> "UntrainedRun":
    """The training, which writes nothing but the pictures of its pairs into a folder."""
    from darkdiff_cli.datasets import MosaicCache, parse_data
    from darkdiff_cli.evaluation.speed.training import LATE, WARM_UP
    from darkdiff_cli.evaluation.speed.untrained import UntrainedRun, scene_source
    from darkdiff_cli.training.loop.machine import RunSettings
    from darkdiff_cli.training.recipe.recipe_file import load_recipe

    plan = load_recipe(timed.recipe, timed.changes or ())
    source = scene_source(folder, plan)
    if timed.data:
        places = tuple(parse_data(words) for words in timed.data)
        source = replace(source, places=places, cache=MosaicCache(corrections=plan.corrections))
    settings = RunSettings(folder, plan.seed, workers=machine.workers, device=machine.device,
                           precision=machine.precision)  # type: ignore[arg-type]  # fmt: skip
    steps = LATE + WARM_UP + timed.steps
    return UntrainedRun(plan, source, settings, timed.base or "", timed.start or "", steps=steps, dry=True)


def _begin(progress: Progress, stage: str, begun: Iterator[int], total: int, what: str) -> None:
    """Say what comes next."""
    progress(f"{stage}, {what}", next(begun), total)
