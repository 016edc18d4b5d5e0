"""`darkdiff bench train` as a user runs it."""

import json
from pathlib import Path

import pytest

from tests.cli.test_bench import bench

# Accelerate keeps one device and one precision a process, and other tests need the CPU and fp32.
WORDS = ("train", "--recipe", "tiny-debug", "--device", "cpu", "--precision", "fp32", "--workers", 0, "--quiet")


def test_both_stages_are_timed_and_nothing_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = bench(*WORDS, "--steps", 1, "--json")
    assert done.exit_code == 0, done.stderr
    found = json.loads(done.stdout)["training"]
    assert [one["stage"] for one in found] == ["stage1", "stage2"]
    for one in found:
        assert one["images_per_second"] == pytest.approx(2 / one["seconds"])
        assert one["teraflops"] == pytest.approx(one["step_teraflop"] / one["seconds"])
        assert set(one["seconds_by_part"]) == {"data", "gradients", "optimiser", "rest"}
        assert set(one["gigabytes"]) == {"weights", "gradients", "optimiser", "averages"}
    assert list(tmp_path.iterdir()) == []


def test_given_data_and_a_finished_model_are_what_trains(tmp_path: Path, photograph) -> None:
    import imageio.v3 as iio

    for name in ("a", "b"):
        iio.imwrite(tmp_path / f"{name}.png", (photograph * 255).astype("uint8"))
    widths = "stage0.autoencoder_shape.block_out_channels=[32, 64, 128, 192]"  # the model's
    words = ("--stage", 1, "--start", "tiny", "--data", f"photos:{tmp_path}", "--steps", 1, "--set", widths)
    done = bench(*WORDS, *words)
    assert done.exit_code == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith("tiny-debug on cpu in ")
    assert lines[0].endswith("from tiny")
    assert lines[1] == "stage1: 2 images of 32 pixels a step, in 1 part"
    assert lines[2].split()[:2] == ["stage", "images/s"]
    assert lines[3].split()[0] == lines[5].split()[0] == "stage1"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--recipe", "huge"), "huge: no such recipe"),
        (("--data", "films:here"), "--data films:here: must be one of"),
        (("--data", "photos:nowhere"), "nowhere: no such folder of photographs"),
        (("--base", "a", "--start", "b"), "--base and --start: give one of them."),
        (("--start", "nowhere/at/all"), "--start: no model"),
        (("--precision", "fp8"), "--precision fp8: must be one of"),
        (("--stage", "sid-unet", "--recipe", "paper-sid-debug"), "has no regression baseline"),
    ],
)
def test_wrong_words_are_one_sentence(words: tuple[object, ...], sentence: str) -> None:
    done = bench(*WORDS, *words)
    assert done.exit_code == 2
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
