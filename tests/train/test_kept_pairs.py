"""Pairs that stage 3 makes before it trains: on the disk, shared among processes, and not made twice."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from typer.testing import CliRunner

from darkdiff_cli.app import app
from tests.conftest import make_pipeline

PAIRS = 64


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("start")
    make_pipeline().save_pretrained(folder)
    return folder


def words(start: Path, photos: Path, output: Path, *more: object) -> list[str]:
    given = ["train", "--stage", 3, "--recipe", "tiny-debug", "--start", start, "--data", f"photos:{photos}"]
    kept = ["--set", f"stage3.kept_pairs={PAIRS}", "--set", "stage3.kept_crop=32"]
    return list(
        map(str, [*given, "-o", output, "--workers", 0, "--device", "cpu", "--precision", "fp32", *kept, *more])
    )


def here(*arguments: object):
    return CliRunner().invoke(app, words(*arguments))  # type: ignore[arg-type]


def weights(output: Path) -> dict[str, torch.Tensor]:
    return load_file(output / "stage3" / "detail" / "diffusion_pytorch_model.safetensors")


@pytest.fixture(scope="module")
def whole(start: Path, photo_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("whole")
    done = here(start, photo_folder, output)
    assert done.exit_code == 0, done.stderr
    assert f"stage3: makes its pairs, 0 of {PAIRS} done." in done.stderr
    return output


def test_pairs_are_gone_when_training_has_ended(whole: Path, start: Path, photo_folder: Path) -> None:
    assert not (whole / "stage3" / "kept").exists()
    again = here(start, photo_folder, whole, "--resume")
    assert again.exit_code == 0, again.stderr
    assert "nothing is left to train" in again.stderr
    assert "makes its pairs" not in again.stderr


def test_a_killed_run_goes_on_with_the_pairs_that_it_made(
    whole: Path, start: Path, photo_folder: Path, tmp_path: Path
) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "darkdiff_cli", *words(start, photo_folder, tmp_path)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    kept = tmp_path / "stage3" / "kept"
    while not (kept / "00000016.safetensors").exists():
        assert process.poll() is None
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait()
    made = list(kept.glob("*.safetensors"))
    if len(made) == PAIRS or (tmp_path / "stage3" / "log.jsonl").exists():
        pytest.skip("this machine made all pairs before it could be stopped")
    (kept / "00000003.safetensors").write_bytes(b"broken")
    done = here(start, photo_folder, tmp_path)
    assert done.exit_code == 0, done.stderr
    assert "stage3: makes its pairs, 0 of" in done.stderr  # for the broken one's sake
    ours, theirs = weights(tmp_path), weights(whole)
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)


def test_other_data_makes_other_pairs_and_other_steps_do_not(
    start: Path, photo_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("darkdiff_cli.training.run.remove_stored", lambda _folder: None)
    kept = tmp_path / "a" / "stage3" / "kept"
    assert here(start, photo_folder, tmp_path / "a").exit_code == 0
    first = {path.name: path.read_bytes() for path in kept.iterdir()}
    longer = here(start, photo_folder, tmp_path / "a", "--resume", "--steps", 6, "--set", "stage3.loss.l1=2.0")
    assert longer.exit_code == 0, longer.stderr
    assert "makes its pairs" not in longer.stderr
    other = here(start, photo_folder, tmp_path / "a", "--resume", "--steps", 8, "--set", "stage3.data.grain=0.1")
    assert other.exit_code == 0, other.stderr
    assert "makes its pairs, 0 of" in other.stderr
    assert all(path.read_bytes() != first[path.name] for path in kept.iterdir())


def test_a_photograph_that_is_left_out_is_named_once(start: Path, photo_folder: Path, tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    shutil.copytree(photo_folder, photos)
    (photos / "a_broken.jpg").write_bytes(b"no picture")
    (photos / "b_broken.jpg").write_bytes(b"no picture")  # the first of a folder is held out
    done = here(start, photos, tmp_path / "run")
    assert done.exit_code == 0, done.stderr
    assert done.stderr.count(f"{photos / 'b_broken.jpg'}: cannot be decoded as a photograph") == 1


def test_too_many_pairs_for_the_disk_are_refused(start: Path, photo_folder: Path, tmp_path: Path) -> None:
    done = here(start, photo_folder, tmp_path, "--set", "stage3.kept_pairs=1000000", "--set", "stage3.kept_crop=2048")
    assert done.exit_code == 2
    said = done.stderr.splitlines()[-1]
    assert "stage3/kept: the kept pairs need " in said
    assert "lower stage3.kept_pairs, or choose another --output." in said
    assert not list(tmp_path.rglob("*.safetensors"))


def test_a_dry_run_tells_their_room(start: Path, photo_folder: Path, tmp_path: Path) -> None:
    done = here(start, photo_folder, tmp_path, "--dry-run", "--set", "stage3.kept_pairs=1000", "--set",
                "stage3.kept_crop=128")  # fmt: skip
    assert done.exit_code == 0, done.stderr
    assert "  disk: 2.16 GB of pairs that are made before, until the end" in done.stdout.splitlines()
    assert not list(tmp_path.iterdir())


def test_two_processes_share_the_making(start: Path, photo_folder: Path, tmp_path: Path) -> None:
    launcher = ["-m", "torch.distributed.run", "--nproc_per_node", "2", "--rdzv-backend", "c10d", "--rdzv-endpoint",
                "localhost:0", "-m", "darkdiff_cli", "--"]  # fmt: skip
    # Muon makes as much of rounding as of any gradient. So one process takes the images one at a time too, and MKL's
    # products must not depend on where in memory their factors lie, as they do on processors with AVX2 alone.
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "MKL_CBWR": "AUTO"}
    few, parts = ("--set", "stage3.kept_pairs=16"), ("--set", "stage3.optimisation.accumulation=2")
    for begin, output, more in ((launcher, "two", few), (["-m", "darkdiff_cli"], "one", (*few, *parts))):
        done = subprocess.run(
            [sys.executable, *begin, *words(start, photo_folder, tmp_path / output, *more)],
            capture_output=True, text=True, timeout=300, check=False, env=environment,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert done.stderr.count("makes its pairs, 0 of") == 1
        assert not (tmp_path / output / "stage3" / "kept").exists()
    ours, theirs = weights(tmp_path / "two"), weights(tmp_path / "one")
    for name, value in theirs.items():
        torch.testing.assert_close(ours[name], value, rtol=1e-3, atol=2e-5)
