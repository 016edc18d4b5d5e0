import hashlib
import json
import signal
from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pytest
from typer.testing import CliRunner

from darkdiff_cli.app import app
from darkdiff_cli.enhancer import Enhancer
from tests.conftest import run_darkdiff, run_here


@pytest.fixture(scope="module")
def one_photo(dark_dng: Path, model_folder: Path, tmp_path_factory):
    """The plain case, run once: one raw, default output, JSON."""
    folder = tmp_path_factory.mktemp("one")
    source = folder / "IMG.dng"
    source.write_bytes(dark_dng.read_bytes())
    done = run_darkdiff("enhance", source, "--model", model_folder, "--ratio", "200", "--json")
    return done, source, folder / "IMG_darkdiff.jpg"


def test_photo_is_written_beside_its_input(one_photo) -> None:
    done, _, output = one_photo
    assert done.returncode == 0, done.stderr
    assert iio.imread(output).shape == (40, 56, 3)


def test_json_tells_what_was_done(one_photo) -> None:
    done, _, output = one_photo
    [result] = json.loads(done.stdout)["files"]
    assert result["doubt_map"] is None
    assert result["output"] == str(output)
    assert (result["ratio"], result["width"], result["height"]) == (200.0, 56, 40)
    assert (result["steps"], result["guidance"]) == (2, 1.5)


def test_input_is_untouched_and_nothing_else_is_left(one_photo, dark_dng: Path) -> None:
    _, source, output = one_photo
    assert hashlib.sha256(source.read_bytes()).digest() == hashlib.sha256(dark_dng.read_bytes()).digest()
    assert sorted(source.parent.iterdir()) == [source, output]


def test_stderr_has_no_noise(one_photo) -> None:
    done, _, _ = one_photo
    assert done.stderr.splitlines() == ["IMG.dng: x200, 56x40, 2 steps"]


def test_same_seed_is_the_same_bytes_and_another_is_not(one_photo, model_folder: Path, tmp_path: Path) -> None:
    _, source, output = one_photo
    for name, seed in (("again.jpg", 0), ("other.jpg", 1)):
        arguments = ("--model", model_folder, "--ratio", "200", "--seed", seed, "-o", tmp_path / name, "--quiet")
        assert run_here("enhance", source, *arguments).returncode == 0
    assert iio.imread(tmp_path / "other.jpg").tolist() != iio.imread(output).tolist()
    assert iio.imread(tmp_path / "again.jpg").tolist() == iio.imread(output).tolist()
    assert (tmp_path / "again.jpg").read_bytes() == output.read_bytes()


def test_the_white_that_was_used_is_noted(one_photo, model_folder: Path, tmp_path: Path) -> None:
    _, source, output = one_photo
    assert b'darkdiff:white="auto"' in output.read_bytes()
    cases = {"kept.jpg": ("--white", "file"), "darker.jpg": ("--ev", "-1")}  # auto would take the darkening back
    for name, options in cases.items():
        arguments = ("--model", model_folder, "--ratio", "200", *options, "-o", tmp_path / name, "--quiet")
        assert run_here("enhance", source, *arguments).returncode == 0
        assert b'darkdiff:white="file"' in (tmp_path / name).read_bytes()


def test_one_bad_file_does_not_stop_the_others(dark_dng: Path, model_folder: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.arw"
    bad.write_text("no raw at all")
    missing = tmp_path / "missing.nef"
    done = run_here(
        "enhance", bad, dark_dng, missing, "-o", tmp_path / "out", "--model", model_folder, "--format", "tiff"
    )
    assert done.returncode == 1
    assert done.stdout.split() == [str(tmp_path / "out" / "dark_darkdiff.tif")]
    assert iio.imread(tmp_path / "out" / "dark_darkdiff.tif").dtype == np.uint16
    assert len([line for line in done.stderr.splitlines() if "bad.arw" in line or "missing.nef" in line]) == 2
    assert "Traceback" not in done.stderr


def test_nothing_but_bad_files_is_exit_code_two(shared: Path, model_folder: Path, tmp_path: Path) -> None:
    broken = sorted((shared / "raws" / "broken").iterdir())
    done = run_here("enhance", *broken, "-o", tmp_path / "out", "--model", model_folder)
    assert done.returncode == 2
    assert list((tmp_path / "out").iterdir()) == []
    for path in broken:
        assert len([line for line in done.stderr.splitlines() if line.startswith(f"darkdiff: {path}:")]) == 1
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--ratio", "bright"), "auto"),
        (("--ratio", "0"), "from 0.01"),
        (("--bit-depth", "16"), "bit-depth"),
        (("-o", "a.tif", "--format", "jpeg"), "--format"),
        (("--format", "jxl", "--colour", "prophoto"), "--colour prophoto does not go with jxl"),
        (("--format", "tiff", "--compression", "lossless"), "--compression lossless does not go with tiff"),
        (("-o", "a.dng", "--compression", "best"), "compression"),
        (("--model", "/nowhere/at/all"), "no model"),
        (("--device", "warp"), "device"),
        (("--tile", "9"), "multiple"),
        (("--black", "60000"), "--black"),
        (("-o", "/proc/nowhere"), "-o"),
    ],
)
def test_wrong_use_is_one_sentence_and_exit_code_two(
    arguments, words: str, dark_dng: Path, model_folder: Path, tmp_path
) -> None:
    source = tmp_path / "IMG.dng"
    source.write_bytes(dark_dng.read_bytes())
    model = () if "--model" in arguments else ("--model", model_folder)
    done = run_here("enhance", source, *arguments, *model)
    assert done.returncode == 2
    assert words in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
    assert sorted(tmp_path.iterdir()) == [source]


def test_existing_output_is_kept(dark_dng: Path, model_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_text("mine")
    done = run_here("enhance", dark_dng, "-o", tmp_path / "a.jpg", "--model", model_folder)
    assert done.returncode == 2
    assert "--overwrite" in done.stderr
    assert (tmp_path / "a.jpg").read_text() == "mine"


def test_inputs_that_differ_by_suffix_are_told_apart(dark_dng: Path, model_folder: Path, tmp_path: Path) -> None:
    sources = [tmp_path / "IMG.dng", tmp_path / "IMG.arw"]
    for source in sources:
        source.write_bytes(dark_dng.read_bytes())
    done = run_here("enhance", *sources, "-o", tmp_path / "out", "--model", model_folder)
    assert done.returncode == 0, done.stderr
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["IMG_arw_darkdiff.jpg", "IMG_dng_darkdiff.jpg"]


def test_two_inputs_of_one_name_are_refused_before_work_starts(dark_dng: Path, tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "dark.dng").write_bytes(dark_dng.read_bytes())
    done = run_here("enhance", dark_dng, tmp_path / "sub" / "dark.dng", "-o", tmp_path)
    assert done.returncode == 2
    assert "both write" in " ".join(done.stderr.split())
    twice = run_here("enhance", dark_dng, dark_dng, "-o", tmp_path)
    assert (twice.returncode, twice.stderr) == (2, f"darkdiff: {dark_dng}: is given twice; give it once.\n")


def test_exposure_compensation_multiplies_the_ratio(dark_dng: Path, model_folder: Path, tmp_path: Path) -> None:
    done = run_here(
        "enhance", dark_dng, "--ratio", "100", "--ev", "1", "-o", tmp_path, "--model", model_folder, "--json"
    )
    assert json.loads(done.stdout)["files"][0]["ratio"] == 200.0


def test_automatic_ratio_is_reported(dark_dng: Path, model_folder: Path, tmp_path: Path) -> None:
    done = run_here("enhance", dark_dng, "-o", tmp_path, "--model", model_folder, "--json")
    assert 50 <= json.loads(done.stdout)["files"][0]["ratio"] <= 300


def test_tiles_in_place_of_the_whole_image_are_said(dark_dng: Path, model_folder: Path, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("darkdiff_models.tiling.planner.room", lambda _device: 1000)
    words = ["enhance", dark_dng, "-o", tmp_path / "a.jpg", "--model", model_folder, "--tile", 0, "--quiet"]
    done = CliRunner().invoke(app, [str(word) for word in words])
    assert done.exit_code == 0
    assert f"darkdiff: {dark_dng}: the whole image does not fit into memory at once" in done.stderr
    assert b'darkdiff:tile="16x16"' in (tmp_path / "a.jpg").read_bytes()


def test_a_map_of_doubt_is_a_png_file_of_its_own_and_nothing_is_made_before(
    dark_dng: Path, model_folder: Path, tmp_path: Path
) -> None:
    for words, sentence in (
        (("-o", tmp_path / "a.jpg", "--doubt", tmp_path / "map.jpg"), "a map is a PNG file"),
        (("-o", tmp_path / "a.png", "--doubt", tmp_path / "a.png"), "is the photo itself"),
    ):
        refused = run_here("enhance", dark_dng, "--model", model_folder, *words)
        assert (refused.returncode, sentence in refused.stderr) == (2, True)
    several = ("-o", tmp_path / "many", "--doubt", tmp_path / "m.png")
    refused = run_here("enhance", dark_dng, dark_dng, "--model", model_folder, *several)
    assert (refused.returncode, (tmp_path / "many").exists()) == (2, False)
    assert not {"a.jpg", "a.png", "map.jpg"} & {path.name for path in tmp_path.iterdir()}


def test_what_is_not_there_takes_no_name_from_another(dark_dng: Path, model_folder: Path, tmp_path: Path) -> None:
    gone, there = tmp_path / "gone" / dark_dng.name, dark_dng
    done = run_here("enhance", gone, there, gone, "-o", tmp_path, "--model", model_folder, "--json")
    assert done.returncode == 1, done.stderr
    found = json.loads(done.stdout)
    assert [failure["error"] for failure in found["failed"]] == [f"{gone}: no such file; check the path."] * 2
    assert [Path(made["file"]) for made in found["files"]] == [there]


def test_an_interrupt_tells_what_was_made(dark_dng: Path, model_folder: Path, tmp_path: Path, monkeypatch) -> None:
    sources = [tmp_path / f"{number}.dng" for number in range(4)]
    for source in sources:
        source.write_bytes(dark_dng.read_bytes())
    enhance = Enhancer.enhance

    def interrupted(enhancer: Enhancer, source: Path, *more: object):
        if source == sources[2]:
            signal.raise_signal(signal.SIGINT)
        return enhance(enhancer, source, *more)

    monkeypatch.setattr(Enhancer, "enhance", interrupted)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background ignores it
    done = CliRunner().invoke(app, ["enhance", *map(str, sources), "--model", str(model_folder), "--json", "--quiet"])
    signal.signal(signal.SIGINT, before)
    assert (done.exit_code, done.stderr) == (130, "darkdiff: interrupted\n")
    assert [made["output"] for made in json.loads(done.stdout)["files"]] == [
        str(tmp_path / "0_darkdiff.jpg"),
        str(tmp_path / "1_darkdiff.jpg"),
    ]
    assert len(list(tmp_path.glob("*.jpg"))) == 2
