"""`batch --watch` as a user runs it: raws arrive, one of them slowly; Ctrl-C ends it."""

import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from darkdiff_cli.app import app


def until(there: Path, process: "subprocess.Popen[str]") -> None:
    deadline = time.monotonic() + 120
    while not there.exists():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline, f"{there} did not come"
        time.sleep(0.1)


def test_raws_are_done_as_they_arrive_and_a_half_copied_one_waits(tmp_path: Path, shoot, model_folder: Path) -> None:
    folder, card = tmp_path / "night", tmp_path / "card"
    first, second = shoot(folder / "first.dng", 100.0, 0.1), shoot(card / "second.dng", 150.0, 0.1)
    broken = card / "broken.dng"
    broken.write_bytes(first.read_bytes()[:300])
    whole, photos = second.read_bytes(), folder / "darkdiff"
    words = ["batch", folder, "--watch", "--model", model_folder, "--ratio", "100", "--device", "cpu"]
    command = [sys.executable, "-m", "darkdiff_cli", *map(str, words)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        until(photos / "first_darkdiff.jpg", process)  # what was there before
        with (folder / "second.dng").open("wb") as copy:
            for _ in range(4):  # longer than a file must rest
                copy.write(whole[:1000])
                copy.flush()
                time.sleep(1.2)
            assert not (photos / "second_darkdiff.jpg").exists()
            copy.seek(0)
            copy.write(whole)
            copy.truncate()
        until(photos / "second_darkdiff.jpg", process)
        shutil.copy(broken, folder / "third.dng")
        deadline = threading.Timer(60, process.kill)
        deadline.start()
        said = [process.stderr.readline() for _ in range(2)]  # before the end, or the test does not come to it
        assert said[0] == "waiting for raws; Ctrl-C ends the batch\n"
        assert said[1].startswith(f"darkdiff: {folder / 'third.dng'}: ")
        deadline.cancel()
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 1, stderr  # the broken one
    assert [Path(line).name for line in stdout.splitlines()] == ["first_darkdiff.jpg", "second_darkdiff.jpg"]
    assert "third.dng" not in stderr  # once is enough
    assert "2 done, 1 failed, 0 skipped" in stderr
    assert "Traceback" not in stderr
    assert sorted(path.name for path in photos.iterdir() if path.suffix == ".jpg") == [
        "first_darkdiff.jpg",
        "second_darkdiff.jpg",
    ]


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        (("--dry-run",), "--dry-run does not go with it"),
        (("--lock-exposure",), "--lock-exposure does not go with it"),
        (("--devices", "cpu,cpu"), "--watch works on one device"),
    ],
)
def test_what_does_not_go_with_a_watch_is_said(tmp_path: Path, more: tuple[str, ...], sentence: str) -> None:
    done = CliRunner().invoke(app, ["batch", str(tmp_path), "--watch", *more])
    assert done.exit_code == 2
    assert sentence in done.stderr
