"""The program as a whole: help, completion, exit codes, and what starts quickly."""

import os
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from darkdiff_cli.app import main
from tests.conftest import run_darkdiff, run_here


def test_installed_script_answers() -> None:
    script = Path(sys.executable).parent / "darkdiff"
    done = subprocess.run([script, "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == f"darkdiff {version('darkdiff')}"


@pytest.mark.parametrize("command", ["", "enhance", "preview", "batch", "info", "models", "train", "bench quality"])
def test_help_imports_nothing_heavy(command: str) -> None:
    program = (
        "import sys; from darkdiff_cli.app import app\n"
        f"try: app({[*command.split(), '--help']!r})\n"
        "except SystemExit: pass\n"
        "heavy = {'torch', 'numpy', 'diffusers', 'rawpy', 'PIL', 'tifffile', 'huggingface_hub'} & set(sys.modules)\n"
        "sys.exit(repr(heavy) if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Usage" in done.stdout


@pytest.mark.parametrize(
    "arguments", [["dance"], ["enhance"], ["enhance", "a.dng", "--sharpen"], ["train", "--stage", "7"]]
)
def test_wrong_usage_is_exit_code_two(arguments: list[str]) -> None:
    done = run_darkdiff(*arguments)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert done.stderr


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("enhance a.dng --compression foo", "--compression: 'foo' is not one of 'lossless', 'lossy'; see {} enhance"),
        ("batch night --quality 101", "--quality: must be less than or equal to 100; see {} batch"),
        ("enhance a.dng --strength 7", "--strength: must be less than or equal to 1; see {} enhance"),
        ("enhance a.dng --steps many", "--steps: must be a valid integer; see {} enhance"),
        ("enhance", "missing argument 'IMAGES'; see {} enhance"),
        ("batch a b", "got unexpected extra argument(s) (b); see {} batch"),
        ("xyz", "no such command 'xyz'; see {}"),
    ],
)
def test_wrong_usage_is_one_sentence(words: str, sentence: str) -> None:
    done = run_darkdiff(*words.split())
    program = re.search(r"python\S* -m darkdiff_cli", done.stderr)
    assert program
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"darkdiff: {sentence.format(program[0])} --help.\n"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("bench sped", "no such command 'sped'; did you mean 'speed'?"),
        ("enhance a.dng --no-gp", "no such option: --no-gp; did you mean --no-gps?"),
        ("enhance a.dng --strenth 1", "no such option: --strenth; did you mean --strength?"),
    ],
)
def test_what_was_nearly_right_is_asked_for(words: str, sentence: str) -> None:
    done = run_darkdiff(*words.split())
    assert (done.returncode, done.stderr) == (2, f"darkdiff: {sentence}\n")


@pytest.mark.parametrize("width", [80, 140])
def test_help_is_as_wide_as_the_terminal_and_in_panels(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    for colours in ("GITHUB_ACTIONS", "FORCE_COLOR", "PY_COLORS"):
        monkeypatch.delenv(colours, raising=False)
    lines = run_darkdiff("enhance", "--help").stdout.splitlines()
    panels = [found[1] for line in lines if (found := re.match(r"[╭+]\W*(\w+)", line))]
    assert panels == ["Arguments", "Options", "Preset", "Picture", "Diffusion", "Output", "Machine"]
    assert {len(line) for line in lines if line.startswith(("│", "|"))} == {width}


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("darkdiff b", ["batch", "bench"]),
        ("darkdiff enhance --r", ["--ratio"]),
        ("darkdiff batch --white ", ["auto", "file"]),
    ],
)
def test_the_shell_completes_commands_options_and_values(typed: str, offered: list[str]) -> None:
    words = {"COMP_WORDS": typed, "COMP_CWORD": str(len(typed.split(" ")) - 1), "_DARKDIFF_COMPLETE": "complete_bash"}
    script = Path(sys.executable).parent / "darkdiff"
    done = subprocess.run([script], capture_output=True, text=True, check=True, env=os.environ | words)
    assert done.stdout.split() == offered


def test_debug_shows_the_traceback() -> None:
    words = ("enhance", "a.dng", "--stack")
    quiet, loud = run_here(*words), run_darkdiff("--debug", *words)
    assert (quiet.returncode, loud.returncode) == (2, 2)
    assert "Traceback" not in quiet.stderr
    assert "needs two or more frames" in quiet.stderr
    assert "Traceback" in loud.stderr


@pytest.mark.parametrize(("given", "holds"), [(None, "PASSIVE"), ("ACTIVE", "ACTIVE")])
def test_threads_that_wait_sleep_unless_the_user_wants_it_otherwise(
    given: str | None, holds: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OMP_WAIT_POLICY", "")  # so that it is put back
    monkeypatch.delenv("OMP_WAIT_POLICY")
    if given is not None:
        monkeypatch.setenv("OMP_WAIT_POLICY", given)
    monkeypatch.setattr(sys, "argv", ["darkdiff", "--version"])
    with pytest.raises(SystemExit):
        main()
    assert os.environ["OMP_WAIT_POLICY"] == holds
    assert "darkdiff" in capsys.readouterr().out
