"""What stands in a log while a command works: real processes, on a minute of no length."""

import subprocess
import sys
from pathlib import Path

import pytest

MINUTE = "from darkdiff_cli.commands import plain_lines as p; p.MINUTE = {}; import darkdiff_cli.app as a; a.main()"


def logged(*arguments: object, minute: float = 0.0) -> tuple[str, list[str]]:
    """stdout, and the lines of stderr without those that repeat the one before."""
    command = [sys.executable, "-c", MINUTE.format(minute), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout, list(dict.fromkeys(done.stderr.splitlines()))


@pytest.mark.slow
def test_a_bench_of_speed_says_where_it_is_and_shows_a_figure_once(model_folder: Path) -> None:
    words = ("bench", "speed", "--model", model_folder, "--device", "cpu", "--size", 0.05, "--size", 0.1)
    stdout, lines = logged(*words, "--repeats", 2)
    assert lines == [
        "warm-up, 0 of 5 done",
        "0.05 MP, 1 of 5 done",
        "0.05 MP, 2 of 5 done",
        "0.1 MP, 3 of 5 done",
        "0.1 MP, 4 of 5 done",
        "arithmetic, 5 of 5 done",
    ]
    assert stdout.count("peak GB") == 1  # of the process; by stage it would be one figure again and again
    assert logged(*words, "--repeats", 1, "--quiet")[1] == []
    assert logged(*words, "--repeats", 1, minute=60.0)[1] == []


def test_a_long_photo_says_where_it_is(dark_dng: Path, model_folder: Path, tmp_path: Path) -> None:
    words = ("enhance", dark_dng, "--model", model_folder, "-o", tmp_path / "a.jpg", "--ratio", 100)
    _, lines = logged(*words)
    assert lines[0] == "dark.dng: read"
    assert [line for line in lines if line.startswith("dark.dng: denoise, ")]
    assert lines[-2:] == ["dark.dng: write", "dark.dng: x100, 56x40, 2 steps"]
