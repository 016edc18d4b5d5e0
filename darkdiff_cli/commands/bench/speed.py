"""`darkdiff bench speed`: where the time and the memory of a photo go."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

import typer

from darkdiff_cli.commands.aliases import AsJson, Compile, Device, Guidance, Offline, Quiet, Steps, Tile, Views
from darkdiff_cli.commands.bench.options import check_report, needs_extra
from darkdiff_cli.commands.console import show, show_json
from darkdiff_cli.commands.progress import counted_progress
from darkdiff_cli.errors import SettingsError

if TYPE_CHECKING:
    from darkdiff_cli.enhancer import Enhancer, EnhanceSettings

PRECISIONS = {"fp32": "float32", "bf16": "bfloat16", "fp16": "float16"}
SIZES = (3.0, 6.0, 12.0, 24.0)  # megapixels


@dataclass(frozen=True)
class TimedOptions:
    """Which model is timed, on which sensors, how often."""

    panel: ClassVar[str] = "What is timed"
    model: Annotated[
        str,
        typer.Option(
            metavar="MODEL",
            help="tiny, a folder or a Hugging Face id; sd-2.1 is a model of Stable Diffusion 2.1's widths with random "
            "weights.",
        ),
    ] = "tiny"
    size: Annotated[
        list[float] | None,
        typer.Option(
            min=0.01,
            max=1000,
            metavar="MEGAPIXELS",
            help="Megapixels of the sensor. Default: 3, 6, 12 and 24. Can be given several times.",
        ),
    ] = None
    picture: Annotated[
        Literal["full", "paper"] | None,
        typer.Option(help="What is made of the photo, as --size of enhance. Default: full where the model can."),
    ] = None
    repeats: Annotated[
        int, typer.Option(min=1, max=1000, metavar="N", help="Timed runs of each size; the median is printed.")
    ] = 3
    batch: Annotated[
        int,
        typer.Option(
            min=0,
            max=10_000,
            metavar="N",
            help="Also make N photos of each size as the command batch does, where decoding, networks and writing "
            "overlap: photos a minute, how busy the networks' device was, and what waited for what. 0: none.",
        ),
    ] = 0
    beside: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="controlnet: also time diffusers' ControlNet pipeline of the same widths."),
    ] = None


@dataclass(frozen=True)
class TimedSamplingOptions:
    """How the model is sampled, and on what."""

    panel: ClassVar[str] = "Diffusion"
    steps: Steps = None
    guidance: Guidance = None
    views: Views = None
    device: Device = "auto"
    precision: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="fp32, bf16 or fp16. Default: the fastest that suits the device.",
            rich_help_panel="Machine",
        ),
    ] = None
    tile: Tile = None
    offline: Offline = False
    compile: Compile = "off"

    def settings(self, picture: Literal["full", "paper"] | None) -> "EnhanceSettings":
        """The settings of the diffusion, for a photo of this size."""
        from darkdiff_cli.enhancer import EnhanceSettings
        from darkdiff_models import SamplingSettings

        sampling = SamplingSettings(
            steps=self.steps, guidance=self.guidance, views=self.views, tile=self.tile, size=picture
        )
        return EnhanceSettings(sampling=sampling)


def speed(
    timed: TimedOptions,
    sampling: TimedSamplingOptions,
    report: Annotated[
        Path | None,
        typer.Option(help="Write an HTML report to this file, and JSON beside it.", rich_help_panel="Output"),
    ] = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> int:
    """Time each stage of a photo for sensors of several sizes, beside the fastest matrix product of the device."""
    needs_extra()
    check_report(report, (), scores=False)
    if timed.beside not in (None, "controlnet"):
        raise SettingsError(f"--beside {timed.beside}: must be controlnet.")
    if sampling.precision is not None and sampling.precision not in PRECISIONS:
        raise SettingsError(f"--precision {sampling.precision}: must be one of {', '.join(PRECISIONS)}.")
    from darkdiff_cli.evaluation.report.lines import as_lines
    from darkdiff_cli.evaluation.report.page import as_json as found_json
    from darkdiff_cli.evaluation.report.page import write_report
    from darkdiff_cli.evaluation.report.speed_tables import flow_table, memory_table, speed_table, tiles_table
    from darkdiff_cli.evaluation.speed.run import run_speed

    enhancer, settings = _enhancer(timed.model, sampling), sampling.settings(timed.picture)
    enhancer.check(settings.sampling)
    controlnet = timed.beside == "controlnet"
    with counted_progress("speed", quiet) as progress:
        found = run_speed(
            enhancer, settings, timed.size or SIZES, timed.repeats, progress, controlnet, timed.batch,
        )  # fmt: skip
    if report is not None:
        write_report(report, None, found, Path())
    if as_json:
        show_json(found_json(None, found), indent=2)
    else:
        show(
            f"{found.model}, {found.size} size, steps {found.steps}, guidance {found.guidance:g}, views {found.views}, "
            f"on {found.device} in {found.precision}"
        )
        show(*as_lines(speed_table(found)))
        if (memory := memory_table(found)) is not None:
            show(*as_lines(memory))
        show(*as_lines(tiles_table(found)))
        if (flow := flow_table(found)) is not None:
            show(*as_lines(flow))
    return 0


def _enhancer(model: str, sampling: TimedSamplingOptions) -> "Enhancer":
    """The model to time, its networks in the precision, compiled where that is asked for."""
    import torch

    from darkdiff_cli.enhancer import Enhancer
    from darkdiff_models.checkpoints import untrained_pipeline

    pipeline, name = (untrained_pipeline(), "SD 2.1 widths, untrained") if model == "sd-2.1" else (None, model)
    precision = getattr(torch, PRECISIONS[sampling.precision]) if sampling.precision else None
    return Enhancer(name, sampling.device, pipeline, precision=precision, compile=sampling.compile == "on")
