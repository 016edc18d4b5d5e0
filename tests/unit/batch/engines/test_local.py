"""A batch in this process: what overlaps, on real workers that wait for each other."""

import os
from dataclasses import replace
from pathlib import Path
from threading import Event
from types import SimpleNamespace

import pytest

from darkdiff_cli.batch.claims import Task
from darkdiff_cli.batch.engines.local import work_through
from darkdiff_cli.batch.jobs import find_jobs
from darkdiff_cli.batch.ledger import Ledger
from darkdiff_cli.batch.plan import plan_batch
from darkdiff_cli.batch.run import BatchRun
from darkdiff_cli.batch.settings import WorkerSettings
from darkdiff_cli.batch.tally import Summary, Tally
from darkdiff_cli.batch.worker import Worker
from darkdiff_cli.enhancer import EnhanceSettings
from darkdiff_cli.errors import InputError
from darkdiff_cli.raw import ExposureSettings

PATIENCE = 60.0  # seconds that one thread waits for another before it says so


@pytest.fixture
def worker(model_folder: Path):
    settings = WorkerSettings(str(model_folder), EnhanceSettings(ExposureSettings(ratio=100.0)), PATIENCE)
    with Worker(settings) as worker:
        yield worker


def test_the_networks_have_the_device_while_one_photo_is_developed_and_another_finished(
    tmp_path: Path, shoot, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(4):
        shoot(tmp_path / f"{number}.dng", 100.0 + number, 0.1)
    enhancer = worker.enhancer
    develop, run_networks, finish = enhancer.develop, enhancer.run_networks, enhancer.finish
    third_developed, second_begun, met = Event(), Event(), []

    def name(exposure) -> str:
        return Path(exposure.frame.path).stem

    def developing(exposure, settings):
        seen = develop(exposure, settings)
        if name(exposure) == "2":
            third_developed.set()
        return seen

    def running(seen, settings, report=None):
        if name(seen.exposure) == "1":
            second_begun.set()
            met.append(("the third is developed", third_developed.wait(PATIENCE)))
        return run_networks(seen, settings, report)

    def finishing(exposure, made, settings):
        if name(exposure) == "0":
            met.append(("the second is in the networks", second_begun.wait(PATIENCE)))
        return finish(exposure, made, settings)

    monkeypatch.setattr(enhancer, "develop", developing)
    monkeypatch.setattr(enhancer, "run_networks", running)
    monkeypatch.setattr(enhancer, "finish", finishing)
    jobs, summary, kept = find_jobs(tmp_path, tmp_path / "out", ".jpg"), Summary(), []
    batch = BatchRun([Task(job, job.relative) for job in jobs], tmp_path / "out", Tally(summary, _ignore, kept.append))
    work_through(batch, worker, "cpu", SimpleNamespace(requested=False))
    batch.close()
    assert sorted(met) == [("the second is in the networks", True), ("the third is developed", True)]
    assert [entry.source for entry in kept] == [f"{number}.dng" for number in range(4)]
    assert [entry.status for entry in kept] == ["done"] * 4


def _ignore(*_: object) -> None:
    """Nobody looks at the progress."""


@pytest.mark.parametrize("checksum", [False, True])
def test_a_raw_that_was_replaced_since_it_was_planned_is_left_to_the_next_run(
    checksum: bool, tmp_path: Path, shoot, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two cards in one reader, whose raws have the same names; with a checksum, also the same size and time."""
    card, output = tmp_path / "card", tmp_path / "out"
    for number in range(2):
        shoot(card / f"{number}.dng", 100.0, 0.1)
    output.mkdir()
    monkeypatch.setattr(worker, "settings", replace(worker.settings, checksum=checksum))
    found = {"weights": "w", "checksum": checksum, "retry_failed": False, "settings": worker.settings.picture}
    plan = plan_batch(find_jobs(card, output, ".jpg"), Ledger(output), **found)
    raw, (content, stat) = card / "1.dng", ((card / "1.dng").read_bytes(), (card / "1.dng").stat())
    raw.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    os.utime(raw, ns=(stat.st_atime_ns, stat.st_mtime_ns + (not checksum)))
    summary, kept = Summary(), []
    batch = BatchRun(plan.tasks, output, Tally(summary, _ignore, kept.append))
    work_through(batch, worker, "cpu", SimpleNamespace(requested=False))
    batch.close()
    assert [entry.status for entry in kept] == ["done", "failed"]
    assert kept[1].error == f"{raw}: is not the file that was planned any more; run the batch again."
    assert not (output / "1_darkdiff.jpg").exists()
    raw.write_bytes(content)
    os.utime(raw, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert plan_batch(find_jobs(card, output, ".jpg"), Ledger(output), **found).tasks == plan.tasks[1:]


def test_a_decoder_that_does_not_start_ends_the_run_and_blames_no_file(tmp_path: Path, shoot, worker: Worker) -> None:
    for number in range(3):
        shoot(tmp_path / f"{number}.dng", 100.0 + number, 0.1)
    worker.decoder.close()
    worker.decoder.module = "no.such.module"
    output = tmp_path / "out"
    output.mkdir()
    jobs, summary = find_jobs(tmp_path, output, ".jpg"), Summary()
    run = BatchRun([Task(job, job.relative) for job in jobs], output, Tally(summary, lambda *_: None, lambda _: None))
    work_through(run, worker, "cpu", SimpleNamespace(requested=False))
    assert run.stopped is not None and "the process that decodes raws does not start" in run.stopped
    assert run.ledger.entries() == {}


def test_a_run_whose_raws_have_gone_stops(tmp_path: Path) -> None:
    class Gone:
        def more(self) -> list[Task]:
            raise InputError("night: is not there any more.")

        def awaits(self, _worker: str, _finished: object) -> bool:
            return False

    run = BatchRun([], tmp_path, Tally(Summary(), lambda *_: None, lambda _: None), Gone())
    assert not run.wait(SimpleNamespace(requested=False))
    assert run.stopped == "night: is not there any more."
