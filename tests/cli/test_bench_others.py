"""`darkdiff bench quality` with other people's programs and pictures beside the models."""

import json
import sys
from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pytest
from typer.testing import CliRunner

from darkdiff_cli.app import app
from darkdiff_cli.evaluation.sample import night_scene, write_sample
from darkdiff_cli.raw import read_raw, render_reference

CONVERTER = (
    "import sys, imageio.v3 as iio, numpy as np\n"
    "from darkdiff_cli.raw import develop, read_raw\n"
    "from darkdiff_cli.colour import srgb_encode\n"
    "pixels = develop(read_raw(sys.argv[1]), float(sys.argv[3])).pixels * 0.25\n"  # its taste: two stops darker
    "iio.imwrite(sys.argv[2], (srgb_encode(pixels) * 65535).astype(np.uint16))\n"
)
OWN = "judged against this program's own picture of the clean raw"


def bench(scenes: Path, output: Path, *words: object):
    return CliRunner().invoke(
        app, ["bench", "quality", "--data", f"scenes:{scenes}", "-o", str(output), "--json", *map(str, words)]
    )


@pytest.fixture(scope="module")
def scenes(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("scenes")
    write_sample(folder, night_scene()[240:432, 60:316])  # a part, for speed
    return folder


@pytest.fixture
def beside(model_folder, lpips) -> tuple[object, ...]:
    return "--model", model_folder, "--steps", 1, "--lpips", lpips


def test_another_program_is_judged_against_its_own_rendering_or_the_protocols(scenes, beside, tmp_path) -> None:
    script = tmp_path / "converter.py"
    script.write_text(CONVERTER)
    words = (*beside, "--baseline", "amplify", "--external", f"{sys.executable} {script} {{in}} {{out}} {{ratio}}")
    done = bench(scenes, tmp_path / "out", *words)
    assert done.exit_code == 0, done.stderr
    methods = json.loads(done.stdout)["quality"]["methods"]
    name = next(method for method in methods if method.startswith("python"))
    assert methods[name]["psnr"]["mean"] > methods["amplify"]["psnr"]["mean"]
    assert f"{name}, 2 of its pictures: {OWN}." in done.stderr

    same = bench(scenes, tmp_path / "out", *words, "--external-reference", "protocol")  # what was scored is not reused
    assert same.exit_code == 0, same.stderr
    against = json.loads(same.stdout)["quality"]
    assert against["methods"][name]["psnr"]["mean"] < methods["amplify"]["psnr"]["mean"]  # two stops are an error now
    assert OWN not in same.stderr


def test_a_program_that_fails_costs_its_own_scores_alone(scenes, beside, tmp_path) -> None:
    failing = bench(scenes, tmp_path / "out", *beside, "--external", "false {in} {out}")
    assert failing.exit_code == 1
    assert "false made no picture" in failing.stderr
    assert list(json.loads(failing.stdout)["quality"]["methods"]) == ["toy steps 1"]


def test_finished_pictures_are_scored_by_the_protocol(scenes, beside, tmp_path) -> None:
    """The reference itself, but for 16 bits of it, and one picture less than there are pairs."""
    folder = tmp_path / "by hand"
    folder.mkdir()
    clean = next(scenes.glob("*_clean.dng"))
    first, second = sorted(path for path in scenes.glob("*.dng") if path != clean)
    iio.imwrite(
        folder / f"{first.stem}.tif", np.rint(render_reference(read_raw(clean), True) * 65535).astype(np.uint16)
    )
    done = bench(scenes, tmp_path / "out", *beside, "--pictures", folder, "--pictures", f"mine={folder}")
    assert done.exit_code == 1
    found = json.loads(done.stdout)["quality"]
    for name in ("by hand", "mine"):
        assert [row["scene"] for row in found["rows"] if row["method"] == name] == [first.stem]
        assert found["methods"][name]["psnr"]["mean"] > 90
    assert found["failures"] == [
        f"{second.stem}, {n}: {second}: {folder} holds no picture of it." for n in ("by hand", "mine")
    ]

    iio.imwrite(folder / f"{first.stem}.tif", np.zeros((96, 128, 3), np.uint8))  # made anew: not what was scored
    again = json.loads(bench(scenes, tmp_path / "out", *beside, "--pictures", folder).stdout)["quality"]
    assert again["methods"]["by hand"]["psnr"]["mean"] < 20


def test_two_pairs_are_too_few_for_an_interval(scenes, beside, tmp_path) -> None:
    found = json.loads(bench(scenes, tmp_path / "out", *beside, "--baseline", "amplify").stdout)["quality"]
    assert set(found["methods"]["amplify"]["psnr"]) == {"mean", "median", "count"}
    assert [line.rpartition("(")[2] for line in found["paired"]] == ["2 pairs, too few for a test)"] * 2


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--external", "a {in} {out}", "--external", "a -x {in} {out}"), "two of the methods are called a; "),
        (("--external", "bm3d=a {in} {out}", "--baseline", "bm3d"), "two of the methods are called bm3d; "),
        (("--steps", "4", "--steps", "4"), "two of the methods are called tiny steps 4; "),
        (("--external", "mine=a {in}"), "--external 'mine=a {in}': must name {in} and {out}."),
        (("--pictures", "mine=nowhere"), "--pictures mine=nowhere: nowhere is no folder."),
        (("--pictures", "."), "--pictures .: holds no picture of any of the dark raws; name each as its raw, such as "),
    ],
)
def test_wrong_words_are_one_sentence(scenes, words, sentence, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = bench(scenes, tmp_path / "out", *words)
    assert done.exit_code == 2
    assert sentence in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
