"""Two real processes, of which one meets an accident: both end with a sentence, and resume to the bit."""

import os
import shutil
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
import torch
from safetensors.torch import load_file

import darkdiff_cli
from darkdiff_cli.training.loop.checkpoints import newest_checkpoint
from tests.train.test_processes import TORCHRUN, place
from tests.train.test_survival import small_disk

__all__ = ["place", "small_disk"]  # fixtures
pytestmark = pytest.mark.slow

SCRIPT = """
import os, shutil, signal, time
from pathlib import Path

fault, rank, run = os.environ["FAULT"], os.environ["RANK"], Path(os.environ["OUTPUT"])

def die():
    os.kill(os.getpid(), signal.SIGKILL)

if fault == "worker" and rank == "1":  # data workers run this script too
    from torch.utils.data import get_worker_info
    from darkdiff_cli.datasets import PhotoPairs
    item = PhotoPairs.__getitem__
    def made(self, index):
        if get_worker_info() is not None and index == 5:
            while not (run / "stage1/checkpoints/step-00000002.safetensors").exists():
                time.sleep(0.02)
            die()
        return item(self, index)
    PhotoPairs.__getitem__ = made
if fault in ("process", "nan") and rank == "1":
    from darkdiff_cli.training.stages.stage1 import ResidualAutoencoder
    loss = ResidualAutoencoder.loss
    def lost(self, player, pair, draws):
        value, numbers = loss(self, player, pair, draws)
        if draws.step == 3 and fault == "process":
            die()
        return (value * float("nan") if draws.step == 3 else value), numbers
    ResidualAutoencoder.loss = lost
if fault in ("checkpoint", "disk") and rank == "0":
    from darkdiff_cli.training.loop import state
    save_file = state.save_file
    def save(tensors, path, metadata):
        if metadata["step"] == "4" and fault == "disk":
            filler = bytes(shutil.disk_usage(run).free - 100_000)
            (run / "filler").write_bytes(filler)
        save_file(tensors, path, metadata)
        if metadata["step"] == "4" and fault == "checkpoint":
            content = Path(path).read_bytes()
            Path(path).write_bytes(content[: len(content) // 2])
            die()
    state.save_file = save
if __name__ == "__main__":
    from darkdiff_cli.app import main
    main()
"""
OTHER = "another process of this training has ended"
SAID = {
    "checkpoint": (OTHER,),
    "disk": ("the checkpoint cannot be written (No space left on device)", OTHER),
    "nan": ("the loss is not a number at step 3, with ",),
    "worker": ("a process that makes training pairs was ended from outside (Killed)", OTHER),
    "process": (OTHER,),
}


def command(place: Path, output: Path, fault: str, *more: object) -> tuple[list[str], dict[str, str]]:
    """What starts a training by two processes, and its environment."""
    words = ["train", "--stage", 1, "--recipe", "tiny-debug", "--base", place / "base", "--data",
             f"photos:{place / 'photos'}", "-o", output, "--workers", int(fault == "worker"), "--device", "cpu",
             "--precision", "fp32", *more]  # fmt: skip
    script = place / "accident.py"
    script.write_text(SCRIPT)
    path = os.pathsep.join(str(Path(darkdiff_cli.__file__).parents[1] / part) for part in ("", "models"))
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": path, "FAULT": fault, "OUTPUT": str(output)}
    return [sys.executable, *TORCHRUN, str(script), *map(str, words)], environment


def launch(place: Path, output: Path, fault: str, *more: object) -> subprocess.CompletedProcess[str]:
    words, environment = command(place, output, fault, *more)
    return subprocess.run(words, capture_output=True, text=True, timeout=200, env=environment, check=False)


def sentences(done: subprocess.CompletedProcess[str]) -> list[str]:
    return [line for line in done.stderr.splitlines() if line.startswith("darkdiff: ")]


@pytest.fixture(scope="module")
def straight(place: Path) -> Path:
    done = launch(place, place / "straight", "none")
    assert done.returncode == 0, done.stderr
    return place / "straight" / "stage1"


@pytest.mark.parametrize("fault", SAID)
def test_both_end_with_a_sentence_and_go_on_to_the_bit(
    fault: str, place: Path, straight: Path, request: pytest.FixtureRequest
) -> None:
    output = (request.getfixturevalue("small_disk") if fault == "disk" else place) / fault
    died = launch(place, output, fault)
    assert died.returncode != 0
    said = sentences(died)
    for sentence in SAID[fault]:
        assert any(sentence in line for line in said), died.stderr
    assert not any("unexpected" in line for line in said)
    newest = newest_checkpoint(output / "stage1" / "checkpoints")
    assert newest is not None
    assert newest.stem == "step-00000002"
    (output / "filler").unlink(missing_ok=True)
    done = launch(place, output, "none", "--resume")
    assert done.returncode == 0, done.stderr
    for part in ("checkpoints/step-00000004.safetensors", "vae/diffusion_pytorch_model.safetensors"):
        first, second = (load_file(folder / part) for folder in (straight, output / "stage1"))
        assert set(first) == set(second)
        assert all(torch.equal(first[key], second[key]) for key in first)
    assert not list(output.rglob("*.partial"))


def test_a_sigterm_to_all_that_torchrun_hands_on_as_well_saves_a_checkpoint(place: Path) -> None:
    """As SLURM and systemd send it: to torchrun, both processes and their workers."""
    output = place / "told"
    more = ("--steps", 100000, "--set", "check_every=100000", "--workers", 1)
    words, environment = command(place, output, "none", *more)
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True, env=environment) as torchrun:
        deadline = time.monotonic() + 120
        while not (output / "stage1" / "log.jsonl").exists() and time.monotonic() < deadline:
            time.sleep(0.1)
        top = psutil.Process(torchrun.pid)
        for process in (*top.children(recursive=True), top):
            with suppress(psutil.Error):  # one that torchrun has had for a moment only
                process.terminate()
        _, errors = torchrun.communicate(timeout=120)
    assert [line for line in errors.splitlines() if line.startswith("darkdiff: ")] == ["darkdiff: interrupted"] * 2
    newest = newest_checkpoint(output / "stage1" / "checkpoints")
    assert newest is not None
    assert newest.stem != "step-00000000"


def test_a_broken_file_is_named_once_by_both(place: Path) -> None:
    photos = place / "photos"
    whole = photos.resolve()
    photos.unlink()
    shutil.copytree(whole, photos)
    broken = [photos / f"{number}.png" for number in ("05", "15", "18")]  # by the first, the second, both at once
    for path in broken:
        path.write_bytes(path.read_bytes()[:300])
    done = launch(place, place / "broken", "none")
    assert done.returncode == 0, done.stderr
    named = [line.split(": ")[2] for line in sentences(done) if "left out of the training" in line]
    assert sorted(named) == list(map(str, broken))
