"""`darkdiff bench speed`: where the time and the memory of a photo go."""

import json
from pathlib import Path
from typing import Annotated

import typer

from darkdiff_cli.commands.bench.options import AsJson, Device, Quiet, needs_extra
from darkdiff_cli.commands.options import Views
from darkdiff_cli.commands.progress import counted_progress
from darkdiff_cli.errors import SettingsError

PRECISIONS = {"fp32": "float32", "bf16": "bfloat16", "fp16": "float16"}


def speed(
    model: Annotated[
        str, typer.Option(help="tiny, a folder or a hub id; sd-2.1 for its widths with random weights.")
    ] = "tiny",
    size: Annotated[list[float] | None, typer.Option(min=0.01, help="Megapixels of the sensor; several times.")] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="Denoising steps. Default: the model's.")] = None,
    guidance: Annotated[float | None, typer.Option(min=0, help="Guidance. Default: the model's.")] = None,
    views: Views = None,
    tile: Annotated[int | None, typer.Option(min=8, help="Denoiser tile in latents.")] = None,
    precision: Annotated[str | None, typer.Option(help="fp32, bf16 or fp16. Default: as suits the device.")] = None,
    beside: Annotated[
        str | None, typer.Option(help="controlnet: time diffusers' ControlNet pipeline of the same widths as well.")
    ] = None,
    repeats: Annotated[int, typer.Option(min=1, help="Timed runs of each size; the median counts.")] = 3,
    device: Device = "auto",
    report: Annotated[Path | None, typer.Option(help="Write an HTML report, JSON beside it.")] = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> int:
    """Time the way of a photo by stage, for sensors of 3 to 24 megapixels, beside the device's matrix-product peak."""
    needs_extra()
    import torch

    from darkdiff_cli.enhancer import Enhancer, EnhanceSettings
    from darkdiff_cli.evaluation.report.page import as_json as found_json
    from darkdiff_cli.evaluation.report.page import as_text, memory_table, speed_table, write_report
    from darkdiff_cli.evaluation.speed.run import run_speed
    from darkdiff_models.checkpoints import untrained_pipeline

    if beside not in (None, "controlnet"):
        raise SettingsError(f"--beside {beside}: must be controlnet.")
    if precision is not None and precision not in PRECISIONS:
        raise SettingsError(f"--precision {precision}: must be one of {', '.join(PRECISIONS)}.")
    pipeline, name = (untrained_pipeline(), "SD 2.1 widths, untrained") if model == "sd-2.1" else (None, model)
    enhancer = Enhancer(name, device, pipeline)
    enhancer.pipeline.use_precision(getattr(torch, PRECISIONS[precision]) if precision else None)
    settings = EnhanceSettings(steps=steps, guidance=guidance, views=views, tile=tile)
    with counted_progress("speed", quiet) as progress:
        found = run_speed(enhancer, settings, size or (3.0, 6.0, 12.0, 24.0), repeats, progress,
                          beside == "controlnet")  # fmt: skip
    if report is not None:
        write_report(report, None, found, Path())
    if as_json:
        print(json.dumps(found_json(None, found), indent=2))
    else:
        print(
            f"{found.model}, {found.steps} steps, guidance {found.guidance:g}, {found.views} views, "
            f"on {found.device} in {found.precision}"
        )
        print(as_text(speed_table(found)))
        print(as_text(memory_table(found)))
    return 0
