"""`darkdiff batch` on several devices and on Ray, its page, and what it does when memory or the disk runs out."""

import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest

from darkdiff_cli.batch import place
from darkdiff_cli.batch.album.previews import FOLDER
from darkdiff_cli.batch.claims import Task
from darkdiff_cli.batch.engines.devices import parse_devices
from darkdiff_cli.batch.jobs import find_jobs
from darkdiff_cli.batch.ledger import NAME
from darkdiff_cli.batch.settings import WorkerSettings
from darkdiff_cli.batch.worker import Worker
from darkdiff_cli.commands.batch_options import PAGE
from darkdiff_cli.enhancer import EnhanceSettings
from darkdiff_cli.errors import MemoryLimitError
from darkdiff_cli.raw import ExposureSettings
from darkdiff_models import SamplingSettings
from tests.cli.test_batch import darkdiff, entries, photos, words


def shots(folder: Path, shoot, count: int) -> Path:
    for number in range(count):
        shoot(folder / f"IMG_{number:02d}.dng", 100.0, 0.1 + 0.02 * number)
    return folder


def start(*arguments: object) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "darkdiff_cli", *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def descendant(process: "subprocess.Popen[str]", like: str, done: Path) -> psutil.Process:
    """A process below another whose title holds some words, once the first photo is there."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        if done.exists() and photos(done):
            for child in psutil.Process(process.pid).children(recursive=True):
                if like in " ".join(child.cmdline()):
                    return child
        time.sleep(0.01)
    raise AssertionError(f"no process like {like}: {process.communicate()}")


def test_two_devices_share_the_work_and_one_may_die(tmp_path, shoot, model_folder) -> None:
    folder = shots(tmp_path / "night", shoot, 8)
    straight = words(folder, model_folder, "-o", tmp_path / "straight", "--device", "cpu", "--quiet")
    assert darkdiff(*straight).exit_code == 0
    output = tmp_path / "shared"
    with start(*words(folder, model_folder, "-o", output, "--devices", "cpu,cpu", "--json")) as process:
        descendant(process, "spawn_main", output).send_signal(signal.SIGKILL)
        answer, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    assert photos(output) == photos(tmp_path / "straight")
    assert sorted(entry["source"] for entry in entries(output)) == [f"IMG_{n:02d}.dng" for n in range(8)]
    assert {p.name for p in output.iterdir()} == {NAME, PAGE, FOLDER, *photos(output)}
    assert not json.loads(answer)["failed"]


@pytest.mark.slow
def test_a_lost_ray_worker_is_replaced_and_every_photo_made_once(tmp_path, shoot, model_folder) -> None:
    pytest.importorskip("ray", reason="Ray is not installed (extra `ray`)")
    folder = shots(tmp_path / "night", shoot, 16)
    (folder / "IMG_05.dng").write_bytes(b"no raw at all")
    assert darkdiff(*words(folder, model_folder, "-o", tmp_path / "straight", "--quiet")).exit_code == 1
    output = tmp_path / "ray"
    with start(*words(folder, model_folder, "-o", output, "--engine", "ray", "--workers", 2, "--json")) as process:
        descendant(process, "ray::RayWorker", output).send_signal(signal.SIGKILL)
        answer, errors = process.communicate(timeout=300)
    assert process.returncode == 1, errors
    assert photos(output) == photos(tmp_path / "straight")
    assert sorted(entry["source"] for entry in entries(output)) == [f"IMG_{n:02d}.dng" for n in range(16)]
    assert [entry["source"] for entry in json.loads(answer)["failed"]] == ["IMG_05.dng"]
    assert {p.name for p in output.iterdir()} == {NAME, PAGE, FOLDER, *photos(output)}
    again = darkdiff(*words(folder, model_folder, "-o", output, "--json"))  # what Ray did, this machine knows
    assert (json.loads(again.stdout)["done"], json.loads(again.stdout)["skipped"]) == ([], 16)


def test_the_page_goes_where_it_is_wanted_and_says_why_not(tmp_path, shoot, model_folder) -> None:
    folder, report = shots(tmp_path / "night", shoot, 2), tmp_path / "page.html"
    assert darkdiff(*words(folder, model_folder, "--report", report, "--quiet")).exit_code == 0
    text = report.read_text()
    assert text.count('href="night/darkdiff/IMG_0') == 4
    assert not (folder / "darkdiff" / PAGE).exists()
    wrong = darkdiff(*words(folder, model_folder, "--report", tmp_path / "nowhere" / "page.html"))
    assert (wrong.exit_code, "--report" in wrong.stderr) == (2, True)


def test_a_page_that_cannot_be_written_hides_no_result(tmp_path, shoot, model_folder) -> None:
    folder = shots(tmp_path / "night", shoot, 2)
    (folder / "darkdiff" / PAGE).mkdir(parents=True)
    done = darkdiff(*words(folder, model_folder))
    assert done.exit_code == 1
    assert len(done.stdout.splitlines()) == 2
    assert f"{PAGE}: cannot be written" in done.stderr
    assert "Traceback" not in done.stderr


def test_out_of_memory_is_tried_once_more_with_half_the_tile(dark_dng, model_folder, tmp_path, monkeypatch) -> None:
    job = find_jobs(dark_dng.parent, tmp_path / "out", ".jpg")[0]
    picture = EnhanceSettings(ExposureSettings(ratio=100.0), SamplingSettings(tile=16))
    settings = WorkerSettings(str(model_folder), picture, 60.0)
    with Worker(settings) as worker:
        whole, tiles = worker.enhancer.run_networks, []

        def scarce(seen, chosen, report=None):
            tiles.append(chosen.sampling.tile)
            if chosen.sampling.tile > limit:
                raise MemoryLimitError("too large", chosen.sampling.tile // 2)
            return whole(seen, chosen, report)

        monkeypatch.setattr(worker.enhancer, "run_networks", scarce)
        limit = 8
        made = worker.run_networks(worker.decode(Task(job, "key")))
        assert tiles == [16, 8]
        assert np.isfinite(made.output.srgb).all()
        limit = 4
        with pytest.raises(MemoryLimitError):
            worker.run_networks(worker.decode(Task(job, "key")))
        assert worker.write(Task(job, "key"), MemoryLimitError("too large")).entry.status == "failed"


def test_what_a_photo_waits_for_others_is_no_work_on_it(dark_dng, model_folder, tmp_path) -> None:
    """On a clock where each look at it takes a second, and the photo waits a hundred between its steps."""
    [job], now = find_jobs(dark_dng.parent, tmp_path / "out", ".jpg"), 0.0

    def clock() -> float:
        nonlocal now
        now += 1.0
        return now

    job.root.mkdir()
    settings = WorkerSettings(str(model_folder), EnhanceSettings(ExposureSettings(ratio=100.0)), 60.0)
    with Worker(settings, clock) as worker:
        task = Task(job, "key")
        decoded = worker.decode(task)
        now += 100
        made = worker.run_networks(decoded)
        now += 100
        assert worker.write(task, made).entry.seconds == 3.0


def test_a_full_disk_stops_the_run_and_nothing_is_recorded(tmp_path, shoot, model_folder, monkeypatch) -> None:
    folder = shots(tmp_path / "night", shoot, 3)
    monkeypatch.setattr(place, "LOW", 1 << 62)  # this disk has room: a limit on files stands in for the end
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        done = darkdiff(*words(folder, model_folder))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert done.exit_code == 1
    assert "the disk is full; free some space and run the batch again" in done.stderr
    assert "Traceback" not in done.stderr
    assert not photos(folder / "darkdiff")
    assert not [path for path in (folder / "darkdiff").rglob("*") if path.is_file()]
    assert darkdiff(*words(folder, model_folder)).exit_code == 0
    assert len(photos(folder / "darkdiff")) == 3


def test_devices_are_a_list_or_all_gpus() -> None:
    assert parse_devices("auto") == ["auto"]
    assert parse_devices("cuda:0, cuda:2") == ["cuda:0", "cuda:2"]
    assert all(device == "auto" or device.startswith("cuda:") for device in parse_devices("all"))


def test_wrong_places_are_one_sentence(tmp_path, shoot, model_folder) -> None:
    folder = shots(tmp_path / "night", shoot, 1)
    for arguments, sentence in (
        (("--workers", 2), "belong to --engine ray"),
        (("--devices", "warp,warp"), "warp"),
        (("--engine", "ray", "--devices", "all"), "belongs to --engine local"),
        (("--model", tmp_path / "none", "--devices", "cpu,cpu"), "none"),
    ):
        done = darkdiff(*words(folder, model_folder, *arguments))
        assert done.exit_code == 2, done.stderr
        assert sentence in done.stderr
        assert "Traceback" not in done.stderr
    assert os.listdir(folder) in (["IMG_00.dng"], ["IMG_00.dng", "darkdiff"], ["darkdiff", "IMG_00.dng"])
