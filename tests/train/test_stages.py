"""The real command on the debug recipe: every stage, resume, and the finished model in `enhance`."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import imageio.v3 as iio
import pytest
import torch
from safetensors.torch import load_file

from tests.conftest import run_here


def train(stage: int | str, photos: Path, output: Path, *more: object) -> subprocess.CompletedProcess[str]:
    data = f"photos:{photos}"
    return run_here(
        *("train", "--stage", stage, "--recipe", "tiny-debug", "--data", data, "--output", output, "--workers", 0),
        *("--device", "cpu", *more),  # a GPU's gradients are not the same twice
    )


def losses(folder: Path) -> dict[int, float]:
    lines = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    key = {"stage0-denoiser": "ldm", "stage2": "ldm"}.get(folder.name, "picture")
    return {line["step"]: line[key] for line in lines if line["what"] == "loss"}


@pytest.fixture(scope="module")
def trained(photo_folder: Path, tmp_path_factory) -> Path:
    """All stages in a row."""
    output = tmp_path_factory.mktemp("run")
    done = train("all", photo_folder, output)
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.strip()) == output / "stage3"
    return output


def test_every_stage_logs_losses_and_health(trained: Path) -> None:
    for name in ("stage0-autoencoder", "stage0-denoiser", "stage1", "stage2", "stage3"):
        assert list(losses(trained / name)) == [1, 2, 3, 4]
    health = [json.loads(x) for x in (trained / "stage1" / "log.jsonl").read_text().splitlines() if "health" in x][-1]
    assert {"psnr", "zeroed_psnr", "ceiling_psnr"} <= set(health)
    health = [json.loads(x) for x in (trained / "stage2" / "log.jsonl").read_text().splitlines() if "health" in x][-1]
    assert {"psnr", "stage1_psnr", "ceiling_psnr"} <= set(health)
    health = [json.loads(x) for x in (trained / "stage3" / "log.jsonl").read_text().splitlines() if "health" in x][-1]
    assert {"psnr", "halved_psnr", "half_psnr"} <= set(health)


def test_stage_two_leaves_the_autoencoder_as_it_was(trained: Path) -> None:
    before, after = (
        load_file(trained / stage / "vae" / "diffusion_pytorch_model.safetensors") for stage in ("stage1", "stage2")
    )
    assert all(torch.equal(before[key], after[key]) for key in before)


def test_stage_two_moves_every_part_of_the_denoiser(trained: Path) -> None:
    base = load_file(trained / "stage0-denoiser" / "unet" / "diffusion_pytorch_model.safetensors")
    unet = load_file(trained / "stage2" / "unet" / "diffusion_pytorch_model.safetensors")
    assert not torch.equal(base["conv_out.weight"], unet["conv_out.weight"])
    assert not torch.equal(base["up_blocks.0.resnets.0.conv1.weight"], unet["up_blocks.0.resnets.0.conv1.weight"])
    region = "down_blocks.0.attentions.0.transformer_blocks.0."
    assert not torch.equal(base[region + "attn1.to_k.weight"], unet[region + "attn2.to_k.weight"])


def test_finished_model_enhances(trained: Path, dark_dng: Path, tmp_path: Path) -> None:
    done = run_here("enhance", dark_dng, "--model", trained / "stage2", "-o", tmp_path / "a.jpg", "--json")
    assert done.returncode == 0, done.stderr
    [result] = json.loads(done.stdout)["files"]
    assert (result["steps"], result["guidance"]) == (2, 1.5)  # the recipe's, carried by the checkpoint


@pytest.mark.parametrize(
    ("options", "shape"), [((), (80, 112, 3)), (("--size", "half"), (40, 56, 3)), (("--size", "paper"), (40, 56, 3))]
)
def test_stage_three_makes_pictures_of_the_sensors_size(
    options: tuple[str, ...], shape: tuple[int, ...], trained: Path, dark_dng: Path, tmp_path: Path
) -> None:
    done = run_here("enhance", dark_dng, "--model", trained / "stage3", "-o", tmp_path / "a.jpg", *options)
    assert done.returncode == 0, done.stderr
    assert iio.imread(tmp_path / "a.jpg").shape == shape


def test_a_model_without_stage_three_makes_no_full_size(trained: Path, dark_dng: Path, tmp_path: Path) -> None:
    done = run_here("enhance", dark_dng, "--model", trained / "stage2", "-o", tmp_path / "a.jpg", "--size", "full")
    assert done.returncode == 2
    assert "half the sensor's size only; give --size half" in done.stderr
    assert not (tmp_path / "a.jpg").exists()


def test_stage_three_moves_its_own_network_alone(trained: Path) -> None:
    for part in ("vae", "unet", "context"):
        before, after = (
            load_file(trained / stage / part / "diffusion_pytorch_model.safetensors") for stage in ("stage2", "stage3")
        )
        assert all(torch.equal(before[key], after[key]) for key in before)
    detail = load_file(trained / "stage3" / "detail" / "diffusion_pytorch_model.safetensors")
    assert float(detail["conv_out.weight"].abs().max()) > 0
    assert float(detail["direct.weight"].abs().max()) > 0


def test_full_size_needs_photographs(trained: Path, shoot_pairs, tmp_path: Path) -> None:
    (tmp_path / "stage2").symlink_to(trained / "stage2")
    places = ("--data", f"sid:{shoot_pairs('sid')}", "--output", tmp_path, "--workers", 0)
    done = run_here("train", "--stage", 3, "--recipe", "tiny-debug", *places)
    assert done.returncode == 2
    assert "give photos:DIR" in done.stderr


@pytest.mark.parametrize("stage", [1, 2, 3])
def test_resumed_run_is_the_uninterrupted_run(stage: int, trained: Path, photo_folder: Path, tmp_path: Path) -> None:
    for name in ("stage0-denoiser", "stage1", "stage2"):
        (tmp_path / name).symlink_to(trained / name) if name != f"stage{stage}" else None
    cut = tmp_path / f"stage{stage}" / "checkpoints"
    cut.mkdir(parents=True)
    half = "step-00000002.safetensors"
    (cut / half).write_bytes((trained / f"stage{stage}" / "checkpoints" / half).read_bytes())
    done = train(stage, photo_folder, tmp_path, "--resume")
    assert done.returncode == 0, done.stderr
    whole = losses(trained / f"stage{stage}")
    assert losses(tmp_path / f"stage{stage}") == {3: whole[3], 4: whole[4]}
    last = "step-00000004.safetensors"
    resumed, straight = (load_file(f / last) for f in (cut, trained / f"stage{stage}" / "checkpoints"))
    assert set(resumed) == set(straight)
    assert all(torch.equal(resumed[key], straight[key]) for key in straight)


def test_data_workers_change_nothing(trained: Path, photo_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "stage0-denoiser").symlink_to(trained / "stage0-denoiser")
    done = train(1, photo_folder, tmp_path, "--workers", 1)
    assert done.returncode == 0, done.stderr
    assert losses(tmp_path / "stage1") == losses(trained / "stage1")


def test_missing_earlier_stage_says_what_to_do(photo_folder: Path, tmp_path: Path) -> None:
    done = train(2, photo_folder, tmp_path)
    assert done.returncode == 2
    assert "--stage 1" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_foreign_checkpoint_is_refused(trained: Path, photo_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "stage0-denoiser").symlink_to(trained / "stage0-denoiser")
    foreign = tmp_path / "stage1" / "checkpoints"
    foreign.mkdir(parents=True)
    source = trained / "stage0-denoiser" / "checkpoints" / "step-00000004.safetensors"
    (foreign / source.name).write_bytes(source.read_bytes())
    done = train(1, photo_folder, tmp_path, "--resume")
    assert done.returncode == 2
    assert "does not fit" in done.stderr


def test_interrupt_saves_a_checkpoint_and_exits_130(photo_folder: Path, trained: Path, tmp_path: Path) -> None:
    recipe = tmp_path / "long.yaml"
    source = Path(__file__).parents[2] / "darkdiff_cli" / "recipes" / "tiny-debug.yaml"
    recipe.write_text(
        source.read_text().replace("steps: 4", "steps: 100000").replace("check_every: 2", "check_every: 50000")
    )
    (tmp_path / "stage0-denoiser").symlink_to(trained / "stage0-denoiser")
    command = [sys.executable, "-m", "darkdiff_cli", "train", "--stage", "1", "--recipe", str(recipe), "--workers", "0"]
    command += ["--data", f"photos:{photo_folder}", "--output", str(tmp_path)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        log = tmp_path / "stage1" / "log.jsonl"
        deadline = time.monotonic() + 120
        while not log.exists() and time.monotonic() < deadline:
            time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert "Traceback" not in errors
    assert len(list((tmp_path / "stage1" / "checkpoints").glob("step-*.safetensors"))) == 1
