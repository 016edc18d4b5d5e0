"""The loop's promises: cut batches, kills, full disks, numbers that are none."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from darkdiff_cli.datasets import MosaicCache, PhotoPairs, Source, SynthesisSettings
from darkdiff_cli.errors import SettingsError, TrainingError
from darkdiff_cli.training.loop.batches import Cut
from darkdiff_cli.training.loop.checkpoints import newest_checkpoint
from darkdiff_cli.training.loop.draws import Draws
from darkdiff_cli.training.loop.machine import RunSettings
from darkdiff_cli.training.loop.terms import difference, terms_of
from darkdiff_cli.training.loop.train import train
from darkdiff_cli.training.recipe.optimisation import Optimisation
from darkdiff_cli.training.recipe.recipe_file import load_recipe
from darkdiff_cli.training.recipe.stage_settings import ImageLoss
from darkdiff_cli.training.run import Run
from darkdiff_cli.training.stages.stage import MODEL, Stage
from darkdiff_cli.training.stages.stage0 import stock_autoencoder, stock_unet
from darkdiff_cli.training.stages.stage1 import ResidualAutoencoder
from darkdiff_models.networks.surgery import residual_autoencoder

RECIPE = load_recipe("tiny-debug")
PLAN = Optimisation(steps=4, batch_size=4, crop=32, learning_rate=1e-3, final_learning_rate=1e-3, warmup=1)


def stage_one(**changes: object) -> ResidualAutoencoder:
    torch.manual_seed(0)
    vae = residual_autoencoder(stock_autoencoder(RECIPE.stage0.autoencoder_shape))
    return ResidualAutoencoder(
        replace(RECIPE.stage1, optimisation=replace(PLAN, **changes)), RECIPE.finishing, vae, None
    )


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

    settings = replace(
        RunSettings(output, workers=0, device="cpu", precision="fp32", log_every=1, check_every=2), **changes
    )
    train(stage, *data, settings, report)
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


@pytest.mark.parametrize(("processes", "accumulation"), [(1, 1), (2, 1), (1, 4), (2, 2), (2, 4)])
def test_a_cut_batch_draws_the_same_numbers_and_items(processes: int, accumulation: int) -> None:
    plan = replace(PLAN, batch_size=8, accumulation=accumulation)
    cuts = [Cut.of(plan, rank, processes) for rank in range(processes)]
    like = torch.zeros(cuts[0].size, 2, 3)
    order = [(cut, index) for index in range(cuts[0].accumulation) for cut in cuts]
    whole, parts = Draws(0, 3, torch.device("cpu")), []
    for cut, index in order:
        draws = Draws(0, 3, torch.device("cpu"), cut.part(index), cut.parts)
        parts.append((draws.normal_like(like), draws.chosen(len(like), 0.5), draws.timesteps(len(like), 1000)))
    expected = (whole.normal_like(torch.zeros(8, 2, 3)), whole.chosen(8, 0.5), whole.timesteps(8, 1000))
    for drawn, wanted in zip(zip(*parts, strict=True), expected, strict=True):
        assert torch.equal(torch.cat(drawn), wanted)
    items = sorted(item for cut in cuts for item in cut.items(2, 4))
    assert items == list(range(16, 32))


def test_processes_share_the_parts_of_a_batch() -> None:
    plan = replace(PLAN, batch_size=8, accumulation=8)
    cuts = [Cut.of(plan, 0, processes) for processes in (1, 2, 4, 8)]
    assert [(cut.accumulation, cut.size) for cut in cuts] == [(8, 1), (4, 1), (2, 1), (1, 1)]
    assert Cut.of(replace(plan, accumulation=1), 0, 4) == Cut(0, 4, 1, 2)


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


def test_a_run_does_not_begin_anew_over_an_earlier_one(data, tmp_path) -> None:
    run(stage_one(steps=2), data, tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    with pytest.raises(SettingsError, match="up to step-00000002; add --resume"):
        run(stage_one(), data, tmp_path)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


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


def noted(data, output: Path, terms: dict[str, object], **changes: object) -> list[str]:
    """What is said in notes by a run on terms."""
    said: list[str] = []

    def report(what: str, _step: int, _total: int, words: str) -> None:
        if what == "note":
            said.append(words)

    settings = RunSettings(output, workers=0, device="cpu", precision="fp32", check_every=2, resume=True)
    train(stage_one(**changes), *data, settings, report, terms_of(terms))
    return said


def test_a_resumed_run_says_what_is_other_than_it_was(data, tmp_path) -> None:
    first = {"seed": 0, "stage1": {"hold": 0.5, "adversary": None}, "--data": ["photos:/a"], "betas": (0.9, 0.99)}
    assert noted(data, tmp_path, first, steps=1) == []
    assert noted(data, tmp_path, first, steps=1) == ["stage1 has done 1 of 1 step; nothing is left to train."]
    assert noted(data, tmp_path, first, steps=2) == []
    other = first | {"seed": 5, "stage1": {"hold": 0.5, "adversary": {"start": 100}}, "--data": ["photos:/b"]}
    assert noted(data, tmp_path, other, steps=3) == [
        "stage1: goes on otherwise than it began, so not as it would have without a stop: seed was 0 and is 5, "
        "--data was ['photos:/a'] and is ['photos:/b'], stage1.adversary.start was not given and is 100."
    ]
    assert noted(data, tmp_path, other, steps=4) == []
    assert noted(data, tmp_path, other, steps=2) == ["stage1 has done 4 of 2 steps; nothing is left to train."]


def test_many_changes_are_counted() -> None:
    said = difference({str(n): 0 for n in range(9)}, {str(n): 1 for n in range(9)})
    assert said is not None
    assert said.endswith("5 was 0 and is 1, and 3 more.")
    assert difference({}, {"seed": 1}) is None  # an earlier version kept none


def test_what_decides_a_stage_is_its_own_part_of_the_recipe_and_the_data(photo_folder: Path, tmp_path: Path) -> None:
    recipe = replace(RECIPE, stage2=replace(RECIPE.stage2, region_size=2), name="other", log_every=7)
    source = Source((("photos", photo_folder),), RECIPE.data, 0, "srgb", "lrgb-srgb", MosaicCache())
    runs = [Run(one, source, RunSettings(tmp_path)) for one in (RECIPE, recipe)]
    half = replace(runs[0], recipe=replace(RECIPE, stage3=None))
    pairs = runs[0].pairs.training("1", 32)
    assert difference(*(one.terms("1", pairs) for one in runs)) is None
    assert "stage2.region_size was" in (difference(*(one.terms("2", pairs) for one in runs)) or "")
    assert "register_colours was" in (difference(*(one.terms("1", pairs) for one in (runs[0], half))) or "")
    longer = replace(runs[0], steps=9, recipe=load_recipe("tiny-debug", ["stage1.optimisation.batch_size=3"]))
    assert (difference(runs[0].terms("1", pairs), longer.terms("1", pairs)) or "").endswith(
        ": stage1.optimisation.batch_size was 2 and is 3, --steps was not given and is 9."
    )


@pytest.mark.parametrize("left", [["step-00000002"], []])
def test_a_resumed_run_records_no_step_twice(left: list[str], data, tmp_path) -> None:
    """As after a kill: the record is further than the newest checkpoint, or there is none yet."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    run(stage_one(), data, tmp_path)
    log, kept = tmp_path / "stage1" / "log.jsonl", tmp_path / "stage1" / "checkpoints"
    for path in kept.iterdir():
        if path.stem not in left:
            path.unlink()
    with log.open("a") as file:
        file.write('{"what": "loss", "step": 4, "pic')  # and a line that was cut off
    run(stage_one(), data, tmp_path, resume=True)
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert [(line["what"], line["step"]) for line in lines] == [
        ("loss", 1), ("loss", 2), ("health", 2), ("loss", 3), ("loss", 4), ("health", 4)
    ]  # fmt: skip
    events = EventAccumulator(str(tmp_path / "stage1")).Reload()
    assert [event.step for event in events.Scalars("loss/picture")] == [1, 2, 3, 4]
    assert [event.step for event in events.Scalars("health/psnr")] == [2, 4]


@pytest.mark.slow
def test_overfitting_one_pair_drives_psnr_up(data, tmp_path) -> None:
    """Both stages, a few hundred steps on one pair: far above the noisy input."""
    from darkdiff_cli.training.stages.losses import score
    from darkdiff_cli.training.stages.stage2 import ConditionalDenoiser
    from darkdiff_models.finishing.block_light import encode_curve
    from darkdiff_models.networks.sampling import sd_schedule
    from darkdiff_models.networks.surgery import denoiser

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
    plan = replace(RECIPE.stage2, image_loss=ImageLoss(weight=0.1), null_share=0.0)
    plan = replace(plan, optimisation=replace(one.optimisation, learning_rate=2e-3))
    networks = denoiser(stock_unet(RECIPE.stage0.denoiser_shape, 4), torch.zeros(1, 2, 16), 4)
    schedule = sd_schedule(RECIPE.stage0.denoiser_shape.prediction_type)
    two = ConditionalDenoiser(replace(RECIPE, stage2=plan), one.vae, networks, schedule, None)
    before = two.health(batch, draws)["psnr"]
    run(two, (only, only), tmp_path, check_every=150)
    with torch.no_grad():
        after = two.health(batch, draws)["psnr"]
    assert after > noisy + 8
    assert after > before
    assert isinstance(two.players[MODEL]["unet"], nn.Module)
