"""The loop's promises: cut batches, kills, full disks, numbers that are none."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from darkdiff_cli.datasets import PhotoPairs, SynthesisSettings
from darkdiff_cli.errors import SettingsError, TrainingError
from darkdiff_cli.training import loop
from darkdiff_cli.training.batches import Cut
from darkdiff_cli.training.draws import Draws
from darkdiff_cli.training.machine import RunSettings
from darkdiff_cli.training.recipe import Optimisation
from darkdiff_cli.training.recipe_file import load_recipe
from darkdiff_cli.training.stage import MODEL, Stage
from darkdiff_cli.training.stage0 import stock_autoencoder, stock_unet
from darkdiff_cli.training.stage1 import ResidualAutoencoder
from darkdiff_cli.training.state import newest_checkpoint
from darkdiff_models.surgery import residual_autoencoder

RECIPE = load_recipe("tiny-debug")
PLAN = Optimisation(steps=4, batch_size=4, crop=32, learning_rate=1e-3, final_learning_rate=1e-3, warmup=1)


def stage_one(**changes: object) -> ResidualAutoencoder:
    torch.manual_seed(0)
    vae = residual_autoencoder(stock_autoencoder(RECIPE.stage0.autoencoder_shape), colour_anchor=True)
    return ResidualAutoencoder(replace(RECIPE.stage1, optimisation=replace(PLAN, **changes)), vae, None)


@pytest.fixture
def data(photo_folder: Path):
    settings = SynthesisSettings()
    return PhotoPairs(photo_folder, settings, 32), PhotoPairs(photo_folder, settings, 32, split="validation")


def run(stage: Stage, data, output: Path, **changes: object) -> dict[int, float]:
    """Train in this process; the model's loss by step."""
    losses: dict[int, float] = {}

    def report(what: str, step: int, _total: int, numbers: dict[str, float]) -> None:
        if what == "step":
            losses[step] = numbers.get("picture", numbers.get("ldm", 0.0))

    settings = replace(RunSettings(output, workers=0, device="cpu", log_every=1, check_every=2), **changes)
    loop.train(stage, *data, settings, report)
    return losses


def test_accumulated_parts_are_the_whole_batch(data, tmp_path) -> None:
    losses, pictures = [], []
    for accumulation in (1, 2, 4):
        stage = stage_one(accumulation=accumulation)
        stage.settings = replace(RECIPE.stage1, adversary=None)
        stage.players.pop("discriminator")
        losses.append(list(run(stage, data, tmp_path / str(accumulation)).values()))
        with torch.no_grad():
            pair = data[1][0]
            encoding = stage.vae.encode(pair.noisy[None])
            pictures.append(stage.vae.decode(encoding.latents, encoding))
    assert losses[1] == pytest.approx(losses[0], abs=1e-4)
    assert losses[2] == pytest.approx(losses[0], abs=1e-4)
    # Weights that a group norm makes void have no gradient but rounding, so the pictures are what can be compared.
    assert torch.allclose(pictures[1], pictures[0], atol=2e-3)
    assert torch.allclose(pictures[2], pictures[0], atol=2e-3)


@pytest.mark.parametrize(("processes", "accumulation"), [(1, 1), (2, 1), (1, 4), (2, 2)])
def test_a_cut_batch_draws_the_same_numbers_and_items(processes: int, accumulation: int) -> None:
    plan = replace(PLAN, batch_size=8, accumulation=accumulation)
    cuts = [Cut.of(plan, rank, processes) for rank in range(processes)]
    like = torch.zeros(cuts[0].size, 2, 3)
    order = [(cut, index) for index in range(accumulation) for cut in cuts]
    whole, parts = Draws(0, 3, torch.device("cpu")), []
    for cut, index in order:
        draws = Draws(0, 3, torch.device("cpu"), cut.part(index), cut.parts)
        parts.append((draws.normal_like(like), draws.chosen(len(like), 0.5), draws.timesteps(len(like), 1000)))
    expected = (whole.normal_like(torch.zeros(8, 2, 3)), whole.chosen(8, 0.5), whole.timesteps(8, 1000))
    for drawn, wanted in zip(zip(*parts, strict=True), expected, strict=True):
        assert torch.equal(torch.cat(drawn), wanted)
    items = sorted(item for cut in cuts for item in cut.items(2, 4))
    assert items == list(range(16, 32))


def test_a_batch_without_equal_parts_is_refused() -> None:
    with pytest.raises(SettingsError, match="cannot be shared equally by 3 processes"):
        Cut.of(PLAN, 0, 3)


def test_no_number_stops_with_step_and_files_and_keeps_the_last_checkpoint(data, tmp_path) -> None:
    stage = stage_one()
    honest = stage.loss

    def broken(player, pair, draws):
        loss, numbers = honest(player, pair, draws)
        return (loss * float("nan") if draws.step == 3 else loss), numbers

    stage.loss = broken  # type: ignore[method-assign]
    with pytest.raises(TrainingError, match=r"not a number at step 3, with \d\d\.png x\d+"):
        run(stage, data, tmp_path)
    assert newest_checkpoint(tmp_path / "stage1" / "checkpoints").stem == "step-00000002"


def test_a_full_disk_leaves_the_previous_checkpoint_whole(data, tmp_path, monkeypatch) -> None:
    from darkdiff_cli.training import state

    def full(tensors, path, metadata):
        Path(path).write_bytes(b"half")
        raise OSError(28, "No space left on device")

    stage = stage_one(steps=2)
    run(stage, data, tmp_path)
    before = newest_checkpoint(tmp_path / "stage1" / "checkpoints")
    content = before.read_bytes()
    monkeypatch.setattr(state, "save_file", full)
    with pytest.raises(TrainingError, match="cannot be written"):
        run(stage_one(), data, tmp_path, resume=True)
    assert [path.name for path in before.parent.iterdir()] == [before.name]
    assert before.read_bytes() == content


def test_a_torn_checkpoint_is_named(data, tmp_path) -> None:
    run(stage_one(steps=2), data, tmp_path)
    newest = newest_checkpoint(tmp_path / "stage1" / "checkpoints")
    newest.write_bytes(newest.read_bytes()[:5000])
    with pytest.raises(TrainingError, match="is damaged"):
        run(stage_one(), data, tmp_path, resume=True)


def test_the_discriminator_joins_at_its_step_and_trains_alone(data, tmp_path) -> None:
    stage = stage_one(steps=3)
    before = {key: value.clone() for key, value in stage.discriminator.state_dict().items()}
    run(stage, data, tmp_path)
    lines = [json.loads(line) for line in (tmp_path / "stage1" / "log.jsonl").read_text().splitlines()]
    assert ["adversarial" in line for line in lines if line["what"] == "loss"] == [False, False, True]
    assert any(not torch.equal(before[key], value) for key, value in stage.discriminator.state_dict().items())
    assert all(p.requires_grad for p in stage.discriminator.parameters())


def test_tensorboard_and_sample_pictures_are_written(data, tmp_path) -> None:
    from PIL import Image
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    run(stage_one(steps=2), data, tmp_path)
    events = EventAccumulator(str(tmp_path / "stage1")).Reload()
    assert {"loss/picture", "health/psnr", "health/zeroed_psnr"} <= set(events.Tags()["scalars"])
    assert [event.step for event in events.Scalars("loss/picture")] == [1, 2]
    with Image.open(tmp_path / "stage1" / "samples" / "step-00000002.png") as sheet:
        assert sheet.size == (3 * 32, 4 * 32)


def command(photos: Path, output: Path, *more: object) -> list[str]:
    words = ("train", "--stage", 1, "--recipe", output.parent / "recipe.yaml", "--data", f"photos:{photos}",
             "-o", output, "--workers", 0, "--device", "cpu", *more)  # fmt: skip
    return [str(word) for word in ("-m", "darkdiff_cli", *words)]


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """An untrained base in diffusers' layout, and a recipe without an adversary beside it."""
    from darkdiff_cli.training.stage0 import noise_schedule
    from darkdiff_models.checkpoints import Base, save_base

    torch.manual_seed(0)
    shapes = RECIPE.stage0
    vae, unet = stock_autoencoder(shapes.autoencoder_shape), stock_unet(shapes.denoiser_shape, 4)
    prompt = torch.zeros(1, shapes.denoiser_shape.prompt_tokens, shapes.denoiser_shape.cross_attention_dim)
    save_base(Base(vae, unet, dict(noise_schedule(shapes.denoiser_shape).config), prompt), tmp_path / "base")
    source = Path(loop.__file__).parents[1] / "recipes" / "tiny-debug.yaml"
    text = source.read_text().replace("  adversary: {start: 2}\n", "")
    (tmp_path / "recipe.yaml").write_text(text.replace("batch_size: 2", "batch_size: 4"))
    return tmp_path / "base"


def test_two_processes_are_one_process_with_the_whole_batch(base: Path, photo_folder: Path, tmp_path: Path) -> None:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    launch = ["-m", "accelerate.commands.launch", "--cpu", "--num_processes", "2", "--num_machines", "1",
              "--mixed_precision", "no", "--dynamo_backend", "no", "--main_process_port", "0"]  # fmt: skip
    one = subprocess.run([sys.executable, *command(photo_folder, tmp_path / "one", "--base", base)],
                         capture_output=True, text=True, env=environment, check=False)  # fmt: skip
    two = subprocess.run([sys.executable, *launch, *command(photo_folder, tmp_path / "two", "--base", base)],
                         capture_output=True, text=True, env=environment, check=False)  # fmt: skip
    assert one.returncode == 0, one.stderr
    assert two.returncode == 0, two.stderr
    last = "stage1/checkpoints/step-00000004.safetensors"
    first, second = load_file(tmp_path / "one" / last), load_file(tmp_path / "two" / last)
    assert set(first) == set(second)
    for key in first:
        if key.startswith("module/"):
            assert torch.allclose(first[key], second[key], atol=2e-5), key
    logs = [
        [json.loads(x) for x in (tmp_path / n / "stage1/log.jsonl").read_text().splitlines()] for n in ("one", "two")
    ]
    losses = [[line["picture"] for line in log if line["what"] == "loss"] for log in logs]
    assert losses[0] == pytest.approx(losses[1], abs=1e-5)


def test_killed_in_the_middle_of_a_checkpoint_it_resumes_with_the_same_losses(
    base: Path, photo_folder: Path, tmp_path: Path
) -> None:
    straight, killed = tmp_path / "straight", tmp_path / "killed"
    subprocess.run([sys.executable, *command(photo_folder, straight, "--base", base)], check=True, capture_output=True)
    # The process stops itself, as a power cut would, when half of the second checkpoint is on the disk.
    script = (
        "import os, signal, sys; from pathlib import Path; from darkdiff_cli.training import state\n"
        "real = state.save_file\n"
        "def save(tensors, path, metadata):\n"
        "    real(tensors, path, metadata)\n"
        "    if '00000004' in path:\n"
        "        content = Path(path).read_bytes(); Path(path).write_bytes(content[: len(content) // 2])\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "state.save_file = save\n"
        "from darkdiff_cli.app import main; main()\n"
    )
    arguments = command(photo_folder, killed, "--base", base)[2:]
    died = subprocess.run([sys.executable, "-c", script, *arguments], capture_output=True, check=False)
    assert died.returncode == -signal.SIGKILL
    assert newest_checkpoint(killed / "stage1" / "checkpoints").stem == "step-00000002"
    resumed = subprocess.run(
        [sys.executable, *command(photo_folder, killed, "--base", base, "--resume")], capture_output=True, check=False
    )
    assert resumed.returncode == 0, resumed.stderr
    last = "stage1/checkpoints/step-00000004.safetensors"
    first, second = load_file(straight / last), load_file(killed / last)
    assert all(torch.equal(first[key], second[key]) for key in first)
    assert not list((killed / "stage1").rglob("*.partial"))


def test_ctrl_c_at_a_terminal_with_workers_saves_and_exits_130(base: Path, photo_folder: Path, tmp_path: Path) -> None:
    """A terminal sends SIGINT to the whole group: the workers must outlive it until the loop has saved."""
    words = [word if word != "0" else "1" for word in command(photo_folder, tmp_path / "run", "--base", base)]
    words += ["--steps", "100000"]
    with subprocess.Popen(
        [sys.executable, *words], stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        log, deadline = tmp_path / "run" / "stage1" / "log.jsonl", time.monotonic() + 120
        while not log.exists() and time.monotonic() < deadline:
            time.sleep(0.1)
        os.killpg(process.pid, signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert "Traceback" not in errors
    assert newest_checkpoint(tmp_path / "run" / "stage1" / "checkpoints") is not None


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


@pytest.mark.slow
def test_overfitting_one_pair_drives_psnr_up(data, tmp_path) -> None:
    """Both stages, a few hundred steps on one pair: far above the noisy input."""
    from darkdiff_cli.training.losses import score
    from darkdiff_cli.training.stage0 import noise_schedule
    from darkdiff_cli.training.stage2 import ConditionalDenoiser
    from darkdiff_models.light import encode_curve
    from darkdiff_models.surgery import denoiser

    class OnePair(torch.utils.data.Dataset):
        def __getitem__(self, _index: int):
            return data[0][0]

    only = OnePair()
    pair = only[0]
    noisy = score(encode_curve(pair.noisy[None]), pair.reference[None], None)["psnr"]
    one = stage_one(steps=300, batch_size=1, learning_rate=3e-3, final_learning_rate=1e-4, ema_decay=0.9)
    one.settings = replace(one.settings, adversary=None, clean_latents=0.0, drop_taps=0.0)
    one.players.pop("discriminator")
    run(one, (only, only), tmp_path, check_every=150)
    batch = only[0]
    batch = replace(batch, noisy=batch.noisy[None], clean=batch.clean[None], reference=batch.reference[None])
    draws = Draws(0, 0, torch.device("cpu"))
    with torch.no_grad():
        assert one.health(batch, draws)["psnr"] > noisy + 10
    plan = replace(RECIPE.stage2, image_loss_weight=0.1, image_loss_share=1.0, null_share=0.0)
    plan = replace(plan, optimisation=replace(one.optimisation, learning_rate=2e-3))
    networks = denoiser(stock_unet(RECIPE.stage0.denoiser_shape, 4), torch.zeros(1, 2, 16), 4)
    schedule = noise_schedule(RECIPE.stage0.denoiser_shape)
    two = ConditionalDenoiser(replace(RECIPE, stage2=plan), one.vae, networks, schedule, None)
    before = two.health(batch, draws)["psnr"]
    run(two, (only, only), tmp_path, check_every=150)
    with torch.no_grad():
        after = two.health(batch, draws)["psnr"]
    assert after > noisy + 8
    assert after > before
    assert isinstance(two.players[MODEL]["unet"], nn.Module)
