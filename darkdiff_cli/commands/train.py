"""`darkdiff train`: train a stage of a recipe."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from darkdiff_cli.errors import SettingsError


def train(
    stage: Annotated[int, typer.Option(min=0, max=2, help="0: own base model; 1: residual autoencoder; 2: denoiser.")],
    data: Annotated[str, typer.Option(help="Training data: photos:DIR, a folder of finished photographs.")],
    recipe: Annotated[str, typer.Option(help="A bundled recipe or a YAML file.")] = "tiny",
    output: Annotated[Path, typer.Option(help="Folder of the run; each stage finds the one before it there.")] = Path(
        "runs"
    ),
    base: Annotated[
        str | None,
        typer.Option(help="Stable Diffusion 2.1 folder, hub id or mirror name to retask, instead of stage 0."),
    ] = None,
    lpips: Annotated[Path | None, typer.Option(help="LPIPS v0.1 AlexNet weights (safetensors).")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the newest checkpoint.")] = False,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N or mps.")] = "auto",
    workers: Annotated[int, typer.Option(min=0, help="Processes that make training pairs.")] = 1,
) -> int:
    """Train one stage and write it to OUTPUT. Prints the folder; Ctrl-C saves a checkpoint for --resume."""
    kind, _, folder = data.partition(":")
    if kind != "photos" or not folder:
        raise SettingsError(f"--data {data}: must be photos:DIR.")
    if lpips is not None and not lpips.is_file():
        raise SettingsError(f"--lpips {lpips}: no such file.")
    from darkdiff_cli.training.loop import RunSettings
    from darkdiff_cli.training.recipe import load_recipe
    from darkdiff_cli.training.stages import run_stage

    plan = load_recipe(recipe)
    settings = RunSettings(
        output=output,
        seed=plan.seed,
        resume=resume,
        workers=workers,
        device=device,
        log_every=plan.log_every,
        check_every=plan.check_every,
        keep=plan.keep_checkpoints,
    )
    print(run_stage(stage, plan, Path(folder), settings, base, lpips, _report))
    return 0


def _report(what: str, step: int, total: int, numbers: dict[str, float]) -> None:
    values = "  ".join(f"{name} {value:.4g}" for name, value in numbers.items())
    print(f"{what} {step}/{total}  {values}", file=sys.stderr, flush=True)
