"""Where the time of a photo goes: seconds by stage, memory, arithmetic, and how it grows with the size."""

import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from itertools import count
from pathlib import Path

import torch

from darkdiff_cli.enhancer import Enhancer, EnhanceSettings
from darkdiff_cli.evaluation.sample import write_large
from darkdiff_cli.evaluation.speed.arithmetic import teraflop_per_megapixel
from darkdiff_cli.evaluation.speed.device import matrix_peak
from darkdiff_cli.evaluation.speed.flow import run_flow
from darkdiff_cli.evaluation.speed.memory import PeakMemory
from darkdiff_cli.evaluation.speed.peer import make_peer, time_peer
from darkdiff_cli.evaluation.speed.results import STAGES, SpeedResults, Timing
from darkdiff_cli.progress import Progress
from darkdiff_cli.raw import read_raw
from darkdiff_models import Sampling
from darkdiff_models.devices import device_name
from darkdiff_models.tiling.planner import Plan

RATIO = 200.0


def run_speed(
    enhancer: Enhancer,
    settings: EnhanceSettings,
    sizes: Sequence[float],
    repeats: int,
    report: Progress,
    controlnet: bool = False,
    batch: int = 0,
) -> SpeedResults:
    """Time the way of a photo.

    Args:
        enhancer: the loaded model.
        settings: of the diffusion.
        sizes: megapixels of the sensor.
        repeats: timed runs of each size, after one warm-up of the smallest.
        report: called before every run and after the last.
        controlnet: time diffusers' ControlNet pipeline of the same widths, steps and guidance beside it.
        batch: photos of each size that are also made in a batch; 0 for none.

    Raises:
        SettingsError: ControlNet was asked for without transformers.
        InputError: a photo of a batch could not be made.
    """
    pipeline, device = enhancer.pipeline, enhancer.pipeline.device
    used = pipeline.resolved(settings.sampling)
    exposure, photo = replace(settings.exposure, ratio=RATIO), replace(settings.photo, overwrite=True)
    settings = replace(settings, exposure=exposure, photo=photo)
    peer = make_peer(pipeline) if controlnet else None
    total, begun = 1 + (repeats + (batch + 1 if batch else 0)) * len(sizes), count()

    def begin(what: str) -> None:
        report(what, next(begun), total)

    timings = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        begin("warm-up")
        _, _, made = _time(enhancer, settings, write_large(folder, min(sizes), RATIO), folder)
        used = replace(used, views=made.views)  # at full size a dark raw may get fewer than the model's
        for size in sizes:
            raw, words = write_large(folder, size, RATIO), f"{size:g} MP"
            timing = _timing(enhancer, settings, raw, size, repeats, partial(begin, words))
            if peer is not None:
                shape = read_raw(raw).lrgb_shape
                times = [time_peer(peer, shape, used.steps, used.guidance) for _ in range(repeats)]
                timing = replace(timing, controlnet=statistics.median(times))
            if batch:
                flow = run_flow(enhancer, settings, raw, batch, partial(begin, f"{words} in a batch"))
                timing = replace(timing, flow=flow)
            timings.append(timing)
            raw.unlink()
    report("arithmetic", total, total)
    return SpeedResults(
        device=device_name(device),
        precision=str(pipeline.precision).removeprefix("torch."),
        model=enhancer.model,
        size=used.size,
        steps=used.steps,
        guidance=used.guidance,
        views=used.views,
        tile=used.tile,
        timings=timings,
        teraflop_per_megapixel=teraflop_per_megapixel(pipeline, replace(settings.sampling, views=used.views)),
        device_teraflops=matrix_peak(device, pipeline.precision),
        memory_by_stage=device.type == "cuda",
    )


def _timing(
    enhancer: Enhancer, settings: EnhanceSettings, raw: Path, size: float, repeats: int, begin: Callable[[], None]
) -> Timing:
    """The stages of one raw, timed several times."""
    runs = []
    for _ in range(repeats):
        begin()
        stages, plan, _ = _time(enhancer, settings, raw, raw.parent)
        runs.append(stages)
    seconds = {stage: statistics.median(run[stage][0] for run in runs) for stage in STAGES}
    peaks = {stage: max(run[stage][1] for run in runs) for stage in STAGES}
    tiles = plan.tiles
    cover = (len(tiles.corners), tiles.tile_height, tiles.tile_width, tiles.computed, plan.per_call)
    return Timing(size, seconds, peaks, *cover)


def _time(
    enhancer: Enhancer, settings: EnhanceSettings, raw: Path, folder: Path
) -> tuple[dict[str, tuple[float, float]], Plan, Sampling]:
    """Seconds and peak gigabytes of each stage of one photo, its tiles, and the settings as they were used.

    A GPU is waited for after each stage.
    """
    device = enhancer.pipeline.device
    seconds, memory, peaks = dict.fromkeys(STAGES, 0.0), PeakMemory(device), dict.fromkeys(STAGES, 0.0)
    before = time.perf_counter()

    def mark(stage: str, done: int = 1, _total: int = 1) -> None:
        """What took place since the last mark was this stage; several views take turns at them."""
        nonlocal before
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        now = time.perf_counter()
        seconds[stage] += now - before
        before = now
        if done > 0:
            peaks[stage] = max(peaks[stage], memory.gigabytes())
            memory.reset()

    exposure = enhancer.read(raw, settings)
    mark("read")
    rendered = enhancer.render(exposure, settings, mark)
    enhancer.write(folder / "out.jpg", rendered, settings)
    mark("write")
    return {stage: (seconds[stage], peaks[stage]) for stage in STAGES}, rendered.plan, rendered.sampling
