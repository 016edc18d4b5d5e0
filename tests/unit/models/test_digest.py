"""A model is known again wherever its folder lies, and is another one after any change that a picture could show."""

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from darkdiff_models import digest
from darkdiff_models.checkpoints import load_pipeline
from darkdiff_models.digest import file_sha256, folder_of, git_sha1, model_digest
from darkdiff_models.learning.sid_unet import SidUNet
from tests.conftest import make_pipeline

WEIGHTS = "diffusion_pytorch_model.safetensors"


def nudge(path: Path) -> None:
    """Change one weight, and neither the file's size nor its time."""
    before = path.stat()
    weights = load_file(path)
    first = weights[min(weights)]
    first.view(-1)[0] += 1.0
    save_file(weights, path, metadata={"format": "pt"})
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_size == before.st_size


def set_steps(folder: Path) -> None:
    index = folder / "model_index.json"
    index.write_text(json.dumps({**json.loads(index.read_text()), "default_steps": 3}))


def set_schedule(folder: Path) -> None:
    config = folder / "scheduler" / "scheduler_config.json"
    config.write_text(config.read_text().replace("v_prediction", "epsilon"))


@pytest.fixture
def model(model_folder: Path, tmp_path: Path) -> Path:
    """A saved toy model that may be changed."""
    return Path(shutil.copytree(model_folder, tmp_path / "toy"))


def test_a_moved_or_copied_model_is_the_same(model: Path, tmp_path: Path) -> None:
    before = model_digest(model)
    assert len(before) == 32
    copy = shutil.copytree(model, tmp_path / "elsewhere" / "under another name", copy_function=shutil.copyfile)
    assert model_digest(copy) == before
    assert model_digest(model.rename(tmp_path / "moved")) == before


@pytest.mark.parametrize(
    "change",
    [
        lambda model: nudge(model / "unet" / WEIGHTS),
        lambda model: nudge(model / "context" / WEIGHTS),
        lambda model: nudge(model / "vae" / WEIGHTS),
        lambda model: set_steps(model),
        lambda model: set_schedule(model),
        lambda model: (model / "unet").rename(model / "denoiser"),
    ],
    ids=["unet", "context", "vae", "settings", "schedule", "names"],
)
def test_whatever_changes_a_picture_changes_the_digest(model: Path, change: Callable[[Path], object]) -> None:
    before = model_digest(model)
    change(model)
    assert model_digest(model) != before


def test_what_training_leaves_beside_a_model_is_no_part_of_it(model: Path) -> None:
    before = model_digest(model)
    (model / "checkpoints").mkdir()
    save_file({"a": torch.zeros(1)}, model / "checkpoints" / "step-00000001.safetensors")
    (model / "log.jsonl").write_text("{}\n")
    (model / "report.json").write_text("{}\n")
    assert model_digest(model) == before


def test_the_regression_network_has_a_digest_too(tmp_path: Path) -> None:
    SidUNet(width=4).save_pretrained(tmp_path / "net")
    before = model_digest(tmp_path / "net")
    nudge(tmp_path / "net" / WEIGHTS)
    assert model_digest(tmp_path / "net") != before


def test_large_weights_are_known_by_their_content_and_read_once(model: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(digest, "LARGE", 1000)
    monkeypatch.setattr(digest.platformdirs, "user_cache_path", lambda name: tmp_path / "cache" / name)
    path, store = model / "unet" / WEIGHTS, tmp_path / "cache" / "darkdiff" / "digests.jsonl"
    before = model_digest(model)
    assert len(store.read_text().splitlines()) == 3  # vae, unet, context
    digest._sha256.cache_clear()  # another process
    store.write_text(store.read_text().replace(file_sha256(path), "0" * 64))
    digest._sha256.cache_clear()
    assert file_sha256(path) == "0" * 64  # taken from the store, not read
    nudge(path)  # neither size nor time tells
    assert file_sha256(path) == hashlib.sha256(path.read_bytes()).hexdigest()
    assert model_digest(model) != before
    store.write_text("torn {")
    digest._sha256.cache_clear()
    assert file_sha256(path) == hashlib.sha256(path.read_bytes()).hexdigest()
    copy = shutil.copytree(model, tmp_path / "copy", copy_function=shutil.copyfile)
    assert model_digest(copy) == model_digest(model)


def test_small_files_are_called_as_git_calls_them(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"hello\n")
    assert git_sha1(tmp_path / "a") == "ce013625030ba8dba906f756967f9e9ca394464a"  # git hash-object


def test_a_pipeline_knows_the_folder_that_it_was_loaded_from(model: Path) -> None:
    assert folder_of(load_pipeline(model)) == model
    with pytest.raises(ValueError, match="not loaded from a folder"):
        folder_of(make_pipeline())
