"""What would stop a later stage is said before the first one trains."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from typer.testing import CliRunner

from darkdiff_cli.app import app
from darkdiff_cli.datasets import MosaicCache, Source
from darkdiff_cli.errors import SettingsError
from darkdiff_cli.training.loop.machine import RunSettings
from darkdiff_cli.training.recipe.recipe_file import load_recipe
from darkdiff_cli.training.recipe.shapes import DenoiserShape
from darkdiff_cli.training.run import Run
from darkdiff_cli.training.stages.stage0 import check_shapes, stock_autoencoder, stock_unet
from darkdiff_models.base_models import Base, save_base
from darkdiff_models.learning.lpips import LPIPS
from darkdiff_models.networks.sampling import sd_schedule

PARAMETERS = 4_472_944  # of tiny's network for full size
HUGE = {
    "block_out_channels": (8192,) * 4,
    "attention_levels": (False,) * 4,
    "num_heads": (8,) * 4,
    "layers_per_block": 16,
}


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A base at the widths of tiny-debug, untrained."""
    return base_of("tiny-debug", tmp_path_factory.mktemp("base"))


def base_of(recipe: str, folder: Path) -> Path:
    """The untrained base of a recipe's stage 0."""
    shapes = load_recipe(recipe).stage0
    assert shapes is not None
    vae, unet = stock_autoencoder(shapes.autoencoder_shape), stock_unet(shapes.denoiser_shape, 4)
    prompt = torch.zeros(1, shapes.denoiser_shape.prompt_tokens, shapes.denoiser_shape.cross_attention_dim)
    save_base(Base(vae, unet, dict(sd_schedule("v_prediction").config), prompt), folder)
    return folder


def train(stage: object, data: str, output: Path, *more: object):
    words = ["train", "--device", "cpu", "--precision", "fp32", "--stage", stage, "--recipe", "paper-sid-debug",
             "--data", data, "-o", output, "--workers", 0, *more]  # fmt: skip
    return CliRunner().invoke(app, list(map(str, words)))


def refusal(done, output: Path) -> str:
    """The last line of what was said, after a refusal before anything has trained."""
    assert done.exit_code == 2, done.output
    assert not (output / "stage1").exists()
    return done.stderr.splitlines()[-1]


def test_wrong_data_and_a_wrong_start_come_before_a_missing_stage(photo_folder, base, tmp_path) -> None:
    photos, run = f"photos:{photo_folder}", tmp_path / "run"
    assert "no such folder of photographs" in refusal(train(2, f"photos:{tmp_path / 'none'}", run, "--base", base), run)
    assert "ELD has no training scenes" in refusal(train(2, f"eld:{tmp_path}", run, "--base", base), run)
    assert "--start: no model" in refusal(train(2, photos, run, "--start", tmp_path / "none"), run)
    assert "stage1/vae: is missing" in refusal(train(2, photos, run, "--base", base), run)


def test_what_stage_2_needs_is_looked_at_before_stage_1_trains(photo_folder, base, tmp_path) -> None:
    photos, run, half = f"photos:{photo_folder}", tmp_path / "run", tmp_path / "half"
    half.mkdir()
    shutil.copytree(base / "vae", half / "vae")
    assert "half/unet: is missing or damaged" in refusal(train("all", photos, run, "--base", half), run)
    earlier = run / "stage2" / "checkpoints" / "step-00000002.safetensors"
    earlier.parent.mkdir(parents=True)
    earlier.touch()
    assert "stage2: holds an earlier run's checkpoints" in refusal(train("all", photos, run, "--base", base), run)
    shutil.rmtree(earlier.parent)
    earlier.parent.touch()
    assert "checkpoints: is no folder" in refusal(train("all", photos, run, "--base", base, "--resume"), run)
    weighed = ("--set", "stage2.image_loss.lpips=1", "--set", "stage2.optimisation.crop=64")
    other = (tmp_path / "other", "--base", base, "--lpips", base / "empty_prompt.safetensors")
    assert "give the LPIPS weights with --lpips" in refusal(train("all", photos, *other, *weighed), tmp_path / "other")


@pytest.mark.parametrize(
    ("part", "changes", "words"),
    [
        ("autoencoder_shape", {"norm_num_groups": 3}, "(num_channels (8) must be divisible by"),
        ("denoiser_shape", {"attention_levels": (True,)}, "(Must provide the same number of"),
        ("denoiser_shape", HUGE, "(its weights need "),
    ],
)
def test_shapes_that_make_no_network_are_one_sentence(part: str, changes: dict[str, object], words: str) -> None:
    stage0 = load_recipe("tiny-debug").stage0
    assert stage0 is not None
    check_shapes(stage0)
    with pytest.raises(SettingsError) as failure:
        check_shapes(replace(stage0, **{part: replace(getattr(stage0, part), **changes)}))
    said = str(failure.value)
    assert said.startswith(f"stage0.{part}: no network can be built of it {words}")
    assert said.endswith("; change it in the recipe.")
    assert "\n" not in said


def test_the_denoisers_shape_is_looked_at_before_the_autoencoder_trains(photo_folder, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(DenoiserShape, "fault", lambda _shape: None)
    words = ("--recipe", "tiny-debug", "--set", "stage0.denoiser_shape.norm_num_groups=3")
    said = refusal(train(0, f"photos:{photo_folder}", tmp_path / "run", *words), tmp_path / "run")
    assert said.startswith("darkdiff: stage0.denoiser_shape: no network can be built of it")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("start", ["stage 0", "base", "model"])
def test_a_crop_of_stage_3_that_the_model_does_not_take_stops_the_first_stage(start, photo_folder, tmp_path) -> None:
    """tiny's autoencoder and denoiser halve three and two times: steps of 32 pixels."""
    output, photos = tmp_path / "run", f"photos:{photo_folder}"
    crops = [word for key in ("optimisation.crop", "kept_crop") for word in ("--set", f"stage3.{key}=48")]
    losses = ("stage0.loss", "stage1.loss", "stage2.image_loss", "stage3.loss")
    words = [
        "--recipe",
        "tiny",
        "--steps",
        "1",
        *crops,
        *(word for loss in losses for word in ("--set", f"{loss}.lpips=0")),
    ]
    if start == "model":
        words += ["--start", "tiny"]
    elif start == "base":
        words += ["--base", str(base_of("tiny", tmp_path / "base"))]
    for stage in ("all", 3) if start == "model" else ("all",):
        said = refusal(train(stage, photos, output, *words), output)
        assert said == "darkdiff: stage3: crop and kept_crop must be multiples of 32, the model's own step."
    assert not output.exists()


def test_a_dry_run_tells_the_cost_of_full_size(photo_folder, tmp_path) -> None:
    words = ("--recipe", "tiny", "--start", "tiny", "--dry-run")
    done = train(3, f"photos:{photo_folder}", tmp_path / "run", *words)
    assert done.exit_code == 0, done.stderr
    said = done.stdout.splitlines()
    assert said[:2] == [
        "stage3: 30000 steps of 8 images in 1 part",
        f"  model: {PARAMETERS:,} parameters, learning rate 0.001",
    ]
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("blocks=[4,1,8]", "a network of (4, 4, 8) blocks cannot be deepened to (4, 1, 8)"),
        ("block_out_channels=[64,96,160]", "a network of widths (64, 96, 128) cannot be widened to (64, 96, 160)"),
    ],
)
def test_a_start_that_does_not_fit_the_shape_of_full_size_is_refused(photo_folder, tmp_path, change, words) -> None:
    run = tmp_path / "run"
    said = refusal(
        train(
            3, f"photos:{photo_folder}", run, "--recipe", "tiny", "--start", "tiny", "--set", f"stage3.shape.{change}"
        ),
        run,
    )
    assert said == f"darkdiff: --start tiny: {words}; change stage3.shape in the recipe."


def test_full_size_goes_on_with_more_blocks_than_its_start_has(photo_folder, tmp_path) -> None:
    deeper = ("--recipe", "tiny", "--start", "tiny", "--dry-run", "--set", "stage3.shape.blocks=[5,4,8]")
    done = train(3, f"photos:{photo_folder}", tmp_path / "run", *deeper)
    assert done.exit_code == 0, done.stderr
    block = 2 * (64 * 64 * 9 + 64)
    assert f"  model: {PARAMETERS + 2 * block:,} parameters" in done.stdout  # on the way down and up


def stages_of(done) -> list[str]:
    assert done.exit_code == 0, done.stderr
    return [line.split(":")[0] for line in done.stdout.splitlines() if not line.startswith(" ")]


def test_a_dry_run_tells_the_cost_of_every_stage_before_any_has_trained(photo_folder, base, tmp_path) -> None:
    photos, run = f"photos:{photo_folder}", tmp_path / "run"
    done = train("all", photos, run, "--base", base, "--dry-run")
    assert stages_of(done) == ["stage1", "stage2"]
    own = train("all", photos, run, "--recipe", "tiny-debug", "--dry-run")
    assert stages_of(own) == ["stage0-autoencoder", "stage0-denoiser", "stage1", "stage2", "stage3"]
    recipe, settings = load_recipe("tiny-debug"), RunSettings(tmp_path, device="cpu")
    source = Source((("photos", photo_folder),), recipe.data, 0, "srgb", "lrgb-srgb", MosaicCache(tmp_path))
    for name in ("0", "1", "2", "3"):
        for stage in Run(recipe, source, settings, dry=True).stages(name):
            counts = {sum(p.numel() for p in g["params"]) for w in stage.players for g in stage.parameter_groups(w)}
            assert all(f": {count:,} parameters" in own.stdout for count in counts)
    assert not run.exists()


def test_a_run_that_has_nothing_to_resume_says_so_and_begins(photo_folder, base, tmp_path) -> None:
    said = f"darkdiff: {tmp_path / 'run'}: holds no checkpoint to resume; the training begins anew."
    words = (1, f"photos:{photo_folder}", tmp_path / "run", "--base", base, "--resume", "--steps")
    for steps, times in ((1, 1), (2, 0)):
        done = train(*words, steps)
        assert done.exit_code == 0, done.stderr
        assert done.stderr.splitlines().count(said) == times
        assert f"\nstage1: loss {steps}/{steps}  picture " in f"\n{done.stderr}"


def test_photographs_that_are_smaller_than_the_largest_crop_are_counted_in_a_line(photo_folder, tmp_path) -> None:
    """tiny-debug takes 32 pixels of LRGB in each stage, twice as many of a photograph."""
    for index in range(3):
        shutil.copy(photo_folder / f"{index:02d}.png", tmp_path)
    Image.new("RGB", (63, 64)).save(tmp_path / "small.png")
    words = (f"photos:{tmp_path}", tmp_path / "run", "--recipe", "tiny-debug", "--dry-run")
    said = "darkdiff: smaller than the {} pixels that a crop takes: {} of 3 photographs, the smallest with 63x64 ("
    kept = ("--set", "stage3.kept_crop=128", "--set", "stage3.kept_pairs=4")
    for stages, more, count, side in ((0, (), 1, 64), ("all", kept, 3, 256)):
        done = train(stages, *words, *more)
        assert done.exit_code == 0, done.stderr
        assert said.format(side, count) in done.stderr
        assert done.stderr.count("smaller than") == 1


def test_a_file_in_the_place_of_a_stages_folder_is_named(photo_folder, base, tmp_path) -> None:
    (tmp_path / "stage1").touch()
    done = train(1, f"photos:{photo_folder}", tmp_path, "--base", base)
    assert done.exit_code == 2
    where = tmp_path / "stage1"
    assert done.stderr == f"darkdiff: {where}: is no folder, so no checkpoint can be written; move it away.\n"


def test_a_dry_run_refuses_what_the_run_would_refuse(photo_folder, base, tmp_path) -> None:
    photos, run = f"photos:{photo_folder}", tmp_path / "run"
    for more in ((), ("--dry-run",)):
        assert "stage1/vae: is missing" in refusal(train(2, photos, run, "--base", base, *more), run)
        wrong = tmp_path / "alex.safetensors"
        save_file(LPIPS("alex").state_dict(), wrong)
        other = ("--base", base, "--lpips", wrong, "--set", "perceptual_network=vgg", *more)
        assert "give the LPIPS weights with --lpips" in refusal(train(1, photos, run, *other), run)
        earlier = run / "stage2" / "checkpoints" / "step-00000002.safetensors"
        earlier.parent.mkdir(parents=True)
        earlier.touch()
        said = refusal(train("all", photos, run, "--base", base, *more), run)
        assert "stage2: holds an earlier run's checkpoints" in said
        shutil.rmtree(run)
