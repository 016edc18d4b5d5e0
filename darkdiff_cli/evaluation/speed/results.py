"""What a measurement of speed gives."""

from dataclasses import asdict, dataclass

from darkdiff_cli.evaluation.speed.flow import Flow

NETWORKS = ("encode", "context", "denoise", "decode", "detail")
STAGES = ("read", "develop", *NETWORKS, "finish", "write")


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
            "full" has the sensor's pixels, one of size "paper" a quarter of them; a tile of None is planned.
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
