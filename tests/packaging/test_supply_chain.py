"""What the program needs may be passed on with it, and whoever builds it gets the same bytes."""

import importlib.util
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def licences() -> ModuleType:
    spec = importlib.util.spec_from_file_location("licences", ROOT / "docs" / "licences.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_package_that_is_needed_may_be_passed_on(licences: ModuleType, capsys) -> None:
    assert licences.main() == 0, capsys.readouterr().err
    table = dict(line.split(maxsplit=2)[::2] for line in capsys.readouterr().out.splitlines())
    assert {"darkdiff", "torch", "huggingface-hub", "rawpy", "certifi"} <= set(table)  # those of the others too
    assert not {"pytest", "pyexiv2", "bm3d"} & set(table)


@pytest.mark.parametrize(
    ("expression", "allowed"),
    [
        ("MIT", True), ("Apache-2.0 OR GPL-3.0-only", True), ("MPL-2.0 AND MIT", True), ("BSD License", True),
        ("GPL-3.0-or-later", False), ("MIT AND LGPL-2.1-only", False), ("none named", False), ("", False),
        ("GNU Affero General Public License v3", False), ("Non-commercial", False), ("(MIT OR BSD) AND GPL", False),
        ("MIT AND (BSD OR GPL-3.0)", False), ("Apache-2.0 WITH LLVM-exception", True),
    ],
)  # fmt: skip
def test_a_licence_that_binds_others_is_refused(licences: ModuleType, expression: str, allowed: bool) -> None:
    assert licences.is_allowed(expression) is allowed


@pytest.mark.slow  # two builds
def test_two_builds_of_one_commit_are_the_same_bytes(tmp_path: Path) -> None:
    """In two clones, under two masks of permissions, with two times of the files."""
    if shutil.which("make") is None or not (ROOT / ".git").exists():
        pytest.skip("needs make and the history")
    wheels = []
    for name, mask in (("one", 0o022), ("two", 0o077)):
        clone = tmp_path / name
        command = ["git", "clone", "--quiet", "--depth", "1", f"file://{ROOT}", str(clone)]
        subprocess.run(command, check=True, capture_output=True, umask=mask)
        os.utime(clone / "README.md", (mask, mask))
        backend = f"{sys.executable} -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir ../../dist ."
        words = ["make", "packages", "TOOLS=", f"BUILD={backend}"]
        done = subprocess.run(words, cwd=clone, capture_output=True, text=True, umask=mask, check=False)
        assert done.returncode == 0, done.stderr
        wheels.append(next((clone / "dist").glob("*.whl")))
    with zipfile.ZipFile(wheels[0]) as archive:
        assert {info.date_time for info in archive.infolist()} != {(1980, 1, 1, 0, 0, 0)}
    assert wheels[0].read_bytes() == wheels[1].read_bytes()
