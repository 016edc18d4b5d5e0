"""Every ablation of Tables 4-6 is a config value: it trains two steps and `enhance` runs the result."""

import json
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner

from darkdiff_cli.app import app
from darkdiff_cli.training.recipe.recipe_file import load_recipe

RECIPES = Path(__file__).parents[2] / "darkdiff_cli" / "recipes"
# Accelerate keeps one device and one precision a process, and other tests need the CPU and fp32.
TRAIN = ("train", "--device", "cpu", "--precision", "fp32")


def darkdiff(*arguments: object):
    return CliRunner().invoke(app, [str(a) for a in arguments])


@pytest.fixture(scope="module")
def base(photo_folder: Path, tmp_path_factory) -> Path:
    """A stage 0 to retask."""
    output = tmp_path_factory.mktemp("base")
    done = darkdiff(*TRAIN, "--stage", 0, "--recipe", "tiny-debug", "--data", f"photos:{photo_folder}", "-o", output,
                    "--workers", 0, "--steps", 1)  # fmt: skip
    assert done.exit_code == 0, done.stderr
    return output / "stage0-denoiser"


ABLATIONS = {
    "conditioning: concat": ("  region_size: 4", "  conditioning: concat"),
    "conditioning: controlnet": ("  region_size: 4", "  conditioning: controlnet"),
    "controlnet_base: locked": ("  region_size: 4", "  conditioning: controlnet\n  controlnet_base: locked"),
    "conditioning: global": ("  region_size: 4", "  conditioning: global"),
    "region_position_bias: true": ("  region_size: 4", "  region_size: 4\n  region_position_bias: true"),
    "residual: false": ("stage1:\n", "stage1:\n  residual: false\n"),
    "image_loss: {weight: 0}": ("image_loss: {weight: 1.0", "image_loss: {weight: 0.0"),
    "data_format: raw-srgb": ("colour_anchor: true", "colour_anchor: false"),
    "data_format: raw-raw": ("colour_anchor: true", "colour_anchor: false"),
}


LOCKED_TOO = "conditioning: controlnet"  # a locked base goes its way and further


@pytest.mark.parametrize(
    "ablation", [pytest.param(name, marks=[pytest.mark.slow] * (name == LOCKED_TOO)) for name in ABLATIONS]
)
def test_ablation_trains_and_enhances(ablation, base: Path, photo_folder: Path, dark_dng: Path, tmp_path: Path) -> None:
    old, new = ABLATIONS[ablation]
    text = (RECIPES / "tiny-debug.yaml").read_text().split("\nstage3:")[0] + "\n"  # the paper has two stages
    assert old in text
    text = text.replace(old, new)
    if ablation.startswith("data_format"):
        text += f"{ablation}\n"
    recipe = tmp_path / "ablation.yaml"
    recipe.write_text(text)
    assert load_recipe(str(recipe)) != load_recipe("tiny-debug")
    for stage in (1, 2):
        done = darkdiff(*TRAIN, "--stage", stage, "--recipe", recipe, "--data", f"photos:{photo_folder}",
                        "-o", tmp_path, "--base", base, "--steps", 2, "--workers", 0)  # fmt: skip
        assert done.exit_code == 0, done.stderr
    shape = json.loads((tmp_path / "stage2" / "unet" / "config.json").read_text())
    assert shape["region_position_bias"] == (ablation == "region_position_bias: true")
    picture = tmp_path / "out.jpg"
    done = darkdiff("enhance", dark_dng, "--model", tmp_path / "stage2", "-o", picture, "--ratio", 200)
    assert done.exit_code == 0, done.stderr
    with Image.open(picture) as image:
        assert image.size == (56, 40)


@pytest.mark.parametrize("name", ["paper-sid", pytest.param("paper-lrd", marks=pytest.mark.slow)])
def test_debug_twins_of_the_paper_train_and_resume_on_real_layouts(name, base, shoot_pairs, dark_dng, tmp_path) -> None:
    kind = name.removeprefix("paper-")
    data = f"{kind}:{shoot_pairs(kind)}"
    common = ("--recipe", f"{name}-debug", "--data", data, "-o", tmp_path, "--base", base, "--workers", 0,
              "--cache", tmp_path / "cache")  # fmt: skip
    for stage in (1, 2):
        done = darkdiff(*TRAIN, "--stage", stage, *common)
        assert done.exit_code == 0, done.stderr
        assert "training pairs" in done.stderr  # the set is smaller than the published one
        kept = sorted((tmp_path / f"stage{stage}" / "checkpoints").iterdir())
        assert [path.stem for path in kept] == ["step-00000002", "step-00000004"]
        kept[1].unlink()
        assert darkdiff(*TRAIN, "--stage", stage, *common, "--resume").exit_code == 0
        assert (tmp_path / f"stage{stage}" / "samples" / "step-00000004.png").is_file()
    done = darkdiff("enhance", dark_dng, "--model", tmp_path / "stage2", "-o", tmp_path / "a.jpg")
    assert done.exit_code == 0, done.stderr


def test_debug_twins_differ_from_the_paper_only_in_size() -> None:
    for name in ("paper-sid", "paper-lrd"):
        full, twin = load_recipe(name), load_recipe(f"{name}-debug")
        assert (full.base, full.lrgb_space, full.data_format) == (twin.base, twin.lrgb_space, twin.data_format)
        assert full.stage1.adversary.weight == twin.stage1.adversary.weight == 0.5
        assert full.stage2.region_size == twin.stage2.region_size == 8
        assert full.stage1.optimisation.betas == twin.stage1.optimisation.betas == (0.5, 0.9)
        assert full.stage2.new_learning_rate * full.stage2.optimisation.learning_rate == pytest.approx(2.5e-4)
        assert full.stage1.optimisation.epochs == full.stage2.optimisation.epochs == 3000


def test_dry_run_says_what_would_train(base, photo_folder, tmp_path) -> None:
    done = darkdiff(*TRAIN, "--stage", 1, "--recipe", "tiny-debug", "--data", f"photos:{photo_folder}", "-o", tmp_path,
                    "--base", base, "--dry-run", "--epochs", 3)  # fmt: skip
    assert done.exit_code == 0, done.stderr
    assert "stage1: 30 steps of 2 images" in done.stdout  # 20 photographs, 3 epochs
    assert "residual taps" in done.stdout
    assert "discriminator" in done.stdout
    assert not (tmp_path / "stage1").exists()


def test_stage_two_alone_says_what_it_needs(tmp_path, shoot_pairs) -> None:
    done = darkdiff(*TRAIN, "--stage", 2)
    assert done.exit_code == 2
    assert "recipe paper-sid needs training data: give --data sid:DIR" in done.stderr
    done = darkdiff(*TRAIN, "--stage", 2, "--data", f"sid:{tmp_path / 'nowhere'}")
    assert done.exit_code == 2
    assert "short: this folder of SID is missing" in done.stderr
    done = darkdiff(*TRAIN, "--stage", 2, "--recipe", "paper-sid-debug", "--data", f"sid:{shoot_pairs('sid')}",
                    "-o", tmp_path)  # fmt: skip
    assert done.exit_code == 2
    assert "stage1/vae: is missing; run `darkdiff train --stage 1 --recipe paper-sid-debug`" in done.stderr
    lpips = tmp_path / "lpips.safetensors"
    done = darkdiff(*TRAIN, "--stage", 2, "--data", f"sid:{shoot_pairs('sid')}", "-o", tmp_path, "--lpips", lpips)
    assert done.exit_code == 2
    assert "no such file" in done.stderr
    done = darkdiff(*TRAIN, "--stage", 0, "--data", f"sid:{shoot_pairs('sid')}", "--dry-run")
    assert "no stage 0" in done.stderr


def test_the_regression_baseline_trains_and_renders(photo_folder, dark_dng, tmp_path) -> None:
    from darkdiff_cli.evaluation.methods.baselines import Regression
    from darkdiff_cli.raw import read_raw

    done = darkdiff(*TRAIN, "--stage", "sid-unet", "--recipe", "tiny-debug", "--data", f"photos:{photo_folder}",
                    "-o", tmp_path, "--workers", 0)  # fmt: skip
    assert done.exit_code == 0, done.stderr
    frame = read_raw(dark_dng)
    picture = Regression(tmp_path / "sid-unet", "sid-unet", "cpu", "file").render(frame, frame, 200.0)
    assert picture.shape == (40, 56, 3)
    assert 0 <= picture.min() < picture.max() <= 1
    done = darkdiff(*TRAIN, "--stage", "sid-unet", "--recipe", "paper-sid-debug", "--data", f"photos:{photo_folder}")
    assert "no regression baseline" in done.stderr
