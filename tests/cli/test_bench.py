"""`darkdiff bench` as a user runs it, on small scenes and a toy model."""

import csv
import json
import re

import imageio.v3 as iio
import numpy as np
import pytest
from typer.testing import CliRunner

from darkdiff_cli.app import app
from darkdiff_cli.colour import srgb_decode
from darkdiff_cli.commands.bench.lineup import Lineup, told_apart
from darkdiff_cli.errors import SettingsError
from darkdiff_cli.evaluation.methods.models import WithoutDiffusion
from darkdiff_cli.evaluation.protocols.protocol import get_protocol
from darkdiff_cli.evaluation.sample import night_scene, write_sample
from darkdiff_cli.synthesis import mosaic_of, sensor_light, write_dng

METRICS = {"psnr", "ssim", "colour"}


def bench(*arguments: object):
    return CliRunner().invoke(app, ["bench", *map(str, arguments)])


@pytest.fixture(scope="module")
def scenes(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scenes")
    write_sample(folder, night_scene()[240:432, 60:316])  # a part, for speed
    return folder


def test_methods_side_by_side_with_report(scenes, model_folder, lpips, tmp_path) -> None:
    report = tmp_path / "bench.html"
    done = bench("quality", "--data", f"scenes:{scenes}", "--model", model_folder, "--steps", 1, "--steps", 2,
                 "--baseline", "amplify", "--baseline", "stage1", "--ceiling", "clean-latents",
                 "--ceiling", "best-matrix", "--ceiling", "clean-input", "--ceiling", "zeroed-latents",
                 "--lpips", lpips, "-o", tmp_path / "out", "--report", report)  # fmt: skip
    assert done.exit_code == 0, done.stderr
    assert done.stdout.startswith("scenes v2: every NAME_xN beside its NAME_clean, 2 pairs; whole picture")
    found = json.loads(report.with_suffix(".json").read_text())
    methods = found["quality"]["methods"]
    assert list(methods) == ["toy steps 1", "toy steps 2", "toy stage1", "toy clean-latents", "toy best-matrix",
                             "toy clean-input", "toy zeroed-latents", "amplify"]  # fmt: skip
    assert all(METRICS | {"lpips"} == set(scores) for scores in methods.values())
    assert methods["toy best-matrix"]["colour"]["mean"] < methods["toy steps 2"]["colour"]["mean"]
    with report.with_suffix(".csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 8 * 2
    assert {row["protocol"] for row in rows} == {"scenes v2"}
    page = report.read_text()
    assert not re.search(r"""(src|href)=["'](?!data:)""", page)  # needs no network and no file beside it
    assert page.count('type="range"') == 2


@pytest.mark.slow
def test_what_stands_beside_a_model_has_its_views(scenes, model_folder, lpips, tmp_path) -> None:
    """One view is not compared with the mean of two."""
    done = bench("quality", "--data", f"scenes:{scenes}", "--model", model_folder, "--steps", 1, "--views", 1,
                 "--views", 2, "--baseline", "stage1", "--ceiling", "clean-latents", "--ceiling", "best-matrix",
                 "--lpips", lpips, "-o", tmp_path, "--json", "--quiet")  # fmt: skip
    assert done.exit_code == 0, done.stderr
    methods = json.loads(done.stdout)["quality"]["methods"]
    assert list(methods) == [
        "toy steps 1 views 1", "toy steps 1 views 2", "toy stage1 views 1", "toy stage1 views 2",
        "toy clean-latents views 1", "toy clean-latents views 2", "toy views 1 best-matrix", "toy views 2 best-matrix",
    ]  # fmt: skip
    scores = [method["psnr"]["mean"] for method in methods.values()]
    assert all(one != two for one, two in zip(scores[::2], scores[1::2], strict=True))


def test_a_second_run_goes_on_and_bad_pairs_do_not_end_it(scenes, model_folder, lpips, tmp_path) -> None:
    folder = tmp_path / "scenes"
    folder.mkdir()
    for path in scenes.iterdir():
        (folder / path.name).symlink_to(path)
    (folder / "broken_clean.dng").write_bytes(b"nothing")
    (folder / "broken_x100.dng").write_bytes(b"nothing")
    (folder / "alone_x100.dng").write_bytes(b"nothing")
    words = ("quality", "--data", f"scenes:{folder}", "--model", model_folder, "--baseline", "amplify",
             "--lpips", lpips, "-o", tmp_path / "out", "--json")  # fmt: skip
    first = bench(*words)
    assert first.exit_code == 1
    assert "broken_x100.dng" in first.stderr
    assert f"darkdiff: {folder}: 1 raw is in no pair and is left out: alone_x100.dng.\n" in first.stderr
    ledger = tmp_path / "out" / "scores.jsonl"
    lines = ledger.read_text()
    assert len(lines.splitlines()) == 4
    ledger.write_text(lines[:-20])  # the power went while the last line was written
    second = bench(*words)
    again = ledger.read_text().splitlines()
    assert len(again) == 5
    assert (
        json.loads(first.stdout)["quality"]["methods"].keys() == json.loads(second.stdout)["quality"]["methods"].keys()
    )
    scores = [
        {(r["method"], r["scene"]): r["scores"] for r in json.loads(d.stdout)["quality"]["rows"]}
        for d in (first, second)
    ]
    assert scores[0] == scores[1]


def test_a_run_without_lpips_is_scored_again_with_it(scenes, model_folder, lpips, tmp_path, monkeypatch) -> None:
    from darkdiff_cli import weights

    monkeypatch.setattr(weights, "_download", _offline)
    words = ("quality", "--data", f"scenes:{scenes}", "--model", model_folder, "-o", tmp_path / "out", "--json")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    without = json.loads(bench(*words).stdout)["quality"]["methods"]["toy"]
    within = json.loads(bench(*words, "--lpips", lpips).stdout)["quality"]["methods"]["toy"]
    assert "lpips" not in without
    assert within["lpips"]["count"] == 2
    assert within["psnr"] == without["psnr"]


def test_methods_keep_their_order_whatever_an_earlier_run_scored(scenes, model_folder, tmp_path, lpips) -> None:
    words = ("quality", "--data", f"scenes:{scenes}", "--model", model_folder, "--lpips", lpips, "--json",
             "-o", tmp_path / "out", "--quiet", "--baseline", "amplify")  # fmt: skip
    assert bench(*words, "--steps", 1).exit_code == 0
    again = json.loads(bench(*words, "--steps", 2).stdout)["quality"]
    assert list(again["methods"]) == ["toy steps 2", "amplify"]
    assert all(line.startswith("toy steps 2 - amplify") for line in again["paired"])


def test_tiles_in_place_of_the_whole_image_are_said_once_and_by_a_resumed_run(
    shoot, model_folder, lpips, tmp_path, monkeypatch
) -> None:
    scenes = tmp_path / "small"
    for name in ("a", "b"):
        shoot(scenes / f"{name}_clean.dng", 1.0, 1.0)
        shoot(scenes / f"{name}_x100.dng", 100.0, 0.1)
    monkeypatch.setattr("darkdiff_models.tiling.planner.room", lambda _device: 1000)
    words = ("quality", "--data", f"scenes:{scenes}", "--model", model_folder, "--tile", 0, "--steps", 1,
             "--lpips", lpips, "--quiet")  # fmt: skip
    note = "the whole image does not fit into memory at once, so it is denoised in tiles of 16x16 latents"
    said = [f"darkdiff: toy steps 1, 2 of its pictures: {note}."]
    for _ in range(2):
        assert bench(*words, "-o", tmp_path / "out").stderr.splitlines() == said
    monkeypatch.undo()
    assert bench(*words, "-o", tmp_path / "other").stderr == ""


def test_models_of_one_name_are_told_apart() -> None:
    assert told_apart(["stage2", "stage2", "tiny"], ["runs/a/stage2", "runs/b/stage2", "tiny"]) == [
        "a/stage2", "b/stage2", "tiny",
    ]  # fmt: skip
    assert told_apart(["stage2"] * 2, ["x/run/stage2", "y/run/stage2"]) == ["x/run/stage2", "y/run/stage2"]
    assert told_apart(["stage2"], ["runs/a/stage2"]) == ["stage2"]
    with pytest.raises(SettingsError, match="given twice"):
        told_apart(["stage2", "stage2"], ["a/stage2", "a/stage2"])


@pytest.fixture
def truths(sensor, capture, tmp_path):
    """A raw of the night scene, sixteen times too dark, and the picture of its truth."""
    truth = night_scene()[240:432, 60:316]
    mosaic = mosaic_of(sensor_light(srgb_decode(truth), sensor), sensor.cfa, sensor.black, sensor.white)
    dark = sensor.black + (mosaic - sensor.black) / 16
    folder = tmp_path / "truths"
    folder.mkdir()
    write_dng(folder / "night_x16.dng", np.rint(dark).astype(np.uint16), sensor, capture)
    iio.imwrite(folder / "night_truth.png", np.rint(truth * 255).astype(np.uint8))
    return folder


def test_full_size_against_a_truth(truths, model_folder, lpips, tmp_path) -> None:
    words = ("quality", "--data", f"scenes:{truths}", "--model", model_folder, "--steps", 1, "--lpips", lpips,
             "-o", tmp_path / "out", "--json", "--quiet")  # fmt: skip
    done = bench(*words, "--protocol", "full-scenes", "--baseline", "libraw", "--baseline", "stage1")
    assert done.exit_code == 0, done.stderr
    found = json.loads(done.stdout)["quality"]
    assert found["protocol"].startswith("full-scenes v1: every NAME_xN beside its NAME_truth, 1 pair;")
    enlarged = "1 of its pictures: they have half the size and were enlarged."
    assert found["notes"] == [f"toy steps 1, {enlarged}", f"toy stage1, {enlarged}"]
    halved = bench(*words, "--protocol", "full-scenes-halved", "--baseline", "libraw")
    assert halved.stderr == ""
    at_half = json.loads(halved.stdout)["quality"]["methods"]
    assert at_half["libraw"]["psnr"]["mean"] > found["methods"]["libraw"]["psnr"]["mean"] > 30
    refused = bench(*words, "--protocol", "full-scenes", "--ceiling", "clean-latents", "--ceiling", "best-matrix")
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert refused.stderr == (
        "darkdiff: toy clean-latents, toy best-matrix: needs the clean raws, and the pairs of full-scenes have "
        "pictures of the truth instead; leave it out.\n"
    )


@pytest.mark.parametrize(
    ("protocol", "size"),
    [("scenes", "paper"), ("full-scenes", None), ("full-scenes-halved", None), ("full-sid-x100-test", None)],
)
def test_models_make_their_own_size_where_full_ones_count(protocol: str, size: str | None, model_folder) -> None:
    methods = Lineup([str(model_folder)], ceilings=("best-matrix",)).methods(get_protocol(protocol), 0, "cpu")
    model, matched = methods
    assert model.settings.sampling.size == matched.method.settings.sampling.size == size
    assert matched.size == get_protocol(protocol).size


@pytest.mark.parametrize(
    ("name", "protocol", "registered"),
    [("tiny", "full-scenes", True), ("tiny", "scenes", False), ("toy", "full-scenes", False)],
)
def test_what_stands_beside_a_model_sees_the_same_colours(name, protocol, registered, model_folder) -> None:
    model = str(model_folder) if name == "toy" else name
    [_, stage1] = Lineup([model], baselines=("stage1",)).methods(get_protocol(protocol), 0, "cpu")
    assert isinstance(stage1, WithoutDiffusion)
    assert stage1.register_colours == registered


def _offline(url: str):
    raise FileNotFoundError(f"{url}: cannot be downloaded (no connection)")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--protocol", "sid"), "no such protocol"),
        (("--protocol", "sid-x300-test"), "scores sid:DIR"),
        (("--baseline", "magic"), "must be one of amplify, libraw, bm3d, stage1, sid-unet=FOLDER"),
        (("--baseline", "sid-unet=nowhere"), "holds no sid-unet"),
        (("--external", "convert"), "must name {in} and {out}"),
        (("--lpips", "nowhere.safetensors"), "LPIPS weights"),
    ],
)
def test_wrong_words_are_one_sentence(scenes, words, sentence, tmp_path) -> None:
    done = bench("quality", "--data", f"scenes:{scenes}", "-o", tmp_path / "out", *words)
    assert done.exit_code == 2
    assert sentence in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_sample_scene_is_dark_colourful_and_the_same_every_time() -> None:
    scene = night_scene()
    assert scene.shape == (576, 832, 3)
    assert (scene == night_scene()).all()
    assert 0.15 < scene.mean() < 0.4
    assert scene.max() > 0.95
