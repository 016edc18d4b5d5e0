"""What a bench run found, as a table for people, JSON and CSV for machines, and one HTML file to look at."""

import base64
import csv
import json
from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import version
from io import BytesIO
from pathlib import Path
from typing import Any

import jinja2
from PIL import Image

from darkdiff_cli.evaluation.protocols.published import Published
from darkdiff_cli.evaluation.quality.run import Results, picture_path
from darkdiff_cli.evaluation.report.plots import growth_plot, sweep_plots
from darkdiff_cli.evaluation.speed.flow import STEPS
from darkdiff_cli.evaluation.speed.results import STAGES, SpeedResults
from darkdiff_cli.files import atomically, begins_with_mark

METRICS = {
    "psnr": "PSNR dB",
    "ssim": "SSIM",
    "lpips": "LPIPS alex",
    "lpips_vgg": "LPIPS vgg",
    "colour": "colour dE00",
    "kid": "KID x1000",
}
OF_PICTURES = [metric for metric in METRICS if metric != "kid"]  # that is of a set
BETTER_LOW = {"lpips", "lpips_vgg", "colour"}
COLUMNS = ["protocol", "method", "scene", "ratio", *OF_PICTURES, "seconds"]  # of the CSV file
MARKS = {  # that tell our files from others, and within how many bytes
    ".html": (b"<title>darkdiff bench</title>", 1024),
    ".json": (b'{\n  "darkdiff": "', 32),
    ".csv": (",".join(COLUMNS).encode(), 256),
}
CROP = 160
SHOWN = 6  # scenes with pictures in the report, the worst and the best of the first model


def quality_table(results: Results) -> list[list[str]]:
    """Rows of text: method, then mean and 95 % interval of each metric, KID of the set; the first row is the head."""
    summaries = {method: results.summary(method) for method in results.methods}
    metrics = [key for key in METRICS if any(key in summary for summary in summaries.values())]
    table = [["method", *(METRICS[key] for key in metrics), "pairs"]]
    for method, summary in summaries.items():
        cells = [_cell(summary.get(key)) for key in metrics]
        table.append([method, *cells, str(max((int(s["count"]) for s in summary.values()), default=0))])
    for other in results.published:
        values = [_number(other.scores[key]) if key in other.scores else "-" for key in metrics]
        table.append([f"{other.method} (published)", *values, "-"])
    return table


def published_table(published: Sequence[Published]) -> list[list[str]]:
    """Rows of text: published scores alone; the first row is the head."""
    metrics = [key for key in METRICS if any(key in other.scores for other in published)]
    rows = [[other.method, *(_number(other.scores[key]) for key in metrics)] for other in published]
    return [["published", *(METRICS[key] for key in metrics)], *rows]


def comparison_lines(results: Results) -> list[str]:
    """The paired test of the first method against every other, for PSNR and LPIPS."""
    lines = []
    for other in results.methods[1:]:
        for metric in ("psnr", "lpips"):
            test = results.compare(results.methods[0], other, metric)
            if test is not None:
                lines.append(
                    f"{results.methods[0]} - {other}, {METRICS[metric]}: {test['difference']:+.4f} "
                    f"[{test['low']:+.4f}, {test['high']:+.4f}], Wilcoxon p {test['p']:.3g}"
                )
    return lines


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


def as_lines(table: list[list[str]]) -> list[str]:
    """Columns aligned with spaces."""
    widths = [max(len(row[column]) for row in table) for column in range(len(table[0]))]
    lines = []
    for row in table:
        cells = [
            cell.ljust(w) if i == 0 else cell.rjust(w) for i, (cell, w) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return lines


def as_json(quality: Results | None, speed: SpeedResults | None) -> dict[str, Any]:
    """Everything that was found, with the program's version and the protocol."""
    found: dict[str, Any] = {"darkdiff": version("darkdiff")}
    if quality is not None:
        found["quality"] = {
            "protocol": quality.protocol,
            "methods": {method: quality.summary(method) for method in quality.methods},
            "paired": comparison_lines(quality),
            "rows": [asdict(row) for row in quality.rows],
            "notes": quality.notes,
            "failures": quality.failures,
            "published": [asdict(other) for other in quality.published],
        }
    if speed is not None:
        found["speed"] = speed.as_dict()
    return found


def is_of_a_report(path: Path) -> bool:
    """Whether a file is the page, the JSON or the CSV file of an earlier report, which may be replaced."""
    return begins_with_mark(path, *MARKS[".html" if path.suffix.lower() == ".htm" else path.suffix.lower()])


def beside(page: Path, scores: bool) -> list[Path]:
    """The files that are written beside a page: JSON, and CSV where there are scores."""
    return [page.with_suffix(suffix) for suffix in ([".json", ".csv"] if scores else [".json"])]


def write_report(path: Path, quality: Results | None, speed: SpeedResults | None, output: Path) -> None:
    """Write the HTML file, and JSON and CSV beside it.

    Args:
        path: of the HTML file; it needs nothing else and no network.
        quality, speed: what was found.
        output: folder of the scored pictures.

    Raises:
        OutputError: a file cannot be written; each of the three is whole or as it was.
    """
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("darkdiff_cli.evaluation.report", "."), autoescape=True
    )
    page = environment.get_template("report.html.j2").render(
        version=version("darkdiff"),
        quality=quality,
        table=quality_table(quality) if quality is not None else None,
        comparisons=comparison_lines(quality) if quality is not None else [],
        scenes=_scenes(quality, output) if quality is not None else [],
        plots=sweep_plots(quality) if quality is not None else [],
        growth=growth_plot(speed) if speed is not None else "",
        speed=speed,
        speed_table=speed_table(speed) if speed is not None else None,
        memory_table=memory_table(speed) if speed is not None else None,
        tiles_table=tiles_table(speed) if speed is not None else None,
        flow_table=flow_table(speed) if speed is not None else None,
        stages=STAGES,
    )
    atomically(path, lambda partial: partial.write_text(page, encoding="utf-8"))
    found = json.dumps(as_json(quality, speed), indent=2)
    atomically(path.with_suffix(".json"), lambda partial: partial.write_text(found + "\n", encoding="utf-8"))
    if quality is not None:
        atomically(path.with_suffix(".csv"), lambda partial: _write_csv(partial, quality))


def _write_csv(path: Path, quality: Results) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for row in quality.rows:
            scores = [row.scores.get(key, "") for key in OF_PICTURES]
            writer.writerow([row.protocol, row.method, row.scene, row.ratio, *scores, row.seconds])


def _number(value: float) -> str:
    """Two digits after the point for decibels and colour errors, three for shares of one."""
    return f"{value:.{2 if value > 2 else 3}f}"


def _cell(summary: dict[str, float] | None) -> str:
    if summary is None:
        return "-"
    digits = 2 if summary["mean"] > 2 else 3
    return f"{summary['mean']:.{digits}f} [{summary['low']:.{digits}f}, {summary['high']:.{digits}f}]"


def _scenes(quality: Results, output: Path) -> list[dict[str, Any]]:
    """Pictures of the worst and the best scenes of the first method, each method's against the reference."""
    if not quality.methods:
        return []
    metric = "lpips" if quality.values(quality.methods[0], "lpips") else "psnr"
    values = quality.values(quality.methods[0], metric)
    ranked = sorted(values, key=lambda scene: values[scene], reverse=metric in BETTER_LOW)
    chosen = ranked if len(ranked) <= SHOWN else [*ranked[: SHOWN // 2], *ranked[-SHOWN // 2 :]]
    scenes = []
    for scene in chosen:
        reference = picture_path(output, "reference", scene)
        pictures = [(m, picture_path(output, m, scene)) for m in quality.methods if scene in quality.values(m, "psnr")]
        pictures = [(method, path) for method, path in pictures if path.is_file()]
        if not reference.is_file() or not pictures:
            continue
        scenes.append(
            {
                "name": scene,
                "rank": "worst" if scene in ranked[: SHOWN // 2] else "best",
                "before": _embedded(pictures[-1][1]),
                "before_name": pictures[-1][0],
                "after": _embedded(pictures[0][1]),
                "after_name": pictures[0][0],
                "crops": [(name, _embedded(p, CROP)) for name, p in [*pictures, ("reference", reference)]],
            }
        )
    return scenes


def _embedded(path: Path, crop: int | None = None) -> str:
    """A picture as a data URI; with `crop` its centre at 1:1."""
    if crop is None:
        return "data:image/jpeg;base64," + base64.b64encode(path.read_bytes()).decode()
    with Image.open(path) as picture:
        left, top = max(0, (picture.width - crop) // 2), max(0, (picture.height - crop) // 2)
        part = picture.crop((left, top, min(left + crop, picture.width), min(top + crop, picture.height)))
        buffer = BytesIO()
        part.save(buffer, "PNG")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
