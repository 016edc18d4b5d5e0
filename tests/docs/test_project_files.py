"""The files that services read, not people: they are valid, and say the same as pyproject.toml."""

import re
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import yaml

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[2]
FORMS = sorted(path for path in ROOT.glob(".github/ISSUE_TEMPLATE/*.yml") if path.name != "config.yml")
NOT_LOCKED = {"xformers", "convert"}  # for CUDA, and for one conversion


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def read_yaml(name: str) -> dict[str, Any]:
    return yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))


def normalised(requirement: str) -> str:
    """The name alone of "Some_Package[extra]>=1.0", as PEP 503 compares names."""
    name = re.match(r"[\w.-]+", requirement)
    assert name is not None
    return re.sub(r"[-_.]+", "-", name[0]).lower()


def test_one_version_everywhere(project: dict[str, Any]) -> None:
    assert read_yaml("CITATION.cff")["version"] == project["version"] == version("darkdiff")


def test_the_paper_is_cited_first() -> None:
    citation = read_yaml("CITATION.cff")
    assert citation["cff-version"] == "1.2.0"
    assert {"title", "authors", "message"} <= set(citation)
    paper = citation["preferred-citation"]
    assert paper["url"] == "https://arxiv.org/abs/2505.23743"
    assert [author["family-names"] for author in paper["authors"]] == ["Zheng", "Zhang", "Hu", "Yeh", "Chen"]


def test_every_dependency_is_locked(project: dict[str, Any]) -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pinned = {normalised(line) for line in lines if "==" in line}
    wanted = set(project["dependencies"])
    for extra, requirements in project["optional-dependencies"].items():
        wanted |= set() if extra in NOT_LOCKED else set(requirements)
    assert {normalised(one) for one in wanted} <= pinned


def test_torch_is_pinned_for_every_build() -> None:
    """`2.13.0+cpu` would refuse the builds for CUDA, and the other way round."""
    [line] = re.findall(r"^torch==.*$", (ROOT / "constraints.txt").read_text(encoding="utf-8"), re.MULTILINE)
    assert re.fullmatch(r"torch==[\d.]+", line)


def test_every_python_is_tested(project: dict[str, Any]) -> None:
    named = [c.rpartition(" ")[2] for c in project["classifiers"] if re.search(r"Python :: 3\.\d+$", c)]
    matrix = read_yaml(".github/workflows/ci.yml")["jobs"]["tests"]["strategy"]["matrix"]
    assert matrix["python"] == named
    assert project["requires-python"] == f">={named[0]}"
    systems = {*matrix["os"], *(more["os"] for more in matrix["include"])}
    assert systems == {"ubuntu-latest", "macos-latest", "windows-latest"}


@pytest.mark.parametrize("path", sorted(ROOT.glob(".github/workflows/*.yml")), ids=lambda path: path.name)
def test_workflows_have_jobs_that_run(path: Path) -> None:
    workflow = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert True in workflow  # YAML 1.1 reads the key `on` as true
    for job in workflow["jobs"].values():
        assert "uses" in job or ("runs-on" in job and all("run" in s or "uses" in s for s in job["steps"]))
        needs = job.get("needs", [])
        assert set([needs] if isinstance(needs, str) else needs) <= set(workflow["jobs"])


def test_only_a_tag_uploads() -> None:
    release = read_yaml(".github/workflows/release.yml")
    assert release[True] == {"push": {"tags": ["v*"]}}
    publish = release["jobs"]["publish"]
    assert publish["permissions"] == {"id-token": "write"}
    assert set(publish["needs"]) == {"ci", "audit", "version", "contents"}
    writing = {name for name, job in release["jobs"].items() if "write" in job.get("permissions", {}).values()}
    assert writing == {"publish", "page"}


def test_three_issue_forms() -> None:
    assert [path.stem for path in FORMS] == ["bug", "camera", "feature"]


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.stem)
def test_issue_forms_are_complete(path: Path) -> None:
    form = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert {"name", "description", "body"} <= set(form)
    kinds = {field["type"] for field in form["body"]}
    assert kinds <= {"textarea", "input", "checkboxes", "dropdown", "markdown"}
    ids = [field["id"] for field in form["body"]]
    assert len(set(ids)) == len(ids)
    assert all(field["attributes"]["label"] for field in form["body"])


def test_hooks_are_the_tools_of_the_environment() -> None:
    [local] = read_yaml(".pre-commit-config.yaml")["repos"]
    assert local["repo"] == "local"
    assert {hook["entry"].split()[0] for hook in local["hooks"]} == {".venv/bin/ruff", ".venv/bin/mypy"}
