"""Small line plots as SVG, for the report: quality against steps and guidance, time against size."""

import re
from collections.abc import Mapping, Sequence
from html import escape

from darkdiff_cli.evaluation.quality.run import Results
from darkdiff_cli.evaluation.speed.results import SpeedResults

WIDTH, HEIGHT, MARGIN, LINE = 460, 240, 48, 16
COLOURS = ("#7ec8e3", "#f4b266", "#9bdb8b", "#e38bb4", "#c8a7f0", "#d8d86a")
SETTING = re.compile(
    r"(?P<model>.+?)(?: steps (?P<steps>\d+))?(?: guidance (?P<guidance>[\d.]+))?(?: views (?P<views>\d+))?$"
)
Series = Mapping[str, Sequence[tuple[float, float]]]


def sweep_plots(results: Results) -> list[str]:
    """PSNR and LPIPS against the number of steps, a line for each guidance and views; empty without a sweep."""
    plots = []
    for metric, label in (("lpips", "LPIPS (alex)"), ("psnr", "PSNR dB")):
        series: dict[str, list[tuple[float, float]]] = {}
        for method in results.methods:
            match = SETTING.match(method)
            if match is None or match["steps"] is None or not results.values(method, metric):
                continue
            views = f", {match['views']} views" if match["views"] else ""
            name = f"{match['model']}, guidance {match['guidance'] or 'default'}{views}"
            series.setdefault(name, []).append((float(match["steps"]), results.summary(method)[metric]["mean"]))
        lines = {name: sorted(points) for name, points in series.items() if len(points) > 1}
        if lines:
            plots.append(line_plot(lines, "steps", label))
    return plots


def growth_plot(speed: SpeedResults) -> str:
    """Seconds against megapixels; empty for one size."""
    points = sorted((timing.megapixels, timing.total) for timing in speed.timings)
    return line_plot({speed.model: points}, "megapixels", "seconds") if len(points) > 1 else ""


def line_plot(series: Series, x_label: str, y_label: str) -> str:
    """An SVG of lines with dots; axes are labelled with their smallest and largest values.

    Args:
        series: (x, y) points by name, at least two points in all.
        x_label, y_label: of the axes.
    """
    xs = [x for points in series.values() for x, _ in points]
    ys = [y for points in series.values() for _, y in points]
    (left, right), (low, high) = (min(xs), max(xs)), (min(ys), max(ys))
    span_x, span_y = (right - left) or 1.0, (high - low) or 1.0

    def place(x: float, y: float) -> tuple[float, float]:
        across = MARGIN + (x - left) / span_x * (WIDTH - 2 * MARGIN)
        return across, HEIGHT - MARGIN - (y - low) / span_y * (HEIGHT - 2 * MARGIN)

    label = escape(f"{y_label} against {x_label}")
    parts = [
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT + LINE * len(series)}" role="img" aria-label="{label}">',
        f'<path d="M{MARGIN} {MARGIN / 2}V{HEIGHT - MARGIN}H{WIDTH - MARGIN / 2}" fill="none" stroke="#667"/>',
        _text(WIDTH / 2, HEIGHT - 6, x_label),
        _text(MARGIN, 14, y_label, "start"),
        *(_text(place(x, low)[0], HEIGHT - MARGIN + 16, f"{x:g}") for x in (left, right)),
        *(_text(MARGIN - 4, place(left, y)[1] + 4, f"{y:.3g}", "end") for y in (low, high)),
    ]
    for index, (name, points) in enumerate(series.items()):
        colour = COLOURS[index % len(COLOURS)]
        spots = [place(*point) for point in points]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in spots)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in spots]
        parts.append(_text(MARGIN, HEIGHT + 12 + LINE * index, name, "start", colour))  # below: over no line
    return "".join([*parts, "</svg>"])


def _text(x: float, y: float, words: str, align: str = "middle", colour: str = "#9ab") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{align}" fill="{colour}" font-size="12">{escape(words)}</text>'
