"""Options in groups: `enhance` and `batch` offer the same ones, and each of them reaches the program's settings."""

import json
import os
import re
from dataclasses import asdict, dataclass, fields
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, ClassVar, get_args, get_type_hints

import pytest
import typer
from typer.main import get_command
from typer.testing import CliRunner

from darkdiff_cli.app import app
from darkdiff_cli.commands.batch_options import FolderOutputOptions
from darkdiff_cli.commands.grouped import grouped
from darkdiff_cli.commands.options import (
    DiffusionOptions,
    MachineOptions,
    OutputOptions,
    PictureOptions,
    enhance_settings,
)
from darkdiff_cli.enhancer import EnhanceSettings
from darkdiff_cli.enhancer.identity import arithmetic
from darkdiff_cli.errors import SettingsError
from darkdiff_cli.photo import PhotoSettings
from darkdiff_cli.raw import ExposureSettings
from darkdiff_models import SamplingSettings
from darkdiff_models.checkpoints import load_pipeline
from darkdiff_models.digest import model_digest

DARK = Path(__file__).parents[2] / "samples" / "night_x300.dng"
# What is typed, and the value that must arrive; a new option must be added here.
PICTURE = {
    "ratio": ("250", 250.0),
    "ev": ("1.5", 1.5),
    "black": ("60.5", 60.5),
    "white": ("file", "file"),
    "wb": ("2,1,1.5", (2.0, 1.0, 1.5)),
    "line_noise": ("off", "off"),
    "hot_pixels": ("off", "off"),
    "crop": ("sensor", "sensor"),
    "strength": ("0.8", 0.8),
    "dark": (str(DARK), (DARK,)),
}
SAMPLING = {
    "steps": ("3", 3),
    "guidance": ("1.25", 1.25),
    "sampler": ("dpm++", "dpm++"),
    "views": ("4", 4),
    "tile": ("24", 24),
    "seed": ("7", 7),
    "size": ("paper", "paper"),
}
FILE = {"quality": "80", "long_side": "50"}
LOCKED = {"saturation"}  # set by `batch --lock-exposure`, not by an option


def names(group: object) -> set[str]:
    return {field.name for field in fields(group)}  # type: ignore[arg-type]


def option(name: str) -> str:
    return "--" + name.replace("_", "-")


def arrived(*words: str) -> EnhanceSettings:
    """The settings that a command gets when these words are typed."""
    seen = []

    def command(picture: PictureOptions, diffusion: DiffusionOptions, output: OutputOptions, machine: MachineOptions):
        seen.append(enhance_settings(picture, diffusion, output, machine))

    program = typer.Typer()
    program.command()(grouped(command))
    done = CliRunner().invoke(program, list(words), catch_exceptions=False)
    assert done.exit_code == 0, done.stderr
    return seen[0]


def parameters(command: str) -> dict:
    return {parameter.name: parameter for parameter in get_command(app).commands[command].params}


def test_options_and_settings_have_the_same_names_and_defaults() -> None:
    assert names(PictureOptions) == names(ExposureSettings) - LOCKED == set(PICTURE)
    assert names(DiffusionOptions) - {"model"} | {"tile"} == names(SamplingSettings) == set(SAMPLING)
    assert arrived() == EnhanceSettings()


@pytest.mark.parametrize("name", sorted(names(PictureOptions)))
def test_every_picture_option_reaches_its_setting_alone(name: str) -> None:
    typed, value = PICTURE[name]
    assert asdict(arrived(option(name), typed).exposure) == asdict(ExposureSettings()) | {name: value}


def test_half_size_is_no_size_of_the_networks_but_of_the_finished_photo() -> None:
    assert arrived("--size", "half") == EnhanceSettings(halved=True)


@pytest.mark.parametrize("name", sorted(names(SamplingSettings)))
def test_every_option_of_the_diffusion_reaches_its_setting_alone(name: str) -> None:
    typed, value = SAMPLING[name]
    assert asdict(arrived(option(name), typed).sampling) == asdict(SamplingSettings()) | {name: value}


@pytest.mark.parametrize(
    ("words", "photo"),
    [
        (("--format", "tiff"), PhotoSettings("tiff", 16)),
        (("-o", "a.tif", "--bit-depth", "8"), PhotoSettings("tiff", 8)),
        (("-o", "a.JPEG", "--overwrite"), PhotoSettings("jpeg", 8, True)),
        (("-o", "a.tif", "--bit-depth", "32"), PhotoSettings("tiff", 32)),
        (("-o", "a.PNG", "--bit-depth", "8"), PhotoSettings("png", 8)),
        (("--format", "webp"), PhotoSettings("webp", 8)),
        (("-o", "a.dng"), PhotoSettings("dng", 16)),
        (("-o", "a.dng", "--compression", "lossless"), PhotoSettings("dng", 16, compression="lossless")),
        pytest.param(
            ("-o", "a.dng", "--compression", "lossy"),
            PhotoSettings("dng", 16, compression="lossy"),
            marks=pytest.mark.skipif(find_spec("imagecodecs") is None, reason="no imagecodecs"),
        ),
        (("--colour", "display-p3"), PhotoSettings(colour="display-p3")),
        (("--quality", "80"), PhotoSettings(quality=80)),
        (("-o", "a.dng", "--long-side", "2048"), PhotoSettings("dng", 16, long_side=2048)),
        (("-o", "a.webp", "--quality", "1"), PhotoSettings("webp", quality=1)),
    ],
)
def test_output_options_reach_the_writer(words: tuple[str, ...], photo: PhotoSettings) -> None:
    assert arrived(*words).photo == photo


def test_the_folder_of_a_batch_may_be_called_like_a_file() -> None:
    assert FolderOutputOptions(output=Path("night.tif")).settings() == PhotoSettings("jpeg", 8)


@pytest.mark.parametrize("name", ["white", "line_noise", "hot_pixels", "crop"])
def test_choices_are_those_of_the_settings(name: str) -> None:
    assert get_args(get_type_hints(PictureOptions)[name]) == get_args(get_type_hints(ExposureSettings)[name])


@pytest.mark.parametrize("name", sorted(names(PictureOptions) | names(DiffusionOptions) | {"tile"}))
def test_enhance_and_batch_offer_the_same_option(name: str) -> None:
    one, other = parameters("enhance")[name], parameters("batch")[name]
    for what in ("opts", "default", "help", "required", "min", "max", "metavar", "rich_help_panel"):
        assert getattr(one, what) == getattr(other, what), what
    assert one.help
    assert one.rich_help_panel == ("Machine" if name == "tile" else "Picture" if name in PICTURE else "Diffusion")


def test_options_of_the_output_and_the_machine_are_called_alike() -> None:
    enhance, batch = parameters("enhance"), parameters("batch")
    for name in names(OutputOptions) | names(MachineOptions):
        assert set(enhance[name].opts) <= set(batch[name].opts)
        assert enhance[name].default == batch[name].default
        assert enhance[name].rich_help_panel == batch[name].rich_help_panel


def test_help_texts_are_sentences_in_panels() -> None:
    commands = get_command(app).commands
    every = [commands[name] for name in ("enhance", "batch", "train")] + list(commands["bench"].commands.values())
    for command in every:
        for parameter in command.params:
            if parameter.param_type_name == "option":
                assert re.fullmatch(r"[\w-].*\.", parameter.help, re.DOTALL), (command.name, parameter.name)
                assert parameter.rich_help_panel, (command.name, parameter.name)


@pytest.mark.parametrize(
    "words",
    [
        ("train", "--stage", "1", "--workers"),
        ("train", "--stage", "1", "--steps"),
        ("train", "--stage", "1", "--epochs"),
        ("batch", "night", "--workers"),
        ("bench", "speed", "--repeats"),
        ("bench", "speed", "--batch"),
        ("bench", "train", "--steps"),
        ("bench", "train", "--workers"),
    ],
    ids=" ".join,
)
def test_counts_beyond_all_sense_are_wrong_use(words: tuple[str, ...]) -> None:
    done = CliRunner().invoke(app, [*words, "9" * 15])
    assert done.exit_code == 2
    assert re.search(rf"{words[-1]}: must be .*less than or equal to \d+", done.stderr), done.stderr


def test_a_dark_frame_that_is_missing_is_refused_before_anything_is_loaded() -> None:
    with pytest.raises(SettingsError, match=r"--dark none\.dng: no such file; check the path\."):
        PictureOptions(dark=[Path("none.dng")]).settings()


@pytest.mark.skipif(os.name == "nt", reason="there are no named pipes in folders")
def test_a_dark_frame_that_is_no_file_is_said_to_be_what_it_is(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.dng")
    for path, what in ((tmp_path / "pipe.dng", "a device or a pipe, and no file"), (tmp_path, "a folder")):
        with pytest.raises(SettingsError) as error:
            PictureOptions(dark=[path]).settings()
        assert str(error.value) == f"--dark {path}: is {what}; give a raw file."


def test_dark_frames_add_up() -> None:
    assert arrived("--dark", str(DARK), "--dark", __file__).exposure.dark == (DARK, Path(__file__))


def test_enhance_writes_with_every_option(dark_dng: Path, shoot, model_folder: Path, tmp_path: Path) -> None:
    """The photo states what it was made with."""
    typed_words = {name: typed for name, (typed, _) in (PICTURE | SAMPLING).items()}
    typed_words["dark"] = str(shoot(tmp_path / "folder" / "cap.dng", 1000.0, 1 / 30, 3200))
    words = [word for name, typed in typed_words.items() for word in (option(name), typed)]
    target = tmp_path / "all.jpg"
    done = CliRunner().invoke(
        app, ["enhance", str(dark_dng), "-o", str(target), "--model", str(model_folder), "--quiet", *words]
    )
    assert done.exit_code == 0, done.stderr
    pipeline = load_pipeline(model_folder)
    pipeline.use_precision(None)
    stated = dict(re.findall(r'darkdiff:(\w+)="([^"]*)"', target.read_bytes().decode("latin-1")))
    assert stated == {
        "model": "toy", "model_digest": model_digest(model_folder), "arithmetic": arithmetic(pipeline),
        "seed": "7", "steps": "3", "guidance": "1.25", "sampler": "dpm++", "views": "4",
        "ratio": str(round(250 * 2**1.5, 4)), "white": "file", "black": "60.5", "wb": "2,1,1.5", "line_noise": "off",
        "hot_pixels": "off", "crop": "sensor", "strength": "0.8", "dark": "cap.dng", "size": "paper",
        "tile": "16x18",
    }  # fmt: skip


def test_a_batch_makes_a_photo_again_when_any_option_changes(shoot, model_folder: Path, tmp_path: Path) -> None:
    folder = tmp_path / "night"
    shoot(folder / "IMG.dng", 100.0, 0.1)
    words = ["batch", str(folder), "--model", str(model_folder), "--json"]
    first = CliRunner().invoke(app, words)
    assert len(json.loads(first.stdout)["done"]) == 1, first.stderr
    same = CliRunner().invoke(app, [*words, "--dry-run"])
    assert same.stderr.splitlines() == ["0 to do, 0 failed, 1 skipped"]
    for name, typed in ({name: typed for name, (typed, _) in (PICTURE | SAMPLING).items()} | FILE).items():
        changed = CliRunner().invoke(app, [*words, "--dry-run", option(name), typed])
        assert changed.stderr.splitlines() == ["1 to do, 0 failed, 0 skipped"], name


def test_a_group_without_options_or_with_a_name_twice_is_refused() -> None:
    @dataclass(frozen=True)
    class Group:
        panel: ClassVar[str] = "Group"
        seed: Annotated[int, typer.Option()] = 0

    @dataclass(frozen=True)
    class Bare:
        panel: ClassVar[str] = "Bare"
        seed: int = 0

    def twice(group: Group, seed: Annotated[int, typer.Option()] = 0) -> int:
        return group.seed + seed

    def bare(group: Bare) -> int:
        return group.seed

    # The classes are local, so their names are resolved by hand.
    twice.__annotations__["group"], bare.__annotations__["group"] = Group, Bare
    with pytest.raises(TypeError, match="twice: has two options for seed"):
        grouped(twice)
    with pytest.raises(TypeError, match=r"an option is Annotated\[type, typer\.Option"):
        grouped(bare)
