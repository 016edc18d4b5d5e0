import shutil
from pathlib import Path

import pytest
import torch

from darkdiff_models.base_models import (
    Base,
    load_base,
    load_base_autoencoder,
    save_base,
)
from darkdiff_models.checkpoints import load_pipeline
from darkdiff_models.empty_prompt import EMPTY_PROMPT_FILE, keep_prompt
from tests.conftest import make_pipeline
from tests.unit.models.networks.test_autoencoder import stock as stock_vae
from tests.unit.models.networks.test_unet import prompt
from tests.unit.models.networks.test_unet import stock as stock_unet

SCHEDULER = {"beta_schedule": "scaled_linear", "prediction_type": "v_prediction"}


@pytest.fixture(scope="module")
def base_folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("base")
    save_base(Base(stock_vae(), stock_unet(), SCHEDULER, prompt()), folder)
    return folder


def test_base_survives_saving(base_folder: Path) -> None:
    base = load_base(base_folder)
    assert torch.equal(base.empty_prompt, prompt())
    assert base.scheduler["prediction_type"] == "v_prediction"
    assert all(torch.equal(a, b) for a, b in zip(base.unet.parameters(), stock_unet().parameters(), strict=True))
    assert all(torch.equal(a, b) for a, b in zip(base.vae.parameters(), stock_vae().parameters(), strict=True))


def test_missing_text_encoder_says_what_to_install(base_folder: Path, tmp_path: Path) -> None:
    for part in base_folder.iterdir():
        if part.is_dir():
            shutil.copytree(part, tmp_path / part.name)
    with pytest.raises((ModuleNotFoundError, FileNotFoundError), match=r"with transformers|tokenizer"):
        load_base(tmp_path)


def test_the_empty_prompt_is_kept_for_the_next_time(base_folder: Path, tmp_path: Path) -> None:
    for part in base_folder.iterdir():
        if part.is_dir():
            shutil.copytree(part, tmp_path / part.name)
    keep_prompt(prompt() * 2, tmp_path / EMPTY_PROMPT_FILE)
    assert torch.equal(load_base(tmp_path).empty_prompt, prompt() * 2)
    assert {path.name for path in tmp_path.iterdir()} == {"vae", "unet", "scheduler", EMPTY_PROMPT_FILE}
    keep_prompt(prompt(), tmp_path / "read-only" / EMPTY_PROMPT_FILE)  # no such folder to write to


def test_a_folder_without_parts_is_not_looked_for_on_the_hub(tmp_path: Path, monkeypatch) -> None:
    """diffusers takes the relative path "empty/vae" for a repository of that name."""
    monkeypatch.chdir(tmp_path)
    Path("empty").mkdir()
    with pytest.raises(FileNotFoundError, match=r"^empty/vae: is missing or damaged") as failure:
        load_base_autoencoder("empty")
    assert str(failure.value.__cause__) == "empty/vae/config.json is missing"


def test_stage_1_needs_the_autoencoder_of_a_base_alone(base_folder: Path, tmp_path: Path) -> None:
    shutil.copytree(base_folder / "vae", tmp_path / "vae")
    loaded = load_base_autoencoder(tmp_path)
    assert all(torch.equal(a, b) for a, b in zip(loaded.parameters(), stock_vae().parameters(), strict=True))


@pytest.mark.parametrize("load", [load_base, load_base_autoencoder])
def test_a_folder_that_is_no_base_is_named(load, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=rf"{tmp_path}/vae: is missing or damaged \(.*\); give a Stable"):
        load(tmp_path)


def test_half_precision_weights_load_as_single(tmp_path: Path) -> None:
    pipeline = make_pipeline()
    for network in (pipeline.vae, pipeline.unet, pipeline.context):
        network.half()
    pipeline.save_pretrained(tmp_path)
    assert {p.dtype for p in load_pipeline(tmp_path).unet.parameters()} == {torch.float32}


def test_the_folder_around_a_model_is_refused_with_the_model_that_is_meant(model_folder: Path, tmp_path: Path) -> None:
    """A run's stages lie side by side; the last one is the finished model."""
    for stage in ("stage1", "stage2", "stage3"):
        (tmp_path / stage).mkdir()
    with pytest.raises(ValueError, match=r"holds no DarkDiff model \(model_index\.json is missing\)$"):
        load_pipeline(tmp_path)
    for stage in ("stage2", "stage3"):
        shutil.copytree(model_folder, tmp_path / stage, dirs_exist_ok=True)
    with pytest.raises(ValueError, match=r"\(model_index\.json is missing\); give ") as failure:
        load_pipeline(tmp_path)
    assert str(failure.value).endswith(f"; give {tmp_path / 'stage3'}")
