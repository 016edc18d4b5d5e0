"""What needs no networks is done at once: torch, which takes seconds to load, is not."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import run_here

WITHOUT_TORCH = "import sys; sys.modules['torch'] = None; from darkdiff_cli.__main__ import main; main()"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("enhance", "gone.dng"), "gone.dng: no such file; check the path."),
        (("enhance", "empty.dng", "folder"), "empty.dng: the file is empty; copy it again from the card."),
        (("enhance", "empty.dng", "folder"), "folder: is a folder; give the raw files in it."),
        (("enhance", "empty.dng", "empty.dng"), "empty.dng: is given twice; give it once."),
        (("preview", "gone.dng", "empty.dng", "-o", "s.png"), "gone.dng: no such file; check the path."),
        (("batch", "gone"), "gone: no such folder; give the folder of raw files."),
        (("batch", "folder"), "folder: holds no raw files; give the folder that holds them"),
    ],
)
def test_it_needs_no_torch(words: tuple[str, ...], sentence: str, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "empty.dng").touch()
    done = _without_torch(tmp_path, *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert sentence in " ".join(done.stderr.split())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty.dng", "folder"]


def test_a_folder_that_is_done_needs_no_torch(tmp_path: Path, shoot: Callable[..., Path], model_folder: Path) -> None:
    shoot(tmp_path / "night" / "IMG.dng", 100.0, 0.1)
    words = ("batch", str(tmp_path / "night"), "--model", str(model_folder), "--ratio", "150")
    made = run_here(*words)
    assert made.returncode == 0, made.stderr
    again = _without_torch(tmp_path, *words)
    assert (again.returncode, again.stdout) == (0, "")
    assert "0 done, 0 failed, 1 skipped" in again.stderr
    listed = _without_torch(tmp_path, *words, "--dry-run")
    assert (listed.returncode, "0 to do, 0 failed, 1 skipped" in listed.stderr) == (0, True)


def test_the_process_that_reads_raws_needs_no_torch(tmp_path: Path) -> None:
    modules = ("raw", "raw.corrections", "raw.report", "evaluation.quality.files")  # what it imports for the commands
    script = f"import sys; sys.modules['torch'] = None; import {', '.join(f'darkdiff_cli.{name}' for name in modules)}"
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, env=_environment(), capture_output=True)
    assert done.returncode == 0, done.stderr


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}


def _without_torch(folder: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", WITHOUT_TORCH, *words],
        cwd=folder,
        env=_environment(),
        capture_output=True,
        text=True,
    )
