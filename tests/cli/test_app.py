import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.conftest import run_darkdiff


def test_installed_script_answers() -> None:
    script = Path(sys.executable).parent / "darkdiff"
    done = subprocess.run([script, "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == f"darkdiff {version('darkdiff')}"


@pytest.mark.parametrize("command", [[], ["enhance"], ["train"]])
def test_help_imports_nothing_heavy(command: list[str]) -> None:
    program = (
        "import sys; from darkdiff_cli.app import app\n"
        f"try: app({[*command, '--help']!r})\n"
        "except SystemExit: pass\n"
        "heavy = {'torch', 'numpy', 'diffusers', 'rawpy', 'PIL', 'tifffile'} & set(sys.modules)\n"
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


def test_debug_shows_the_traceback() -> None:
    quiet, loud = (
        run_darkdiff(*flags, "train", "--stage", 0, "--data", "photos:/nowhere", "--recipe", "tiny-debug")
        for flags in ((), ("--debug",))
    )
    assert quiet.returncode == 2
    assert "Traceback" not in quiet.stderr
    assert "no such folder" in quiet.stderr
    assert "Traceback" in loud.stderr
