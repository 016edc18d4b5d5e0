"""The house stays as it is drawn: floors import only downward, and the wheel installs two packages."""

import ast
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BASEMENT = {
    "cfa",
    "errors",
    "colour",
    "decoder",
    "capture",
    "interrupt",
    "allocator",
    "threads",
    "words",
    "progress",
    "compiler_cache",
    "files",
    "inputs",
    "formats",
    "gamut",
    "names",
    "ranges",
    "weights",
}
FLOORS = {
    **dict.fromkeys(("raw", "photo", "synthesis"), 1),
    **dict.fromkeys(("datasets", "enhancer", "model_list"), 2),
    "training": 3,
    "batch": 3,
    "preview": 3,
    "evaluation": 4,
    "commands": 5,
    "app": 6,
    "__main__": 7,
}
NETWORK_FLOORS = {
    **dict.fromkeys(
        (
            "networks",
            "finishing",
            "devices",
            "sampling_settings",
            "digest",
            "connections",
            "compilation",
            "config_values",
        ),
        1,
    ),
    **dict.fromkeys(("tiling", "learning", "hub"), 2),
    **dict.fromkeys(("detail", "pipeline_output", "stored", "finding"), 3),
    "pipeline": 4,
    **dict.fromkeys(("model_fit", "empty_prompt"), 5),
    "model_folder": 6,
    **dict.fromkeys(("checkpoints", "base_models"), 7),
}
POSIX_MODULES = {"fcntl", "resource", "pwd", "grp", "termios", "tty", "pty", "syslog"}
POSIX_NAMES = {
    *(f"os.{name}" for name in ("fork", "forkpty", "geteuid", "getuid", "uname", "sched_getaffinity", "sysconf")),
    *(f"signal.{name}" for name in ("SIGKILL", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGALRM", "SIGSTOP", "SIGCONT")),
}
SOURCES = [*ROOT.glob("darkdiff_cli/**/*.py"), *ROOT.glob("models/darkdiff_models/**/*.py")]


def imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


def room(module: str) -> str:
    return module.split(".")[1] if "." in module else "__init__"


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_go_down_the_floors(path: Path) -> None:
    module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for imported in imports(path):
        if imported.startswith("torchvision"):
            pytest.fail("torchvision cannot load beside every torch build")
        if imported.startswith("darkdiff_cli"):
            assert module.startswith("darkdiff_cli"), f"the networks import {imported}"
            here, there = room(module), room(imported)
            if there not in BASEMENT and there != here and here != "__init__":
                assert here not in BASEMENT
                assert FLOORS[there] < FLOORS[here], f"{module} imports {imported}"


@pytest.mark.parametrize("path", [p for p in SOURCES if "darkdiff_models" in p.parts], ids=lambda p: p.stem)
def test_the_papers_networks_know_nothing_of_our_additions(path: Path) -> None:
    """Tiling, finishing and learning stand beside or above the networks, and the pipeline above them all."""
    module = ".".join(path.relative_to(ROOT / "models").with_suffix("").parts)
    for imported in imports(path):
        here, there = room(module), room(imported)
        if imported.startswith("darkdiff_models.") and there != here and here != "__init__":
            assert NETWORK_FLOORS[there] < NETWORK_FLOORS[here], f"{module} imports {imported}"


def at_import(body: list[ast.stmt]) -> Iterator[ast.AST]:
    """Every node that runs when a module is imported: all but the bodies of functions."""
    for statement in body:
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        nested = [child for name in ("body", "orelse", "finalbody") for child in getattr(statement, name, [])]
        yield from at_import(nested)
        if not nested:
            yield from ast.walk(statement)


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_need_no_posix(path: Path) -> None:
    """The program starts on Windows, and on macOS, where processes begin by importing it anew."""
    for node in at_import(ast.parse(path.read_text("utf-8")).body):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        assert not POSIX_MODULES & set(names)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            assert f"{node.value.id}.{node.attr}" not in POSIX_NAMES


def test_one_module_imports_rawpy() -> None:
    users = [path.relative_to(ROOT).as_posix() for path in SOURCES if any(i.startswith("rawpy") for i in imports(path))]
    assert users == ["darkdiff_cli/raw/opening.py"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> list[str]:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, ROOT]
    subprocess.run(command, check=True, capture_output=True, text=True)
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as archive:
        return archive.namelist()


def test_wheel_installs_two_packages_and_nothing_called_models(wheel: list[str]) -> None:
    tops = {name.split("/")[0] for name in wheel}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"darkdiff_cli", "darkdiff_models"}


@pytest.mark.parametrize(
    "name",
    [
        "darkdiff_cli/py.typed",
        "darkdiff_models/py.typed",
        "darkdiff_cli/recipes/tiny.yaml",
        "darkdiff_cli/synthesis/cameras.json",
        "darkdiff_cli/batch/album/album.html.j2",
        "darkdiff_cli/evaluation/report/report.html.j2",
        "darkdiff_cli/evaluation/protocols/paper.csv",
        "darkdiff_models/pretrained/tiny/model_index.json",
        "darkdiff_models/pretrained/tiny/unet/diffusion_pytorch_model.safetensors",
        "darkdiff_models/pretrained/tiny/README.md",
    ],
)
def test_wheel_carries_what_the_program_reads(wheel: list[str], name: str) -> None:
    assert name in wheel
