"""`darkdiff bench speed` as a user runs it."""

import importlib.util
import json

import pytest

from darkdiff_cli.evaluation.speed import arithmetic, device
from darkdiff_cli.evaluation.speed.results import STAGES
from tests.cli.test_bench import bench


@pytest.fixture(autouse=True)
def _count_on_a_small_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    """The toy's latents are half as large as its picture: attention within a whole one takes long.

    The processor's best product is not what these tests are about.
    """
    monkeypatch.setattr(arithmetic, "SIDE", 64)
    monkeypatch.setattr(device, "SIDE", {"cpu": 64})


def test_speed_counts_every_stage(model_folder, tmp_path) -> None:
    report = tmp_path / "speed.html"
    done = bench(
        *("speed", "--model", model_folder, "--device", "cpu", "--size", 0.01, "--size", 0.02),
        *("--repeats", 1, "--json", "--report", report),
    )
    assert done.exit_code == 0, done.stderr
    found = json.loads(done.stdout)["speed"]
    assert [timing["megapixels"] for timing in found["timings"]] == [0.01, 0.02]
    for timing in found["timings"]:
        assert set(timing["seconds"]) == {
            "read",
            "develop",
            "encode",
            "context",
            "denoise",
            "decode",
            "detail",
            "finish",
            "write",
        }
        assert all(seconds >= 0 for seconds in timing["seconds"].values())
    assert found["teraflop_per_megapixel"] > 0
    assert "toy on cpu" in report.read_text()


def test_speed_says_on_which_tiles(model_folder) -> None:
    words = ("speed", "--model", model_folder, "--device", "cpu", "--size", 0.06, "--repeats", 1, "--steps", 1)
    timing = json.loads(bench(*words, "--json").stdout)["speed"]["timings"][0]
    said = bench(*words, "--tile", 0).stdout.splitlines()[-2:]
    # 100 x 150 pixels of LRGB are with their margin 42 x 54 latents of the toy.
    cover = {name: timing[name] for name in ("tiles", "tile_height", "tile_width", "tiles_per_call")}
    assert cover == {"tiles": 6, "tile_height": 24, "tile_width": 22, "tiles_per_call": 6}
    assert timing["computed"] == 6 * 24 * 22 / (42 * 54)
    assert said[0].split() == ["MP,", "denoiser", "tiles", "latents", "each", "times", "computed", "tiles", "a", "call"]
    assert said[1].split() == ["0.06", "1", "42x54", "1.00", "1"]


def test_controlnet_is_timed_beside_or_asked_for() -> None:
    done = bench("speed", "--size", 0.02, "--repeats", 1, "--steps", 1, "--beside", "controlnet", "--json")
    if importlib.util.find_spec("transformers") is None:
        assert done.exit_code == 2
        assert "needs transformers: pip install 'darkdiff[convert]'" in done.stderr
    else:
        assert done.exit_code == 0, done.stderr
        assert json.loads(done.stdout)["speed"]["timings"][0]["controlnet"] > 0
    assert "must be controlnet" in bench("speed", "--beside", "img2img").stderr


def test_speed_takes_a_precision_and_measures_every_stage(model_folder) -> None:
    words = ("speed", "--model", model_folder, "--size", 0.02, "--repeats", 1, "--steps", 1, "--json", "--quiet")
    words += ("--device", "cpu")
    found = json.loads(bench(*words, "--precision", "bf16").stdout)["speed"]
    assert found["precision"] == "bfloat16"
    timing = found["timings"][0]
    assert set(timing["gigabytes"]) == set(timing["seconds"]) == set(STAGES)
    assert all(0.05 < value < 100 for stage, value in timing["gigabytes"].items() if stage != "detail")
    assert (found["size"], timing["seconds"]["detail"]) == ("paper", 0.0)  # this model has no Detail
    wrong = bench(*words, "--precision", "fp8")
    assert (wrong.exit_code, "fp32, bf16, fp16" in wrong.stderr) == (2, True)


def test_speed_times_the_full_size_of_a_model_that_has_it() -> None:
    words = ("speed", "--size", 0.02, "--repeats", 1, "--views", 1, "--json", "--quiet")
    full, paper = (json.loads(bench(*words, "--picture", size).stdout)["speed"] for size in ("full", "paper"))
    assert (full["size"], paper["size"]) == ("full", "paper")
    assert full["timings"][0]["seconds"]["detail"] > 0
    assert paper["timings"][0]["seconds"]["detail"] == 0
    assert full["teraflop_per_megapixel"] > 1.05 * paper["teraflop_per_megapixel"]


def test_speed_says_and_counts_the_views_that_were_made() -> None:
    words = ("speed", "--size", 0.02, "--repeats", 1, "--json", "--quiet", "--device", "cpu")
    planned, two = (json.loads(bench(*words, *more).stdout)["speed"] for more in ((), ("--views", 2)))
    assert (planned["views"], two["views"]) == (1, 2)  # the raw is dark
    assert two["teraflop_per_megapixel"] > 1.05 * planned["teraflop_per_megapixel"]


def test_photos_in_a_batch_are_counted_without_the_first(model_folder, tmp_path) -> None:
    report = tmp_path / "speed.html"
    words = ("speed", "--model", model_folder, "--device", "cpu", "--size", 0.02, "--repeats", 1, "--steps", 1)
    done = bench(*words, "--batch", 2, "--report", report)
    assert done.exit_code == 0, done.stderr
    flow = json.loads(report.with_suffix(".json").read_text())["speed"]["timings"][0]["flow"]
    assert flow["photos"] == 2
    assert set(flow["work"]) == {"decode", "networks", "write"}
    assert min(flow["work"].values()) > 0
    assert 0 < flow["share_busy"] <= 1
    assert flow["photos_a_minute"] == 120 / flow["seconds"]
    head, row = done.stdout.splitlines()[-2:]
    assert head.startswith("MP, in a batch  photos a minute  networks busy")
    assert row.split()[:2] == ["0.02", f"{flow['photos_a_minute']:.2f}"]
    assert f"<td>{flow['photos_a_minute']:.2f}</td>" in report.read_text()


@pytest.mark.parametrize("size", ["inf", "1e308", "1001", "nan", "0", "-3"])
def test_a_sensor_of_no_size_is_a_sentence(size: str) -> None:
    done = bench("speed", "--size", size)
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith("darkdiff: --size: must be ")
    assert done.stderr.count("\n") == 1
