"""Raws that the program may not read: said in a sentence each, stop no other, and are tried again by the next run."""

import ctypes
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import run_here

PR_CAPBSET_DROP = 24
CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH = 1, 2  # what lets root read everything
SAID = "cannot be read (Permission denied); check its path and permissions."
pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="gives up root's rights as Linux has them")


def as_anybody(*arguments: object) -> "subprocess.CompletedProcess[str]":
    """Run the program in a process that permissions count for, root's too."""

    def give_up() -> None:
        if os.geteuid() == 0:
            for right in (CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH):
                ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, right, 0, 0, 0)

    command = [sys.executable, "-m", "darkdiff_cli", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, preexec_fn=give_up)


@pytest.fixture
def night(tmp_path: Path, shoot: Callable[..., Path]) -> Path:
    """A folder of two raws, of which the first may not be read."""
    for name in ("a.dng", "b.dng"):
        shoot(tmp_path / "night" / name, 100.0, 0.1)
    (tmp_path / "night" / "a.dng").chmod(0o000)
    return tmp_path / "night"


def test_enhance_makes_the_others(night: Path, model_folder: Path) -> None:
    closed, read = night / "a.dng", night / "b.dng"
    words = ("--ratio", 100, "--model", model_folder, "--json")
    done = as_anybody("enhance", closed, read, *words)
    assert done.returncode == 1, done.stderr
    found = json.loads(done.stdout)
    assert found["failed"] == [{"file": str(closed), "error": f"{closed}: {SAID}"}]
    assert [one["file"] for one in found["files"]] == [str(read)]
    dark = as_anybody("enhance", read, "--dark", closed, *words, "--overwrite")
    assert (dark.returncode, f"{closed}: {SAID}" in dark.stderr) == (2, True)


def test_info_and_preview_go_on_too(night: Path, tmp_path: Path, model_folder: Path) -> None:
    closed, read, sheet = night / "a.dng", night / "b.dng", tmp_path / "sheet.jpg"
    done = as_anybody("info", closed, read, "--json")
    assert (done.returncode, json.loads(done.stdout)["failed"][0]["error"]) == (1, f"{closed}: {SAID}")
    shown = as_anybody("preview", closed, read, "-o", sheet, "--model", model_folder)
    assert (shown.returncode, sheet.exists()) == (1, True)
    assert f"{closed}: {SAID}" in shown.stderr


@pytest.mark.parametrize("known_by", [pytest.param((), marks=pytest.mark.slow), ("--checksum",)])
def test_a_batch_makes_it_once_it_may_be_read(night: Path, model_folder: Path, known_by: tuple[str, ...]) -> None:
    words = ("batch", night, "--ratio", 100, "--model", model_folder, *known_by)
    first = as_anybody(*words)
    assert (first.returncode, f"{night / 'a.dng'}: {SAID}" in first.stderr) == (1, True)
    assert first.stdout == "b_darkdiff.jpg\n"
    (night / "a.dng").chmod(0o600)
    second = run_here(*words)
    assert (second.returncode, second.stdout) == (0, "a_darkdiff.jpg\n"), second.stderr


def test_a_preset_that_may_not_be_read_is_said(night: Path) -> None:
    preset = night / "a.dng"
    done = as_anybody("enhance", night / "b.dng", "--preset", preset)
    assert (done.returncode, done.stderr) == (2, f"darkdiff: {preset}: {SAID}\n")


def test_a_folder_that_may_not_be_read_is_said_in_the_same_words(night: Path, tmp_path: Path) -> None:
    night.chmod(0o000)
    done = as_anybody("batch", night, "-o", tmp_path / "photos")
    night.chmod(0o700)
    assert (done.returncode, f"{night}: {SAID}" in done.stderr) == (2, True)
