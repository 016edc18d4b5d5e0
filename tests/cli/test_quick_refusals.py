"""What is wrong with the words themselves is said at once: before torch is loaded, which takes seconds."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

WITHOUT_TORCH = "import sys; sys.modules['torch'] = None; from darkdiff_cli.__main__ import main; main()"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("enhance", "gone.dng"), "gone.dng: no such file; check the path."),
        (("enhance", "empty.dng", "folder"), "empty.dng: the file is empty; copy it again from the card."),
        (("enhance", "empty.dng", "folder"), "folder: is a folder; give the raw files in it."),
        (("enhance", "gone.dng", "gone.dng"), "gone.dng: is given twice; give it once."),
        (("batch", "gone"), "gone: no such folder; give the folder of raw files."),
        (("batch", "folder"), "folder: holds no raw files; give the folder that holds them"),
    ],
)
def test_it_needs_no_torch(words: tuple[str, ...], sentence: str, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "empty.dng").touch()
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_TORCH, *words],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert sentence in " ".join(done.stderr.split())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty.dng", "folder"]
