"""What a batch does again, and what it does not, by the model's weights on the disk."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file

from darkdiff_cli.batch.jobs import Job
from darkdiff_cli.batch.ledger import Entry, Ledger
from darkdiff_cli.batch.plan import Plan, plan_batch
from darkdiff_cli.enhancer import EnhanceSettings
from darkdiff_cli.photo import PhotoSettings

SETTINGS = EnhanceSettings()


class Night:
    """A folder with a raw, its finished photo and the ledger that says so."""

    def __init__(self, folder: Path, model: Path) -> None:
        self.job, self.model, self.ledger = Job(folder, "a.dng", folder, "a.jpg"), model, Ledger(folder)
        self.job.source.write_bytes(b"raw")
        [task] = self.plan().tasks
        self.job.output.write_bytes(b"photo")
        self.ledger.append(Entry(task.key, "a.dng", "a.jpg", "done"))

    def plan(self, settings: EnhanceSettings = SETTINGS) -> Plan:
        return plan_batch([self.job], self.ledger, settings, str(self.model), checksum=False, retry_failed=False)


@pytest.fixture
def night(model_folder: Path, tmp_path: Path) -> Night:
    return Night(tmp_path, Path(shutil.copytree(model_folder, tmp_path / "toy")))


def test_what_is_done_is_settled(night: Night) -> None:
    plan = night.plan()
    assert (plan.tasks, plan.settled, plan.lost) == ([], 1, [])
    again = night.plan(replace(SETTINGS, photo=PhotoSettings(overwrite=True)))
    assert len(again.tasks) == 1


def test_photos_of_retrained_weights_are_made_again(night: Night) -> None:
    path = night.model / "unet" / "diffusion_pytorch_model.safetensors"
    weights = load_file(path)
    weights["conv_out.bias"][0] += 0.01
    save_file(weights, path)
    assert len(night.plan().tasks) == 1


def test_a_moved_model_makes_nothing_again(night: Night) -> None:
    night.model = night.model.rename(night.model.with_name("other"))
    assert night.plan().settled == 1


def test_a_raw_that_vanished_is_lost(night: Night) -> None:
    night.job.source.unlink()
    [entry] = night.plan().lost
    assert entry.status == "failed"
    assert "is not there any more" in str(entry.error)
