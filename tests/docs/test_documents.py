"""What README and the pages of `docs/` tell a reader to type is accepted by the program, and runs where it can."""

import re
import shlex
import shutil
from dataclasses import asdict
from functools import reduce
from operator import getitem
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from darkdiff_cli.app import app
from darkdiff_cli.evaluation.protocols.protocol import PROTOCOLS
from darkdiff_cli.formats import FORMATS
from darkdiff_cli.training.recipe.recipe_file import load_recipe
from tests.unit.raw.metadata.test_rating import sidecar

ROOT = Path(__file__).parents[2]
CARD = ROOT / "models" / "darkdiff_models" / "pretrained" / "tiny" / "README.md"
PAGES = sorted({ROOT / "README.md", CARD, *ROOT.glob("docs/**/*.md")} - {ROOT / "docs" / "commands.md"})
OTHER_PROGRAMS = {"--depth", "--head", "--address", "--upgrade-package", "--cpu"}  # git, ray, uv, accelerate
FENCE = re.compile(r"^```(?P<language>\w*)\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL)
INDENTED = re.compile(r"^ {4}.*$", re.MULTILINE)
PROGRAM = re.compile(r"^(?:darkdiff|(?:accelerate launch|torchrun [^m]*) *-m darkdiff_cli) +(?P<words>.+)$")
INLINE_OPTION = re.compile(r"`[^`\n]*?(?P<option>--[a-z][a-z-]+)[^`\n]*`")
RECIPE_KEY = re.compile(r"`(?P<key>(?:stage\d|data|finishing)\.[a-z_.]+)`")
PROTOCOL = re.compile(r"\b(?:(?:sid|eld-sony)-x\d+|lrd-m3ev)(?:-[a-z0-9]+)*")
LINK = re.compile(r"\]\((?P<target>[^)#:\s]+)(?:#[^)\s]*)?\)")


def page_name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def command_lines() -> list[str]:
    """Every `darkdiff ...` line of the pages' code, once, without its comment."""
    texts = [page.read_text(encoding="utf-8") for page in PAGES]
    code = [line for text in texts for block in FENCE.finditer(text) for line in block["code"].splitlines()]
    code += [line for text in texts for line in INDENTED.findall(text)]
    found = [match["words"] for line in code if (match := PROGRAM.match(line.strip()))]
    return list(dict.fromkeys(shlex.join(shlex.split(line, comments=True)) for line in found))


def python_blocks() -> list[tuple[str, str]]:
    """(page, code) of every Python example."""
    pages = [(page_name(page), page.read_text(encoding="utf-8")) for page in PAGES]
    return [(name, m["code"]) for name, text in pages for m in FENCE.finditer(text) if m["language"] == "python"]


def runs_here(line: str) -> bool:
    """Whether a command needs nothing but a raw file; the others are only parsed."""
    words = line.split()
    needs = {"ray", "all", "--model", "--watch"}  # a cluster, several GPUs, a trained model, somebody who ends it
    makes_photos = words[0] in {"enhance", "batch"} and not needs & set(words)
    return makes_photos or words in (["bench", "protocols"], ["models"])


def parser() -> Any:
    """The program's own parser, which reads a command line and then does nothing."""

    def mute(command: Any) -> None:
        command.callback = None
        for parameter in command.params:
            parameter.callback = None  # --version and --install-completion act while they are read
        for part in getattr(command, "commands", {}).values():
            mute(part)

    program = get_command(app)
    mute(program)
    program.invoke_without_command = True  # those two stand without a command
    return program


@pytest.fixture
def desk(dark_dng: Path, shoot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the raw files that the pages speak of; it is the current one."""
    for name in ("IMG.ARW", "IMG.DNG", "samples/night_x300.dng", "shoot/A.ARW", "shoot/1/B.ARW"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(dark_dng, tmp_path / name)
    sidecar(tmp_path / "shoot" / "A.xmp", 5)
    for name, seconds in (("one.NEF", 0.1), ("two.NEF", 0.2)):  # a burst, which copies of one file are not
        shoot(tmp_path / name, 1.0 / seconds, seconds)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*words: str) -> None:
    """Run the program in this process, where torch is loaded already."""
    done = CliRunner().invoke(app, words, catch_exceptions=False)
    assert done.exit_code == 0, done.output


def test_examples_are_found() -> None:
    """A pattern that finds nothing would let everything below pass."""
    assert len(command_lines()) > 30
    assert len([line for line in command_lines() if runs_here(line)]) > 8
    assert {page for page, _ in python_blocks()} >= {"README.md", "docs/guide/first-night.md"}


@pytest.mark.parametrize("line", command_lines())
def test_every_command_is_accepted(line: str) -> None:
    assert parser().main(shlex.split(line), standalone_mode=False) in (None, 0)  # wrong usage raises


@pytest.mark.parametrize("line", filter(runs_here, command_lines()))
def test_commands_run(line: str, desk: Path) -> None:
    words = shlex.split(line)
    if words[0] == "enhance":  # as a shell does; batch gets its patterns in quotes
        words = [name for word in words for name in (sorted(map(str, Path().glob(word))) if "*" in word else [word])]
    before = set(desk.rglob("*"))
    run(*words)
    photos = {path for path in set(desk.rglob("*")) - before if path.suffix in FORMATS}
    assert bool(photos) == (words[0] in ("enhance", "batch") and "--dry-run" not in words)


@pytest.mark.parametrize(("page", "code"), python_blocks(), ids=[page for page, _ in python_blocks()])
def test_python_examples_run(page: str, code: str, desk: Path) -> None:
    before = set(desk.rglob("*"))
    exec(compile(code, page, "exec"), {"__name__": "__main__"})
    assert set(desk.rglob("*")) > before


def test_the_readme_example_writes_what_enhance_writes(desk: Path) -> None:
    [code] = [code for page, code in python_blocks() if page == "README.md"]
    exec(compile(code, "README.md", "exec"), {"__name__": "__main__"})
    run("enhance", "IMG.ARW", "-o", "by_command.jpg")
    assert (desk / "night.jpg").read_bytes() == (desk / "by_command.jpg").read_bytes()


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_named_options_exist(page: Path) -> None:
    def options(command: Any) -> set[str]:
        own = {name for parameter in command.params for name in parameter.opts}
        return own.union(*map(options, getattr(command, "commands", {}).values()))

    named = {match["option"] for match in INLINE_OPTION.finditer(page.read_text(encoding="utf-8"))}
    assert named <= options(get_command(app)) | {"--help"} | OTHER_PROGRAMS


@pytest.mark.parametrize("page", [*PAGES, ROOT / "docs" / "commands.md"], ids=page_name)
def test_named_protocols_exist(page: Path) -> None:
    assert set(PROTOCOL.findall(page.read_text(encoding="utf-8"))) <= set(PROTOCOLS)


@pytest.mark.parametrize("page", [*PAGES, ROOT / "CHANGELOG.md"], ids=page_name)
def test_named_recipe_values_exist(page: Path) -> None:
    recipe = asdict(load_recipe("tiny"))
    for match in RECIPE_KEY.finditer(page.read_text(encoding="utf-8")):
        *parents, last = match["key"].split(".")
        assert last in reduce(getitem, parents, recipe), match["key"]


@pytest.mark.parametrize(
    "page", [*PAGES, *(ROOT / name for name in ("CONTRIBUTING.md", "CHANGELOG.md", "ARCHITECTURE.md"))], ids=page_name
)
def test_links_lead_to_files(page: Path) -> None:
    targets = [match["target"] for match in LINK.finditer(page.read_text(encoding="utf-8"))]
    assert [target for target in targets if not (page.parent / target).exists()] == []
