"""The loop's promises that need processes of their own: shared batches, kills, signals."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
import torch
from safetensors.torch import load_file

import darkdiff_cli
from darkdiff_cli.training.loop.checkpoints import newest_checkpoint
from darkdiff_cli.training.stages.stage0 import stock_autoencoder, stock_unet
from tests.conftest import run_here
from tests.train.test_loop import RECIPE


def command(photos: Path, output: Path, *more: object) -> list[str]:
    words = ("train", "--stage", 1, "--recipe", output.parent / "recipe.yaml", "--data", f"photos:{photos}",
             "-o", output, "--workers", 0, "--device", "cpu", "--precision", "fp32", *more)  # fmt: skip
    return [str(word) for word in ("-m", "darkdiff_cli", *words)]


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """An untrained base in diffusers' layout, and a recipe without an adversary beside it."""
    from darkdiff_models.base_models import Base, save_base
    from darkdiff_models.networks.sampling import sd_schedule

    torch.manual_seed(0)
    shapes = RECIPE.stage0
    vae, unet = stock_autoencoder(shapes.autoencoder_shape), stock_unet(shapes.denoiser_shape, 4)
    prompt = torch.zeros(1, shapes.denoiser_shape.prompt_tokens, shapes.denoiser_shape.cross_attention_dim)
    schedule = dict(sd_schedule(shapes.denoiser_shape.prediction_type).config)
    save_base(Base(vae, unet, schedule, prompt), tmp_path / "base")
    source = Path(darkdiff_cli.__file__).parent / "recipes" / "tiny-debug.yaml"
    text = source.read_text().replace("  adversary: {start: 2}\n", "")
    (tmp_path / "recipe.yaml").write_text(text.replace("batch_size: 2", "batch_size: 4"))
    return tmp_path / "base"


def test_killed_in_the_middle_of_a_checkpoint_it_resumes_with_the_same_losses(
    base: Path, photo_folder: Path, tmp_path: Path
) -> None:
    straight, killed = tmp_path / "straight", tmp_path / "killed"
    assert run_here(*command(photo_folder, straight, "--base", base)[2:]).returncode == 0
    # The process stops itself, as a power cut would, when half of the second checkpoint is on the disk.
    script = (
        "import os, signal, sys; from pathlib import Path; from darkdiff_cli.training.loop import state\n"
        "real = state.save_file\n"
        "def save(tensors, path, metadata):\n"
        "    real(tensors, path, metadata)\n"
        "    if metadata['step'] == '4':\n"
        "        content = Path(path).read_bytes(); Path(path).write_bytes(content[: len(content) // 2])\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "state.save_file = save\n"
        "from darkdiff_cli.app import main; main()\n"
    )
    arguments = command(photo_folder, killed, "--base", base)[2:]
    died = subprocess.run([sys.executable, "-c", script, *arguments], capture_output=True, check=False)
    assert died.returncode == -signal.SIGKILL
    assert newest_checkpoint(killed / "stage1" / "checkpoints").stem == "step-00000002"
    resumed = run_here(*command(photo_folder, killed, "--base", base, "--resume")[2:])
    assert resumed.returncode == 0, resumed.stderr
    last = "stage1/checkpoints/step-00000004.safetensors"
    first, second = load_file(straight / last), load_file(killed / last)
    assert all(torch.equal(first[key], second[key]) for key in first)
    assert not list((killed / "stage1").rglob("*.partial"))


def helpers(process: "subprocess.Popen[str]", of: int) -> list[psutil.Process]:
    """The processes that a training has started to make pairs, once there are so many."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        children = psutil.Process(process.pid).children(recursive=True)
        with suppress(psutil.Error):  # one that has just ended
            if len(found := [child for child in children if "spawn_main" in " ".join(child.cmdline())]) >= of:
                return found
        time.sleep(0.02)
    process.kill()
    raise AssertionError(process.communicate()[1])


@pytest.mark.parametrize(
    ("moment", "number"),
    [
        ("as they start", signal.SIGINT),
        ("at work", signal.SIGTERM),
        pytest.param("as they start", signal.SIGTERM, marks=pytest.mark.slow),
        pytest.param("at work", signal.SIGINT, marks=pytest.mark.slow),
    ],
)
def test_a_signal_to_all_processes_saves_and_exits_130(
    moment: str, number: signal.Signals, base: Path, photo_folder: Path, tmp_path: Path
) -> None:
    """As a terminal's Ctrl-C, systemd and SLURM send it: the workers must outlive it until the loop has saved."""
    words = [word if word != "0" else "2" for word in command(photo_folder, tmp_path / "run", "--base", base)]
    words += ["--steps", "100000"]
    with subprocess.Popen(
        [sys.executable, *words], stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        helpers(process, 2)
        log, deadline = tmp_path / "run" / "stage1" / "log.jsonl", time.monotonic() + 120
        while moment == "at work" and not log.exists() and time.monotonic() < deadline:
            time.sleep(0.1)
        os.killpg(process.pid, number)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert errors.splitlines()[-1] == "darkdiff: interrupted"
    saved = newest_checkpoint(tmp_path / "run" / "stage1" / "checkpoints")
    assert saved is not None
    assert int(saved.stem.removeprefix("step-")) > 0 or moment == "as they start"


def test_workers_and_their_decoders_go_with_a_training_that_is_killed(
    base: Path, shoot: Callable[..., Path], tmp_path: Path
) -> None:
    for name in ("a", "bb", "ccc"):  # of other lengths, and so with other noise: no two are one file for the cache
        shoot(tmp_path / "raws" / f"{name}.dng", 1.0, 10.0)
    words = [word if word != "0" else "2" for word in command(tmp_path, tmp_path / "run", "--base", base)]
    words[words.index(f"photos:{tmp_path}")] = f"raws:{tmp_path / 'raws'}"
    words += ["--steps", "100000", "--cache", str(tmp_path / "cache"), "--cache-limit", "0"]  # so that all decode
    with subprocess.Popen([sys.executable, *words], stderr=subprocess.PIPE, text=True) as process:
        found = helpers(process, 5)  # the workers', and that of the held-out pictures
        process.kill()
        _, alive = psutil.wait_procs(found, timeout=60)
    assert not alive


@pytest.mark.slow
def test_sigterm_saves_and_exits_130(base: Path, photo_folder: Path, tmp_path: Path) -> None:
    words = [sys.executable, *command(photo_folder, tmp_path / "run", "--base", base, "--steps", 100000)]
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True) as process:
        log, deadline = tmp_path / "run" / "stage1" / "log.jsonl", time.monotonic() + 120
        while not log.exists() and time.monotonic() < deadline:
            time.sleep(0.1)
        process.terminate()
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    saved = newest_checkpoint(tmp_path / "run" / "stage1" / "checkpoints")
    assert int(saved.stem.removeprefix("step-")) > 0
