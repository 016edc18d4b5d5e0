"""Training goes on, or stops with one sentence and what was good whole: disks, workers, files."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch.utils.data import Dataset

from darkdiff_cli.datasets import MosaicCache, Pair, PhotoPairs, RawPairs, SynthesisSettings
from darkdiff_cli.datasets.cache import _decoder
from darkdiff_cli.datasets.sid import sid_pairs
from darkdiff_cli.errors import DarkdiffError, MemoryLimitError, TrainingError, UnreadableError
from darkdiff_cli.training.loop.batches import Cut, batches
from darkdiff_cli.training.loop.checkpoints import newest_checkpoint
from darkdiff_cli.training.loop.machine import RunSettings
from darkdiff_cli.training.loop.train import train
from darkdiff_cli.training.loop.trainer import Trainer
from tests.train.test_loop import PLAN, data, run, stage_one

__all__ = ["data"]  # a fixture


class WorkerKilled(Dataset[Pair]):
    """Photographs whose data worker is killed, as by a system that is out of memory.

    Args:
        pairs: the photographs.
        item: that is never made.
        after: the checkpoint that it waits for, since a worker is some items ahead.
    """

    def __init__(self, pairs: PhotoPairs, item: int, after: Path) -> None:
        self.pairs, self.item, self.after = pairs, item, after

    def __getitem__(self, index: int) -> Pair:
        if index == self.item:
            end = time.monotonic() + 120
            while not self.after.exists() and time.monotonic() < end:
                time.sleep(0.02)
            os.kill(os.getpid(), signal.SIGKILL)
        return self.pairs[index]


class DecoderCrashes(Dataset[Pair]):
    """Pairs of raws, and from an item on one that brings LibRaw down.

    Args:
        pairs: the pairs.
        item: the first that crashes.
        path: the file that is named.
    """

    def __init__(self, pairs: RawPairs, item: int, path: Path) -> None:
        self.pairs, self.item, self.path = pairs, item, path

    def __getitem__(self, index: int) -> Pair:
        return self.pairs[index] if index < self.item else _decoder().run(self.path, os.abort)


def test_a_killed_worker_is_one_sentence_and_the_run_goes_on_from_its_checkpoint(data, tmp_path: Path) -> None:
    checkpoint = tmp_path / "killed" / "stage1" / "checkpoints" / "step-00000002.safetensors"
    killed = WorkerKilled(data[0], item=2 * PLAN.batch_size + 1, after=checkpoint)
    with pytest.raises(TrainingError, match=r"makes training pairs was ended from outside \(Killed\).*--resume"):
        run(stage_one(), (killed, data[1]), tmp_path / "killed", workers=1)
    assert newest_checkpoint(checkpoint.parent) == checkpoint
    run(stage_one(), data, tmp_path / "killed", resume=True)
    run(stage_one(), data, tmp_path / "straight")
    assert_same_checkpoints(tmp_path / "killed", tmp_path / "straight")


def test_a_worker_decodes_raws_in_a_child_and_says_what_is_wrong_in_its_own_words(shoot_pairs, tmp_path: Path) -> None:
    files = sid_pairs(shoot_pairs("sid"), "train")
    pairs = RawPairs(files, 16, 0, "srgb", "lrgb-srgb", MosaicCache(tmp_path / "cache"))
    made = batches(DecoderCrashes(pairs, 2, tmp_path / "crash.arw"), 0, PLAN, Cut(0, 1, 1, 2), 1, 8, False)
    first = next(made)
    assert torch.equal(first.noisy, torch.stack([pairs[0].noisy, pairs[1].noisy]))
    with pytest.raises(UnreadableError, match=r"^/\S+crash\.arw: brought the raw decoder down"):
        next(made)


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_a_step_that_does_not_fit_into_memory_says_what_makes_it_smaller(device, data, tmp_path, monkeypatch) -> None:
    step = Trainer._update

    def full(self: Trainer, *words):
        if self.state.step == 2 and device == "cuda":
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        if self.state.step == 2:
            torch.empty(2**50)
        return step(self, *words)

    monkeypatch.setattr(Trainer, "_update", full)
    stage = stage_one(accumulation=2, gradient_checkpointing=device == "cpu")
    with pytest.raises(MemoryLimitError) as error:
        run(stage, data, tmp_path)
    between = " " if device == "cpu" else ", gradient_checkpointing to true "
    assert str(error.value) == (
        "stage1: a step does not fit into memory; set accumulation above 2 (up to its batch_size of 4)"
        f"{between}or crop below 32 in the recipe."
    )
    monkeypatch.undo()
    assert newest_checkpoint(tmp_path / "stage1" / "checkpoints") is not None
    run(stage_one(accumulation=4), data, tmp_path, resume=True)


def test_a_broken_file_is_named_once_and_changes_no_resume(data, photo_folder: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(photo_folder, tmp_path / "photos"))
    for name in ("05.png", "06.png", "07.png", "08.png", "09.png"):
        (folder / name).write_bytes((folder / name).read_bytes()[:300])
    broken = PhotoPairs(folder, SynthesisSettings(), 32), data[1]

    def notes(output: Path, steps: int, **changes: object) -> list[str]:
        said: list[str] = []

        def report(what: str, _step: int, _total: int, numbers: dict[str, float] | str) -> None:
            if what == "note":
                assert isinstance(numbers, str)
                said.append(numbers)

        settings = RunSettings(output, workers=0, device="cpu", precision="fp32", check_every=2, **changes)
        train(stage_one(steps=steps), *broken, settings, report)
        return said

    straight = notes(tmp_path / "straight", 4)
    assert 1 < len(straight) <= 5
    assert len(set(straight)) == len(straight)
    assert all(note.startswith(f"left out of the training: {folder}") for note in straight)
    log = (tmp_path / "straight" / "stage1" / "log.jsonl").read_text()
    assert log.count('"what": "note"') == len(straight)
    notes(tmp_path / "resumed", 2)
    notes(tmp_path / "resumed", 4, resume=True)
    assert_same_checkpoints(tmp_path / "straight", tmp_path / "resumed")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 MB."""
    place = tmp_path / "disk"
    place.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", place], capture_output=True, check=False)
    if made.returncode:
        pytest.skip("mounting a small disk needs root")
    yield place
    subprocess.run(["umount", "--lazy", place], check=True)


def fill(disk: Path, left: int) -> Path:
    """Take all but so many bytes of a disk."""
    filler = disk / "filler"
    filler.write_bytes(bytes(shutil.disk_usage(disk).free - left))
    return filler


def content(folder: Path) -> dict[Path, bytes]:
    """All that a run wrote, without its growing records."""
    return {p: p.read_bytes() for p in folder.rglob("*") if p.suffix in (".safetensors", ".json", ".partial")}


@pytest.mark.filterwarnings("error::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_full_disk_leaves_all_that_was_good_and_the_run_goes_on(data, small_disk: Path, tmp_path: Path) -> None:
    run(stage_one(steps=2), data, small_disk / "run")
    before = content(small_disk / "run")
    assert {path.name for path in before} >= {"step-00000002.safetensors", "config.json"}
    said = {
        400_000: r"the checkpoint cannot be written \(No space left on device\)",
        40_000: r"the checkpoint cannot be written \(No space left on device\)",  # of TensorBoard's thread too
        4_000: r"(samples/step-00000004\.png|stage1): the (disk is full|record of the run cannot be written)",
        0: r"stage1: the record of the run cannot be written \(No space left on device\)",
    }
    for left, sentence in said.items():
        filler = fill(small_disk, left)
        with pytest.raises(DarkdiffError, match=sentence):
            run(stage_one(), data, small_disk / "run", resume=True)
        assert content(small_disk / "run") == before
        filler.unlink()
    filler = fill(small_disk, 20_000)
    with pytest.raises(TrainingError, match=r"stage1: the model cannot be written \(No space left on device\)"):
        run(stage_one(steps=2), data, small_disk / "run", resume=True)
    assert content(small_disk / "run") == before
    filler.unlink()
    run(stage_one(), data, small_disk / "run", resume=True)
    run(stage_one(), data, tmp_path / "straight")
    assert_same_checkpoints(small_disk / "run", tmp_path / "straight")


def assert_same_checkpoints(one: Path, other: Path) -> None:
    """The last checkpoints and the results of two runs are the same to the bit."""
    for part in ("checkpoints/step-00000004.safetensors", "vae/diffusion_pytorch_model.safetensors"):
        first, second = (load_file(folder / "stage1" / part) for folder in (one, other))
        assert set(first) == set(second)
        assert all(torch.equal(first[key], second[key]) for key in first)
    assert not list(one.rglob("*.partial"))
