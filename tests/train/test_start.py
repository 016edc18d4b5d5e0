"""`train --start MODEL`: going on from a finished model instead of a base."""

import subprocess
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from tests.conftest import make_pipeline, run_here

RECIPES = Path(__file__).parents[2] / "darkdiff_cli" / "recipes"
WEIGHTS = "diffusion_pytorch_model.safetensors"


@pytest.fixture(scope="module")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A toy model whose autoencoder has as many levels as the recipe's."""
    folder = tmp_path_factory.mktemp("start") / "toy"
    make_pipeline().save_pretrained(folder)
    return folder


def train(
    stage: int | str, photos: Path, output: Path, *more: object, recipe: object = "tiny-debug"
) -> subprocess.CompletedProcess[str]:
    data = f"photos:{photos}"
    return run_here(
        "train", "--stage", stage, "--recipe", recipe, "--data", data, "--output", output, "--workers", 0, *more
    )


def test_both_stages_go_on_from_the_model_in_the_recipes_widths(model_folder, photo_folder, tmp_path: Path) -> None:
    wide = tmp_path / "wide.yaml"
    text = (RECIPES / "tiny-debug.yaml").read_text().replace("learning_rate: 1.0e-3", "learning_rate: 1.0e-6")
    text = text.replace("block_out_channels: [8, 16], ", "block_out_channels: [16, 32], ")
    wide.write_text(text.replace("norm_num_groups: 4, mid", "norm_num_groups: 8, mid"))
    done = train("all", photo_folder, tmp_path / "run", "--start", model_folder, recipe=wide)
    assert done.returncode == 0, done.stderr
    stage2 = tmp_path / "run" / "stage2"  # stage 3 comes after it
    before, first, last = (load_file(f / "vae" / WEIGHTS) for f in (model_folder, tmp_path / "run" / "stage1", stage2))
    assert first["encoder.conv_in.weight"].shape[0] == 16
    assert torch.allclose(first["encoder.conv_in.weight"][:8], before["encoder.conv_in.weight"], atol=1e-3)
    assert all(torch.equal(first[key], last[key]) for key in first)  # this run's autoencoder, frozen in stage 2
    before, after = (load_file(folder / "unet" / WEIGHTS) for folder in (model_folder, stage2))
    assert torch.allclose(after["conv_out.weight"], before["conv_out.weight"], atol=1e-3)
    assert not torch.equal(after["conv_out.weight"], before["conv_out.weight"])
    assert not (tmp_path / "run" / "stage0-autoencoder").exists()
    for part in ("vae", "unet", "context"):  # full size is of what was trained, and not of the model before
        trained, full = (load_file(tmp_path / "run" / stage / part / WEIGHTS) for stage in ("stage2", "stage3"))
        assert all(torch.equal(trained[key], full[key]) for key in trained)


def test_stage_two_alone_takes_the_models_autoencoder(model_folder, photo_folder, tmp_path: Path) -> None:
    done = train(2, photo_folder, tmp_path, "--start", model_folder)
    assert done.returncode == 0, done.stderr
    before, after = (load_file(f / "vae" / WEIGHTS) for f in (model_folder, tmp_path / "stage2"))
    assert all(torch.equal(before[key], after[key]) for key in before)


@pytest.mark.parametrize(
    ("stage", "options", "said"),
    [
        ("all", ("--start", "MODEL", "--base", "stable-diffusion-2-1"), "give one of them"),
        ("0", ("--start", "MODEL"), "nothing to go on from"),
        ("1", ("--start", "no-such-folder"), "no model 'no-such-folder'"),
    ],
)
def test_what_cannot_be_gone_on_from_is_one_sentence(
    stage, options, said, model_folder, photo_folder, tmp_path, monkeypatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    given = [model_folder if option == "MODEL" else option for option in options]
    done = train(stage, photo_folder, tmp_path, *given)
    assert done.returncode == 2
    assert said in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_model_of_other_colours_is_refused(photo_folder, tmp_path: Path) -> None:
    make_pipeline(lrgb_space="camera").save_pretrained(tmp_path / "model")
    done = train(1, photo_folder, tmp_path, "--start", tmp_path / "model")
    assert done.returncode == 2
    assert "lrgb_space: camera" in done.stderr


def test_a_model_wider_than_the_recipe_is_refused(model_folder, photo_folder, tmp_path: Path) -> None:
    narrow = tmp_path / "narrow.yaml"
    text = (RECIPES / "tiny-debug.yaml").read_text()
    narrow.write_text(text.replace("block_out_channels: [8, 16], ", "block_out_channels: [4, 16], "))
    done = train(1, photo_folder, tmp_path, "--start", model_folder, recipe=narrow)
    assert done.returncode == 2
    assert "cannot be widened" in done.stderr
