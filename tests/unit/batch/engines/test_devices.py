"""Batches on several devices, when the processes do not survive."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from darkdiff_cli.batch.claims import Task
from darkdiff_cli.batch.engines import devices
from darkdiff_cli.batch.jobs import Job
from darkdiff_cli.batch.settings import WorkerSettings
from darkdiff_cli.batch.tally import Summary, Tally
from darkdiff_cli.enhancer import EnhanceSettings
from tests.unit.batch.engines.ends import die, leave


def run(monkeypatch: pytest.MonkeyPatch, folder: Path, work: object) -> Summary:
    tasks = [Task(Job(folder, name, folder / "out", f"{name}.jpg"), name) for name in ("a.dng", "b.dng")]
    summary = Summary(total=2)
    monkeypatch.setattr(devices, "_work", work)
    monkeypatch.setattr(devices, "ROUNDS", 2)
    settings = WorkerSettings("none", EnhanceSettings(), 60.0)
    tally = Tally(summary, lambda _at, _summary: None, lambda _finished: None)
    stop = SimpleNamespace(requested=False)
    assert devices.run_on_devices(tasks, folder / "out", settings, ["cpu", "cpu"], tally, stop) is None
    return summary


def test_files_whose_processes_died_every_time_have_failed_but_are_tried_again(monkeypatch, tmp_path) -> None:
    summary = run(monkeypatch, tmp_path, die)
    assert [entry.source for entry in summary.failed] == ["a.dng", "b.dng"]
    assert all("died 2 times" in (entry.error or "") for entry in summary.failed)
    assert not list(tmp_path.rglob("*.jsonl"))  # nothing in the ledger: the next run does not take them for settled


def test_files_that_another_run_has_are_skipped(monkeypatch, tmp_path) -> None:
    summary = run(monkeypatch, tmp_path, leave)
    assert (summary.skipped, summary.done, summary.failed) == (2, [], [])
