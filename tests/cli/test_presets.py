"""Options from files: which values arrive, who wins, and what is said of a file that cannot be used."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import get_type_hints

import pytest
import typer
from typer.testing import CliRunner

from darkdiff_cli.app import app
from darkdiff_cli.commands import presets
from darkdiff_cli.commands.batch_options import FileOptions, FolderOutputOptions
from darkdiff_cli.commands.engine_options import EngineOptions
from darkdiff_cli.commands.grouped import grouped
from darkdiff_cli.commands.options import DiffusionOptions, MachineOptions, PictureOptions
from darkdiff_cli.commands.output_options import OutputOptions
from darkdiff_cli.commands.presets import PresetOptions
from darkdiff_cli.commands.preview_options import LookOptions, SheetOptions


@pytest.fixture(autouse=True)
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's folder."""
    folder = tmp_path / "config"
    folder.mkdir()
    monkeypatch.setattr(presets, "CONFIG", folder)
    return folder


def shown(*arguments: object) -> dict[str, object]:
    """The options as a command gets them."""
    small = typer.Typer()

    def show(
        _preset: PresetOptions, picture: PictureOptions, diffusion: DiffusionOptions, output: OutputOptions
    ) -> None:
        print(json.dumps(asdict(picture) | asdict(diffusion) | asdict(output), default=str))

    small.command()(grouped(show))
    done = CliRunner().invoke(small, [str(argument) for argument in arguments])
    assert done.exit_code == 0, done.output
    return dict(json.loads(done.stdout))


def written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_values_of_every_kind_arrive(tmp_path: Path) -> None:
    text = 'strength = 0.8\nratio = 250\nwb = "2,1,1.5"\nline-noise = "off"\ndark = ["a.dng", "b.dng"]\nno_gps = true\n'
    [dark] = shown("--preset", written(tmp_path / "one.toml", 'dark = "a.dng"'))["dark"]
    assert dark == str(tmp_path / "a.dng")
    got, plain = shown("--preset", written(tmp_path / "mine.toml", text)), shown()
    assert {name: value for name, value in got.items() if value != plain[name]} == {
        "strength": 0.8,
        "ratio": "250",
        "wb": "2,1,1.5",
        "line_noise": "off",
        "dark": [str(tmp_path / "a.dng"), str(tmp_path / "b.dng")],
        "no_gps": True,
    }


def test_paths_start_from_the_folder_of_the_preset(config: Path, tmp_path: Path, monkeypatch) -> None:
    """Of a preset given by path, of one given by name, and of the defaults; not of the command line."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    (tmp_path / "sets" / "mine").mkdir(parents=True)
    (tmp_path / "named").mkdir()  # beside the user, and not beside the preset
    written(config / "defaults.toml", 'output = "photos"')
    written(config / "film.toml", 'dark = "../caps/a.dng"')
    written(tmp_path / "sets" / "set.toml", f'dark = ["a.dng", "~/b.dng", {str(tmp_path / "c.dng")!r}]\nmodel = "mine"')
    assert shown()["output"] == str(config / "photos")
    assert shown("-o", "photos")["output"] == "photos"
    assert shown("--preset", "film")["dark"] == [str(config / "../caps/a.dng")]
    got = shown("--preset", "sets/set.toml")
    assert got["dark"] == ["sets/a.dng", str(tmp_path / "home/b.dng"), str(tmp_path / "c.dng")]
    assert got["model"] == "sets/mine"
    for model, found in (("tiny", "tiny"), ("someone/mine", "someone/mine"), ("../named", "sets/../named")):
        written(tmp_path / "sets" / "set.toml", f'model = "{model}"')
        assert shown("--preset", "sets/set.toml")["model"] == found


def test_every_option_that_takes_a_path_is_known_as_one() -> None:
    options = (
        FileOptions,
        DiffusionOptions,
        EngineOptions,
        FolderOutputOptions,
        LookOptions,
        MachineOptions,
        OutputOptions,
    )
    found = {
        name
        for group in (*options, PictureOptions, SheetOptions)
        for name, hint in get_type_hints(group).items()
        if "Path" in str(hint)
    }
    assert found == presets.PATHS


def test_the_command_line_wins_over_the_preset_and_this_over_the_defaults(config: Path) -> None:
    written(config / "defaults.toml", 'strength = 0.1\nev = 1.0\nwhite = "file"')
    written(config / "film.toml", "strength = 0.2\nev = 2.0")
    for arguments, values in (
        ((), (0.1, 1.0, "file")),
        (("--preset", "film"), (0.2, 2.0, "file")),
        (("--preset", "film", "--ev", "-1"), (0.2, -1.0, "file")),
        (("--ev", "-1", "--preset", "film"), (0.2, -1.0, "file")),
    ):
        got = shown(*arguments)
        assert (got["strength"], got["ev"], got["white"]) == values


@pytest.mark.parametrize(
    ("text", "words", "written_as"),
    [
        ('format = "jxl"', ("-o", "x.jpg"), (None, None, "srgb", None)),
        ('format = "jxl"', (), ("jxl", None, "srgb", None)),
        ('colour = "display-p3"', ("--format", "dng"), ("dng", None, "srgb", None)),
        ('colour = "display-p3"\nbit-depth = 16', ("-o", "x.tif"), (None, 16, "display-p3", None)),
        ('compression = "lossy"\nbit-depth = 32', ("-o", "x.jpg"), (None, None, "srgb", None)),
        ('format = "dng"\ncompression = "lossy"', ("--format", "jpeg"), ("jpeg", None, "srgb", None)),
    ],
)
def test_what_the_photo_named_on_the_command_line_cannot_have_gives_way(text, words, written_as, tmp_path) -> None:
    got = shown(*words, "--preset", written(tmp_path / "mine.toml", text))
    assert (got["format"], got["bit_depth"], got["colour"], got["compression"]) == written_as


def test_a_quality_gives_way_to_a_format_that_loses_nothing(tmp_path: Path) -> None:
    preset = written(tmp_path / "web.toml", "quality = 80")
    found = {name: shown("-o", f"x.{name}", "--preset", preset)["quality"] for name in ("jpg", "webp", "png", "dng")}
    assert found == {"jpg": 80, "webp": 80, "png": None, "dng": None}


def test_a_preset_serves_enhance_and_batch(tmp_path: Path, dark_dng: Path) -> None:
    preset = written(tmp_path / "both.toml", 'include = ["no*"]\nsize = "half"\nstrength = 1')
    found = CliRunner().invoke(app, ["batch", str(dark_dng.parent), "--dry-run", "--preset", str(preset)])
    assert "none of its 1 raw file passes --include no*;" in found.stderr
    done = CliRunner().invoke(app, ["enhance", "nothing.dng", "--preset", str(preset)])
    assert "nothing.dng: no such file" in done.stderr


def test_a_preset_of_enhance_serves_preview_in_what_they_share(
    tmp_path: Path, dark_dng: Path, model_folder: Path
) -> None:
    text = f'ratio = 250\nwb = "daylight"\nstrength = 0.5\nformat = "png"\nmodel = "{model_folder}"'
    words = (
        "preview",
        dark_dng,
        "-o",
        tmp_path / "sheet.jpg",
        "--preset",
        written(tmp_path / "mine.toml", text),
        "--json",
    )
    done = CliRunner().invoke(app, [str(word) for word in words])
    assert done.exit_code == 0, done.stderr
    [shown] = json.loads(done.stdout)["files"]
    assert (shown["ratios"][-1], list(shown["balances"])) == (250, ["daylight"])


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("strenth = 1", "strenth is no option; did you mean strength?"),
        ("quite-else = 1", "quite-else is no option."),
        ("preset = 1", "preset is no option."),
        ("strength = 7", "strength = 7: must be less than or equal to 1."),
        ('ev = "much"', 'ev = "much": must be a valid number.'),
        ("strength = [1]", "strength = [1]: must be one value."),
        ('white = "fil"', "white = \"fil\": 'fil' is not one of 'auto', 'file'."),
        ("overwrite = 3", "overwrite = 3: must be true or false."),
        ("dark = {}", "[dark] is a table, and a preset has none; write its options without it."),
        ("steps = true", "steps = true: must be a valid integer."),
        ("[picture]\nev = 1", "[picture] is a table, and a preset has none; write its options without it."),
        ("ev = ", "cannot be read as a preset"),
        ("ev = " + "9" * 5000, "cannot be read as a preset"),
        ("ev = " + "[" * 5000, "cannot be read as a preset"),
        ("k" * 10_000 + " = 1", "kkk is no option."),
        ('ev = "' + "k" * 10_000 + '"', "must be a valid number."),
    ],
    ids=lambda value: value[:30],
)
def test_a_file_that_cannot_be_used_is_one_sentence(text: str, sentence: str, tmp_path: Path) -> None:
    preset = written(tmp_path / "bad.toml", text)
    done = CliRunner().invoke(app, ["enhance", "x.dng", "--preset", str(preset)])
    assert done.exit_code == 2
    assert done.stderr.startswith(f"darkdiff: {preset}: ")
    assert sentence in done.stderr
    assert done.stderr.count("\n") == 1
    assert "Value error" not in done.stderr
    assert len(done.stderr) < 600


def test_a_file_of_another_encoding_is_named_as_such(tmp_path: Path) -> None:
    preset = tmp_path / "latin.toml"
    preset.write_bytes("# Nächte\nev = 1\n".encode("latin-1"))
    done = CliRunner().invoke(app, ["enhance", "x.dng", "--preset", str(preset)])
    assert (done.exit_code, done.stderr) == (2, f"darkdiff: {preset}: is no text in UTF-8; save it as that.\n")


def test_presets_that_are_there_are_named(config: Path) -> None:
    written(config / "film.toml", "")
    done = CliRunner().invoke(app, ["enhance", "x.dng", "--preset", "flim"])
    assert (done.exit_code, done.stderr.count("\n")) == (2, 1)
    assert "no preset of this name" in done.stderr
    assert "there are film" in done.stderr
