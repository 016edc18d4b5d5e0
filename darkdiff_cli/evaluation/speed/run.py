"""Where the time of a photo goes: seconds by stage, memory, arithmetic, and how it grows with the size."""

import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from itertools import count
from pathlib import Path

import torch
from torch.utils.flop_counter import FlopCounterMode, sdpa_flop_count

from darkdiff_cli.enhancer import Enhancer, EnhanceSettings
from darkdiff_cli.evaluation.sample import write_large
from darkdiff_cli.evaluation.speed.device import matrix_peak
from darkdiff_cli.evaluation.speed.flow import Flow, run_flow
from darkdiff_cli.evaluation.speed.memory import PeakMemory
from darkdiff_cli.evaluation.speed.peer import make_peer, time_peer
from darkdiff_cli.progress import Progress
from darkdiff_cli.raw import read_raw
from darkdiff_models import Sampling, SamplingSettings
from darkdiff_models.detail import Samples
from darkdiff_models.devices import device_name
from darkdiff_models.tiling.planner import Plan

NETWORKS = ("encode", "context", "denoise", "decode", "detail")
STAGES = ("read", "develop", *NETWORKS, "finish", "write")
RATIO = 200.0
FLOP_SIDE = 256

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Timing:
    """One size.

    Attributes:
        megapixels: of the sensor.
        seconds: by stage, the median of the runs.
        gigabytes: peak by stage, the largest of the runs, see `SpeedResults.memory_by_stage`.
        tiles: of the denoiser, in the first view.
        tile_height, tile_width: of each, in latents.
        computed: how many times the latents are computed, because tiles overlap.
        tiles_per_call: of the denoiser and of the context processor.
        controlnet: seconds of diffusers' ControlNet pipeline for a picture of the same size, where it was asked for.
        flow: of such photos in a batch, where that was asked for.
    """

    megapixels: float
    seconds: dict[str, float]
    gigabytes: dict[str, float]
    tiles: int
    tile_height: int
    tile_width: int
    computed: float
    tiles_per_call: int
    controlnet: float | None = None
    flow: Flow | None = None

    @property
    def total(self) -> float:
        """Seconds of all stages."""
        return sum(self.seconds.values())


@dataclass(frozen=True)
class SpeedResults:
    """The timings of a run.

    Attributes:
        device, precision, model, size, steps, guidance, views, tile: under what it was measured; a picture of size
            "full" has the sensor's pixels, one of size "half" a quarter of them; a tile of None is planned.
        timings: by size.
        teraflop_per_megapixel: arithmetic of the networks, counted, per megapixel of the sensor.
        device_teraflops: measured peak of square matrix products in the networks' precision, per second.
        memory_by_stage: the peaks are those of a GPU's memory; else of the whole process, which keeps what an earlier
            stage has freed, so that only the largest says something.
    """

    device: str
    precision: str
    model: str
    size: str
    steps: int
    guidance: float
    views: int
    tile: int | None
    timings: list[Timing]
    teraflop_per_megapixel: float
    device_teraflops: float
    memory_by_stage: bool = False

    def share_of_peak(self, timing: Timing) -> float:
        """The networks' arithmetic per second as a share of the device's matrix-product peak."""
        seconds = sum(timing.seconds[stage] for stage in NETWORKS)
        return self.teraflop_per_megapixel * timing.megapixels / seconds / self.device_teraflops

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        return asdict(self) | {
            "share_of_peak": [self.share_of_peak(timing) for timing in self.timings],
            "seconds_per_megapixel": [timing.total / timing.megapixels for timing in self.timings],
        }


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
        teraflop_per_megapixel=_count(enhancer, replace(settings.sampling, views=used.views)),
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


def _count(enhancer: Enhancer, sampling: SamplingSettings) -> float:
    """Teraflop per megapixel of the sensor, counted on a small picture."""
    image = torch.rand(FLOP_SIDE, FLOP_SIDE, int(enhancer.pipeline.vae.config["in_channels"]))
    mosaic = torch.rand(1, 3, 2 * FLOP_SIDE, 2 * FLOP_SIDE)
    samples = Samples(mosaic, torch.ones_like(mosaic), torch.full((1, 3, 2), 1e-3), torch.eye(3)[None])
    # torch knows the arithmetic of a GPU's fused attention, and counts a CPU's by running it unfused, whose scores of a
    # whole picture take all the memory there is.
    fused = {torch.ops.aten._scaled_dot_product_flash_attention_for_cpu: _attention_flops}
    with FlopCounterMode(display=False, custom_mapping=fused) as counter:
        enhancer.pipeline(image, sampling, samples)
    return counter.get_total_flops() / 1e12 / (4 * FLOP_SIDE**2 / 1e6)


def _attention_flops(query: Shape, key: Shape, value: Shape, *_: object, **__: object) -> int:
    return int(sdpa_flop_count(query, key, value))
