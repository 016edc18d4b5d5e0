"""What a bench run found of pictures, as rows of text."""

from collections.abc import Sequence

from darkdiff_cli.evaluation.protocols.published import Published
from darkdiff_cli.evaluation.quality.run import Results
from darkdiff_cli.words import counted

METRICS = {
    "psnr": "PSNR dB",
    "ssim": "SSIM",
    "lpips": "LPIPS alex",
    "lpips_vgg": "LPIPS vgg",
    "colour": "colour dE00",
    "kid": "KID x1000",
}


def quality_table(results: Results) -> list[list[str]]:
    """Rows of text: method, then each metric, KID of the set; the first row is the head.

    A metric is its mean, with its 95 % interval where there are pairs enough.
    """
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
                what = f"{results.methods[0]} - {other}, {METRICS[metric]}: {test['difference']:+.4f}"
                lines.append(f"{what} {_tested(test)}")
    return lines


def _tested(test: dict[str, float]) -> str:
    if "p" not in test:
        return f"({counted(int(test['count']), 'pair')}, too few for a test)"
    return f"[{test['low']:+.4f}, {test['high']:+.4f}], Wilcoxon p {test['p']:.3g}"


def _number(value: float) -> str:
    """Two digits after the point for decibels and colour errors, three for shares of one."""
    return f"{value:.{2 if value > 2 else 3}f}"


def _cell(summary: dict[str, float] | None) -> str:
    if summary is None:
        return "-"
    digits = 2 if summary["mean"] > 2 else 3
    if "low" not in summary:
        return f"{summary['mean']:.{digits}f}"
    return f"{summary['mean']:.{digits}f} [{summary['low']:.{digits}f}, {summary['high']:.{digits}f}]"
