"""Two trainings do not work in one folder at a time, and a folder that takes none is named."""

import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from darkdiff_cli.app import app
from darkdiff_cli.training.lock import NAME
from tests.train.test_processes import launched, place

__all__ = ["place"]  # a fixture

HOLDER = """
import sys
from pathlib import Path
from accelerate import Accelerator
from darkdiff_cli.training.lock import sole_training
with sole_training(Path(sys.argv[1]), Accelerator(cpu=True)):
    print("held", flush=True)
    sys.stdin.read()
"""


def words(place: Path, output: Path, *more: object) -> list[str]:
    given = ("train", "--stage", 1, "--recipe", "paper-sid-debug", "--base", place / "base", "--data",
             f"photos:{place / 'photos'}", "-o", output, "--workers", 0, "--device", "cpu", "--precision", "fp32",
             *more)  # fmt: skip
    return list(map(str, given))


def holder(output: Path) -> "subprocess.Popen[str]":
    """A process that holds a folder as a training does."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(output)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_a_second_training_waits_for_the_first_ones_end_however_that_comes(place: Path, tmp_path: Path) -> None:
    output = tmp_path / "deep" / "run"
    with holder(output) as first:
        for more in ((), ("--resume",), ("--dry-run",)):
            refused = CliRunner().invoke(app, words(place, output, *more))
            assert refused.exit_code == 2
            assert refused.stderr == (
                f"darkdiff: {output}: another training is at work here; wait until it has ended, or choose another "
                "--output.\n"
            )
            assert list(output.iterdir()) == [output / NAME]
        first.kill()
    done = CliRunner().invoke(app, words(place, output))
    assert done.exit_code == 0, done.stderr
    assert list(output.iterdir()) == [output / "stage1"]


@pytest.mark.slow
def test_all_processes_of_a_training_refuse_together_and_one_of_them_holds_the_folder(place: Path) -> None:
    with holder(place / "held") as first:
        refused = launched(place, 1, "held")
        assert refused.returncode == 1
        assert refused.stderr.count("another training is at work here") == 2
        first.kill()
    done = launched(place, 1, "held")
    assert done.returncode == 0, done.stderr
    assert list((place / "held").iterdir()) == [place / "held" / "stage1"]


@pytest.mark.parametrize("more", [(), ("--dry-run",)])
def test_a_folder_that_takes_no_training_is_named(place: Path, tmp_path: Path, more: tuple[str, ...]) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("mine")
    said = {
        file: f"{file}: is no folder; choose another --output.",
        file / "run": f"{file}/run: cannot be written (Not a directory); choose another folder.",
    }
    if Path("/proc").is_dir():
        said[Path("/proc/x")] = "/proc/x: cannot be written (No such file or directory); choose another folder."
    for output, sentence in said.items():
        refused = CliRunner().invoke(app, words(place, output, *more))
        assert refused.exit_code == 2
        assert refused.stderr == f"darkdiff: {sentence}\n"
    assert file.read_text() == "mine"
