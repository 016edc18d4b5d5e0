"""Two real processes share a batch, in both stages of the paper's recipe, the adversary playing."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

import darkdiff_cli
from darkdiff_cli.training.loop.checkpoints import newest_checkpoint
from darkdiff_cli.training.recipe.recipe_file import load_recipe
from darkdiff_cli.training.stages.stage0 import stock_autoencoder, stock_unet
from darkdiff_models.base_models import Base, save_base
from darkdiff_models.networks.sampling import sd_schedule
from tests.conftest import run_here

RECIPE = load_recipe("tiny-debug")
TORCHRUN = ["-m", "torch.distributed.run", "--nproc_per_node", "2", "--master_port", "0", "--rdzv-backend", "c10d",
            "--rdzv-endpoint", "localhost:0"]  # fmt: skip


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, photo_folder: Path) -> Path:
    """A base, and paper-sid-debug on photographs."""
    folder = tmp_path_factory.mktemp("processes")
    torch.manual_seed(0)
    shapes = RECIPE.stage0
    assert shapes is not None
    vae, unet = stock_autoencoder(shapes.autoencoder_shape), stock_unet(shapes.denoiser_shape, 4)
    prompt = torch.zeros(1, shapes.denoiser_shape.prompt_tokens, shapes.denoiser_shape.cross_attention_dim)
    schedule = dict(sd_schedule(shapes.denoiser_shape.prediction_type).config)
    save_base(Base(vae, unet, schedule, prompt), folder / "base")
    (folder / "photos").symlink_to(photo_folder)
    return folder


def words(place: Path, stage: int, output: str, *more: object) -> list[object]:
    return ["train", "--stage", stage, "--recipe", "paper-sid-debug", "--base", place / "base", "--data",
            f"photos:{place / 'photos'}", "-o", place / output, "--workers", 0, "--device", "cpu", "--precision",
            "fp32", *more]  # fmt: skip


def launched(place: Path, stage: int, output: str, *more: object) -> "subprocess.CompletedProcess[str]":
    """A training by two processes, which say how many they were."""
    # Says how many processes there were and whether their group still stands, from inside.
    # In one write, since several of them share the pipe.
    program = (
        "import accelerate, sys, torch\nfrom darkdiff_cli.app import main\ntry: main()\nfinally: sys.stderr.write("
    )
    left = "{torch.distributed.is_initialized()}"
    script = place / "run.py"
    script.write_text(f"{program}f'processes {{accelerate.PartialState().num_processes}} left {left}\\n')\n")
    path = os.pathsep.join(str(Path(darkdiff_cli.__file__).parents[1] / part) for part in ("", "models"))
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": path}
    return subprocess.run(
        [sys.executable, *TORCHRUN, str(script), *map(str, words(place, stage, output, *more))], capture_output=True,
        text=True, timeout=300, env=environment, check=False,
    )  # fmt: skip


def two(place: Path, stage: int, output: str, *more: object) -> str:
    done = launched(place, stage, output, *more)
    assert done.stderr.count("processes 2 left False") == 2, done.stderr
    assert done.returncode == 0, done.stderr
    return done.stdout


def logged(folder: Path) -> list[dict[str, float]]:
    lines = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    return [{key: value for key, value in line.items() if key not in ("images_per_second", "what")} for line in lines]


def assert_alike(one: Path, two: Path) -> None:
    first, second = logged(one), logged(two)
    assert [list(line) for line in first] == [list(line) for line in second]
    for mine, its in zip(first, second, strict=True):
        assert mine == pytest.approx(its, rel=2e-4, abs=1e-5)
    last = [load_file(newest_checkpoint(folder / "checkpoints")) for folder in (one, two)]
    assert set(last[0]) == set(last[1])
    for key, value in last[0].items():
        # A batch norm's running statistics are of one process; training never reads them.
        if not key.startswith("optimizer/") and "running_" not in key and "num_batches" not in key:
            assert torch.allclose(value.float(), last[1][key].float(), rtol=1e-4, atol=2e-5), key


def test_two_processes_are_one_in_both_stages_and_after_a_stop(place: Path) -> None:
    for stage in (1, 2):
        assert run_here(*words(place, stage, "one")).stdout == f"{place / 'one'}/stage{stage}\n"
        assert two(place, stage, "two") == f"{place / 'two'}/stage{stage}\n"  # said once
        assert_alike(place / "one" / f"stage{stage}", place / "two" / f"stage{stage}")
    names = {key for line in logged(place / "two" / "stage1") for key in line}
    assert {"picture", "kl", "adversarial", "adaptive_weight", "discriminator", "gradient"} <= names
    assert {"ldm", "image", "gradient"} <= {key for line in logged(place / "two" / "stage2") for key in line}
    checkpoints = place / "two" / "stage2" / "checkpoints"
    newest_checkpoint(checkpoints).unlink()  # as if both had been killed after the one before
    log = place / "two" / "stage2" / "log.jsonl"
    log.write_text("".join(line + "\n" for line in log.read_text().splitlines()[:3]))
    two(place, 2, "two", "--resume")
    assert_alike(place / "one" / "stage2", place / "two" / "stage2")
