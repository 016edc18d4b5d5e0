"""What a bench run found, as JSON and CSV for machines, and one HTML file to look at."""

import base64
import csv
import json
from dataclasses import asdict
from importlib.metadata import version
from io import BytesIO
from pathlib import Path
from typing import Any

import jinja2
from PIL import Image

from darkdiff_cli.evaluation.quality.run import Results, picture_path
from darkdiff_cli.evaluation.report.plots import growth_plot, sweep_plots
from darkdiff_cli.evaluation.report.quality_tables import METRICS, comparison_lines, quality_table
from darkdiff_cli.evaluation.report.speed_tables import flow_table, memory_table, speed_table, tiles_table
from darkdiff_cli.evaluation.speed.results import STAGES, SpeedResults
from darkdiff_cli.files import atomically, begins_with_mark

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
