"""`--compile` in processes of their own: what one compiled the next finds, and photos say so."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from darkdiff_cli.app import app

COUNTED = """
import sys
from darkdiff_cli.app import main
try:
    main()
finally:
    from torch._dynamo.utils import counters
    found = counters["inductor"]
    print("compiled", found["fxgraph_cache_miss"], "found", found["fxgraph_cache_hit"], file=sys.stderr)
"""


def counted(
    cache: Path, *words: object, **environment: str
) -> tuple[subprocess.CompletedProcess[str], tuple[int, int]]:
    """Run the program; also how many graphs it compiled, and how many it found compiled."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("TORCHINDUCTOR")}
    clean |= {"XDG_CACHE_HOME": str(cache), **environment}
    command = [sys.executable, "-c", COUNTED, *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False, env=clean)
    numbers = re.search(r"compiled (\d+) found (\d+)", done.stderr)
    return done, (int(numbers[1]), int(numbers[2])) if numbers else (-1, -1)


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="XDG_CACHE_HOME is Linux's")
def test_a_second_run_compiles_nothing_and_writes_the_same_bytes(dark_dng: Path, model_folder: Path, tmp_path) -> None:
    pictures = []
    for run, graphs in (("first", (2, 0)), ("second", (0, 2))):  # the trial and the denoiser
        photo = tmp_path / f"{run}.tiff"
        words = ("enhance", dark_dng, "--model", model_folder, "--device", "cpu", "--compile", "on", "-o", photo)
        done, found = counted(tmp_path / "cache", *words)
        assert done.returncode == 0, done.stderr
        assert found == graphs
        pictures.append(photo.read_bytes())
    assert pictures[0] == pictures[1]
    assert b'darkdiff:compile="on"' in pictures[0]
    assert list((tmp_path / "cache" / "darkdiff" / "compiled").iterdir())


def test_without_a_compiler_on_is_refused_in_one_sentence(dark_dng: Path, model_folder: Path, tmp_path) -> None:
    words = (
        "enhance",
        dark_dng,
        "--model",
        model_folder,
        "--device",
        "cpu",
        "-o",
        tmp_path / "photo.tiff",
        "--compile",
    )
    nowhere = {"PATH": str(tmp_path), "CXX": str(tmp_path / "c++")}
    done, _ = counted(tmp_path / "cache", *words, "on", **nowhere)
    assert done.returncode == 2
    said = [line for line in done.stderr.splitlines() if line.startswith("darkdiff:")]
    assert len(said) == 1
    assert re.fullmatch(r"darkdiff: torch cannot compile networks for cpu here \(.+\); give --compile off\.", said[0])
    assert not (tmp_path / "photo.tiff").exists()


@pytest.mark.slow
def test_every_photo_of_a_batch_says_that_it_was_compiled(dark_dng: Path, model_folder: Path, tmp_path) -> None:
    folder, made = tmp_path / "shoot", {}
    folder.mkdir()
    words = [
        "batch",
        folder,
        "--model",
        model_folder,
        "--device",
        "cpu",
        "--format",
        "tiff",
        "--no-report",
    ]
    for choice in ("off", "on"):
        (folder / f"{choice}.dng").write_bytes(dark_dng.read_bytes())
        done = CliRunner().invoke(app, list(map(str, (*words, "--compile", choice))))
        assert done.exit_code == 0, done.stderr
        made[choice] = (folder / "darkdiff" / f"{choice}_darkdiff.tif").read_bytes()
    assert {choice: b'darkdiff:compile="on"' in photo for choice, photo in made.items()} == {"off": False, "on": True}
