import json
import os
import signal
from pathlib import Path

import imageio.v3 as iio
import pytest
from typer.testing import CliRunner

from darkdiff_cli.app import app
from darkdiff_cli.decoder import Decoder
from darkdiff_cli.synthesis import Sensor
from tests.unit.raw.stack.bursts import SHAKE, scene, write_burst


@pytest.fixture(scope="module")
def burst(tmp_path_factory, sensor: Sensor, capture) -> list[Path]:
    lights = [scene(shift, shape=(96, 128)) for shift in SHAKE[:3]]
    return write_burst(tmp_path_factory.mktemp("burst"), lights, sensor, capture)


@pytest.fixture
def enhance(model_folder: Path):
    def run(*words: object):
        return CliRunner().invoke(app, ["enhance", "--model", str(model_folder), *map(str, words)])

    return run


def test_a_burst_becomes_one_photo_named_after_the_first(burst: list[Path], enhance) -> None:
    done = enhance(*burst, "--stack", "--ratio", "16", "--json")
    output = burst[0].parent / "IMG0_darkdiff.jpg"
    assert done.exit_code == 0, done.stderr
    assert sorted(output.parent.glob("*.jpg")) == [output]
    assert iio.imread(output).shape == (48, 64, 3)
    [result] = json.loads(done.stdout)["files"]
    assert (result["output"], result["frames"], result["ratio"]) == (str(output), 3, 16.0)
    assert done.stderr == "IMG0.dng: 3 frames, x16, 64x48, 2 steps\n"
    written = output.read_bytes()
    assert b'darkdiff:stacked="3"' in written
    assert b'darkdiff:seconds="3.0"' in written


def test_without_it_each_file_is_a_photo(burst: list[Path], enhance, tmp_path: Path) -> None:
    done = enhance(*burst[:2], "-o", tmp_path, "--ratio", "16", "--quiet")
    assert done.exit_code == 0, done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["IMG0_darkdiff.jpg", "IMG1_darkdiff.jpg"]
    assert not any(b"darkdiff:stacked" in path.read_bytes() for path in tmp_path.iterdir())


def test_a_stack_may_be_written_to_one_file(burst: list[Path], enhance, tmp_path: Path) -> None:
    done = enhance(*burst[:2], "--stack", "-o", tmp_path / "night.tif", "--ratio", "16", "--quiet")
    assert done.exit_code == 0, done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["night.tif"]


def test_a_frame_that_is_left_out_is_said(burst, enhance, sensor: Sensor, capture, tmp_path: Path) -> None:
    [other] = write_burst(tmp_path, [scene(shape=(96, 128), seed=1)], sensor, capture)
    other = other.rename(tmp_path / "other.dng")
    done = enhance(*burst[:2], other, "--stack", "-o", tmp_path / "a.jpg")
    assert done.exit_code == 0
    assert f"darkdiff: {burst[0]}: other.dng has too little in common with the first frame" in done.stderr
    assert "IMG0.dng: 2 frames" in done.stderr
    done = enhance(burst[0], other, "--stack", "-o", tmp_path / "b.jpg")
    assert done.exit_code == 2
    assert "none of 1 other frame can be stacked on it" in done.stderr
    assert not (tmp_path / "b.jpg").exists()


def test_frames_that_bring_the_decoder_down_are_left_out_and_said(burst, enhance, tmp_path: Path, monkeypatch) -> None:
    raws = [burst[0], *(tmp_path / f"{name}.dng" for name in ("crash", "hang", "swell")), burst[1]]
    for number, raw in enumerate(raws[1:4]):
        raw.write_bytes(burst[2].read_bytes() + bytes(number))  # no copies of one another
    run = Decoder.run

    def failing(self: Decoder, path: Path, *arguments):
        run(self, path, len, "")  # it is loaded
        if path.stem in ("crash", "hang"):  # as a segfault in LibRaw would, and a loop in it
            os.kill(self.process.pid, signal.SIGKILL if path.stem == "crash" else signal.SIGSTOP)
        with monkeypatch.context() as patch:
            patch.setattr(self, "timeout", 0.5 if path.stem == "hang" else 60)
            patch.setattr(self, "memory", 1 if path.stem == "swell" else self.memory)
            return run(self, path, *arguments)

    monkeypatch.setattr(Decoder, "run", failing)
    done = enhance(*raws, "--stack", "-o", tmp_path / "a.jpg", "--quiet")
    assert done.exit_code == 0, done.stderr
    reasons = {
        "crash": "brought the raw decoder down; copy it again from the card",
        "hang": "takes over 0.5 s to decode; copy it again from the card",
        "swell": "needs over 0.0 GB to decode; close other programs, or leave it out",
    }
    for name, reason in reasons.items():
        assert f"darkdiff: {burst[0]}: {name}.dng cannot be read and is left out: {reason}.\n" in done.stderr
    assert b'darkdiff:stacked="2"' in (tmp_path / "a.jpg").read_bytes()


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["IMG0.dng"], "--stack: needs two or more frames of one scene"),
        (["IMG0.dng", "IMG0.dng"], "IMG0.dng is named twice"),
        (["IMG0.dng", "none.dng"], "none.dng: "),
    ],
)
def test_wrong_use_is_one_sentence(names: list[str], words: str, burst, enhance, tmp_path: Path) -> None:
    done = enhance(*(burst[0].parent / name for name in names), "--stack", "-o", tmp_path / "a.jpg")
    assert done.exit_code == 2
    assert words in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_no_frame_is_overwritten(burst: list[Path], enhance) -> None:
    before = burst[1].read_bytes()
    target = burst[1].with_suffix(".tif")
    target.hardlink_to(burst[1])
    done = enhance(*burst, "--stack", "-o", target, "--overwrite")
    target.unlink()
    assert done.exit_code == 2
    assert "is one of the inputs" in done.stderr
    assert burst[1].read_bytes() == before
