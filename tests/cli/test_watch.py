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
    """Of three copies one goes on slowly, one stands still until it is called unfinished, and one never ends."""
    folder, card = tmp_path / "night", tmp_path / "card"
    first, second = shoot(folder / "first.dng", 100.0, 0.1), shoot(card / "second.dng", 150.0, 0.1)
    whole, photos = second.read_bytes(), folder / "darkdiff"
    words = ["batch", folder, "--watch", "--model", model_folder, "--ratio", "100", "--device", "cpu"]
    command = [sys.executable, "-m", "darkdiff_cli", *map(str, words)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        until(photos / "first_darkdiff.jpg", process)  # what was there before
        for name in ("stalled", "broken"):
            (folder / f"{name}.dng").write_bytes(first.read_bytes()[:-100])
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
        deadline = threading.Timer(60, process.kill)
        deadline.start()
        said = sorted(process.stderr.readline() for _ in range(3))  # before the end, or the test does not come to it
        deadline.cancel()
        why = "is truncated or damaged (Unexpected end of file); it may not be whole yet, and is waited for."
        waited = [f"darkdiff: {folder / name}: {why}\n" for name in ("broken.dng", "stalled.dng")]
        assert said == [*waited, "waiting for raws; Ctrl-C ends the batch\n"]
        (folder / "stalled.dng").write_bytes(whole)
        until(photos / "stalled_darkdiff.jpg", process)
        shutil.copy(second, folder / "late.dng")
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 1, stderr  # the broken one
    made = ["first_darkdiff.jpg", "second_darkdiff.jpg", "stalled_darkdiff.jpg"]
    assert [Path(line).name for line in stdout.splitlines()] == made
    assert stderr.count("broken.dng: is truncated or damaged") == 1
    assert "stalled.dng" not in stderr
    assert "darkdiff: late.dng: was not done before the watch ended; run the batch again for it.\n" in stderr
    assert "3 done, 1 failed, 0 skipped" in stderr
    assert "Traceback" not in stderr
    assert sorted(path.name for path in photos.iterdir() if path.suffix == ".jpg") == made
    page = (photos / "darkdiff-report.html").read_text("utf-8")
    assert ("<b>broken.dng</b>" in page, "<b>stalled.dng</b>" in page) == (True, False)


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
