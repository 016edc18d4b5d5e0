"""Which files of a watched folder are whole, on a clock of our own."""

import os
from pathlib import Path

from darkdiff_cli.batch.arrivals import SETTLED, Arrivals
from darkdiff_cli.batch.claims import Task
from darkdiff_cli.batch.jobs import Job, find_jobs
from darkdiff_cli.batch.plan import Plan


class Watched:
    """A folder, a clock, and what was asked to be planned."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.now, self.asked = folder, 0.0, list[list[str]]()
        self.arrivals = Arrivals(self.find, self.plan, lambda: self.now)

    def find(self) -> list[Job]:
        return find_jobs(self.folder, self.folder / "out", ".jpg")

    def plan(self, jobs: list[Job]) -> Plan:
        self.asked.append([job.relative for job in jobs])
        return Plan([Task(job, job.relative) for job in jobs], 0, [])

    def after(self, seconds: float) -> list[str]:
        """Names of the files that have become whole."""
        self.now += seconds
        return [task.job.relative for task in self.arrivals.look().tasks]


def write(path: Path, size: int, time: int) -> None:
    path.write_bytes(bytes(size))
    os.utime(path, ns=(time, time))


def test_a_file_is_taken_once_and_not_before_it_is_whole(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    assert watched.after(0) == []
    write(tmp_path / "a.dng", 10, 1)
    assert watched.after(1) == []  # seen for the first time
    write(tmp_path / "a.dng", 20, 1)  # grows within one tick of the disk's clock
    assert watched.after(SETTLED) == []
    write(tmp_path / "a.dng", 20, 2)  # written again at the same size
    assert watched.after(SETTLED) == []
    assert watched.after(SETTLED - 0.1) == []
    assert watched.after(0.1) == ["a.dng"]
    assert watched.after(100) == []
    assert watched.asked == [["a.dng"]]


def test_what_was_there_before_is_taken_too_and_each_file_has_its_own_time(tmp_path: Path) -> None:
    write(tmp_path / "a.dng", 10, 1)
    watched = Watched(tmp_path)
    assert watched.after(0) == []
    write(tmp_path / "b.dng", 10, 1)
    assert watched.after(2) == []
    assert watched.after(SETTLED - 2) == ["a.dng"]
    assert watched.after(2) == ["b.dng"]


def test_a_copy_that_stood_still_is_taken_again_when_it_goes_on(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    write(tmp_path / "a.dng", 10, 1)
    watched.after(0)
    assert watched.after(SETTLED) == ["a.dng"]
    write(tmp_path / "a.dng", 30, 5)
    assert watched.after(1) == []
    assert watched.after(SETTLED) == ["a.dng"]


def test_a_file_that_goes_again_is_forgotten(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    write(tmp_path / "a.dng", 10, 1)
    watched.after(0)
    (tmp_path / "a.dng").unlink()
    assert watched.after(SETTLED) == []
    os.symlink(tmp_path / "nowhere", tmp_path / "b.dng")
    assert watched.after(0) == watched.after(SETTLED) == []
