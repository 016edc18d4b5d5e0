"""What runs the script of darktable: a Lua interpreter, and the program under a name of its own."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

HERE = Path(__file__).parent
SCRIPT = HERE.parents[1] / "extras" / "darktable" / "darkdiff.lua"


def lua_string(text: str) -> str:
    """A string of Lua, whatever is in the text."""
    return '"' + "".join(f"\\{byte:03d}" for byte in text.encode("utf-8", "surrogateescape")) + '"'


@pytest.fixture(scope="session")
def lua() -> str:
    """A Lua interpreter of the version that darktable has."""
    for name in ("lua5.4", "lua5.3", "lua"):
        if (found := shutil.which(name)) is not None:
            return found
    pytest.skip("no Lua interpreter is installed")


@pytest.fixture
def run_lua(lua: str, tmp_path: Path) -> Callable[[str], str]:
    """run_lua(code): what the code prints, with the script loaded as `script` and the stand-in as `dt`."""

    def run(code: str) -> str:
        start = (
            f"package.path = {lua_string(str(HERE / '?.lua'))}\n"
            f'local dt = require "darktable"\nlocal script = dofile({lua_string(str(SCRIPT))})\n'
        )
        (tmp_path / "run.lua").write_text(start + code)
        done = subprocess.run([lua, tmp_path / "run.lua"], capture_output=True, timeout=300, check=False)
        assert done.returncode == 0, done.stderr.decode(errors="replace")
        return done.stdout.decode("utf-8", "surrogateescape")

    return run


@pytest.fixture
def program(tmp_path: Path, model_folder: Path) -> Path:
    """The real program with the small model, in a place whose name a shell does not like."""
    folder = tmp_path / "it's $HOME `id`"
    folder.mkdir()
    path = folder / "dark diff"
    root = HERE.parents[1]
    path.write_text(
        f'#!/bin/sh\nexport PYTHONPATH="{root}:{root / "models"}"\necho run >> "{tmp_path}/runs"\nfirst="$1"; shift\n'
        f'exec "{sys.executable}" -m darkdiff_cli "$first" --model "{model_folder}" --device cpu "$@"\n'
    )
    path.chmod(0o755)
    return path
