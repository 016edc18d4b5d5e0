"""What a bench run found of speed, as rows of text for each size."""

from darkdiff_cli.evaluation.speed.flow import STEPS
from darkdiff_cli.evaluation.speed.results import STAGES, SpeedResults


def speed_table(speed: SpeedResults) -> list[list[str]]:
    """Rows of text: seconds by stage for each size."""
    beside = any(timing.controlnet is not None for timing in speed.timings)
    extra = ["ControlNet s", "ratio"] if beside else []
    table = [["MP", *STAGES, "total s", "s/MP", "peak GB", "of matrix peak", *extra]]
    for timing in speed.timings:
        seconds = [f"{timing.seconds[stage]:.2f}" for stage in STAGES]
        rate = f"{timing.total / timing.megapixels:.2f}"
        share = f"{speed.share_of_peak(timing):.0%}"
        size = f"{timing.megapixels:g}"
        row = [size, *seconds, f"{timing.total:.2f}", rate, f"{max(timing.gigabytes.values()):.2f}", share]
        if timing.controlnet is not None:
            row += [f"{timing.controlnet:.2f}", f"{timing.controlnet / timing.total:.1f}"]
        table.append(row)
    return table


def memory_table(speed: SpeedResults) -> list[list[str]] | None:
    """Rows of text: peak gigabytes by stage for each size; None where they are not known by stage."""
    if not speed.memory_by_stage:
        return None
    rows = [[f"{t.megapixels:g}", *(f"{t.gigabytes[stage]:.2f}" for stage in STAGES)] for t in speed.timings]
    return [["MP, peak GB", *STAGES], *rows]


def tiles_table(speed: SpeedResults) -> list[list[str]]:
    """Rows of text: the denoiser's tiles for each size."""
    rows = []
    for t in speed.timings:
        each, computed = f"{t.tile_height}x{t.tile_width}", f"{t.computed:.2f}"
        rows.append([f"{t.megapixels:g}", str(t.tiles), each, computed, str(t.tiles_per_call)])
    return [["MP, denoiser", "tiles", "latents each", "times computed", "tiles a call"], *rows]


def flow_table(speed: SpeedResults) -> list[list[str]] | None:
    """Rows of text: photos in a batch for each size; None where none were made."""
    head = ["MP, in a batch", "photos a minute", "networks busy", *(f"{step} s" for step in STEPS)]
    head += ["photo waits: networks", "write", "networks wait: decode", "write", "peak GB"]
    rows = []
    for timing in speed.timings:
        if (flow := timing.flow) is None:
            continue
        waits = (flow.waits["networks"], flow.waits["write"], flow.idle["decode"], flow.idle["write"])
        seconds = [f"{value:.2f}" for value in (*(flow.work[step] for step in STEPS), *waits)]
        rates = [f"{flow.photos_a_minute:.2f}", f"{flow.share_busy:.0%}"]
        rows.append([f"{timing.megapixels:g}", *rates, *seconds, f"{flow.gigabytes:.2f}"])
    return [head, *rows] if rows else None
