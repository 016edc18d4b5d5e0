"""`darkdiff batch --lock-exposure`: one exposure for a folder, also after it has grown, also on Ray."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from darkdiff_cli.app import app
from darkdiff_cli.batch.exposure_lock import NAME
from tests.conftest import run_here


@pytest.fixture
def lapse(tmp_path: Path, shoot) -> Path:
    """Three frames of a dusk."""
    for number, ratio in enumerate((10.0, 40.0, 160.0)):
        shoot(tmp_path / "lapse" / f"{number}.dng", ratio, 0.1, balance=(2.0 - 0.1 * number, 1.0, 1.8))
    return tmp_path / "lapse"


def run(folder: Path, model: Path, *more: object) -> dict:
    arguments = ("batch", folder, "--model", model, "--lock-exposure", "--json", *more)
    done = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert done.exit_code == 0, done.stderr
    return {**json.loads(done.stdout), "stderr": done.stderr}


def test_a_folder_that_grows_keeps_its_exposure(lapse: Path, model_folder: Path, shoot, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    first = run(lapse, model_folder, "--report", page)
    lock = first["exposure_lock"]
    assert (lock["source"], lock["sampled"]) == ("1.dng", 3)
    assert {entry["ratio"] for entry in first["done"]} == {lock["ratio"]}
    sentence = f"xposure locked to 1.dng, the median of 3: x{lock['ratio']:g}, white balance 1.9, 1, 1.8."
    assert f"darkdiff: e{sentence}" in first["stderr"]
    assert f"<p>E{sentence}</p>" in page.read_text()
    assert json.loads((lapse / "darkdiff" / NAME).read_text())["lock"] == lock
    for number in (3, 4, 5):
        shoot(lapse / f"{number}.dng", 250.0, 0.1)
    second = run(lapse, model_folder)
    assert [entry["source"] for entry in second["done"]] == ["3.dng", "4.dng", "5.dng"]
    assert (second["skipped"], second["exposure_lock"]) == (3, lock)
    assert {entry["ratio"] for entry in second["done"]} == {lock["ratio"]}


def test_without_the_option_each_frame_has_its_own(lapse: Path, model_folder: Path) -> None:
    done = CliRunner().invoke(app, ["batch", str(lapse), "--model", str(model_folder), "--json"])
    found = json.loads(done.stdout)
    assert found["exposure_lock"] is None
    assert len({entry["ratio"] for entry in found["done"]}) == 3
    assert not (lapse / "darkdiff" / NAME).exists()


@pytest.mark.parametrize(
    "engine",
    [("--devices", "cpu,cpu"), pytest.param(("--engine", "ray", "--workers", "2"), marks=pytest.mark.slow)],
)
def test_all_workers_share_it(lapse: Path, model_folder: Path, engine: tuple[str, ...]) -> None:
    if "ray" in engine:
        pytest.importorskip("ray", reason="Ray is not installed (extra `ray`)")
    done = run_here("batch", lapse, "--model", model_folder, "--lock-exposure", "--json", *engine)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert [entry["ratio"] for entry in found["done"]] == [found["exposure_lock"]["ratio"]] * 3
