"""`darkdiff bench` alone: a short version of quality and speed."""

import tempfile
from pathlib import Path

from darkdiff_cli.commands.bench.lineup import Lineup
from darkdiff_cli.commands.bench.options import ScoringOptions, needs_extra
from darkdiff_cli.commands.bench.quality import score
from darkdiff_cli.commands.console import show
from darkdiff_cli.commands.progress import counted_progress
from darkdiff_cli.words import counted


def short() -> int:
    """Score and time the bundled model on a scene made by code, in about two minutes."""
    needs_extra()
    from darkdiff_cli.enhancer import Enhancer, EnhanceSettings
    from darkdiff_cli.evaluation.report.lines import as_lines
    from darkdiff_cli.evaluation.report.quality_tables import quality_table
    from darkdiff_cli.evaluation.report.speed_tables import speed_table
    from darkdiff_cli.evaluation.sample import night_scene, write_sample
    from darkdiff_cli.evaluation.speed.run import run_speed

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_sample(folder, night_scene())
        lineup = Lineup(["tiny"], baselines=("libraw", "stage1"))
        results = score(f"scenes:{folder}", "full-scenes", lineup, ScoringOptions(output=folder / "out"))
    with counted_progress("speed", quiet=False) as report:
        speed = run_speed(Enhancer("tiny"), EnhanceSettings(), (3.0,), 1, report)
    show(results.protocol, *as_lines(quality_table(results)), "")
    show(f"{speed.model}, {counted(speed.steps, 'step')}, on {speed.device} in {speed.precision}")
    show(*as_lines(speed_table(speed)))
    return 1 if results.failures else 0
