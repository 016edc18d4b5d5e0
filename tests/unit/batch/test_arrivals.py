"""Which files of a watched folder are whole, on a clock of our own."""

import os
import time
from pathlib import Path

import pytest

from darkdiff_cli.batch import arrivals
from darkdiff_cli.batch.arrivals import PATIENCE, SETTLED, Arrivals
from darkdiff_cli.batch.claims import Task
from darkdiff_cli.batch.jobs import Job, find_jobs
from darkdiff_cli.batch.ledger import Entry
from darkdiff_cli.batch.plan import Plan
from darkdiff_cli.batch.steps import Finished
from darkdiff_cli.batch.tally import Summary
from darkdiff_cli.errors import InputError
from darkdiff_cli.raw.damage import TAIL


class Watched:
    """A folder, a clock, and what was asked to be planned."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.now, self.asked = folder, 0.0, list[list[str]]()
        self.said = list[str]()
        self.arrivals = Arrivals(self.folder, self.find, self.plan, self.said.append, lambda: self.now)

    def find(self) -> list[Job]:
        return find_jobs(self.folder, self.folder / "out", ".jpg")

    def plan(self, jobs: list[Job]) -> Plan:
        self.asked.append([job.relative for job in jobs])
        return Plan([Task(job, job.relative) for job in jobs], 0, [])

    def after(self, seconds: float) -> list[str]:
        """Names of the files that have become whole."""
        self.now += seconds
        return [task.job.relative for task in self.arrivals.look().tasks]

    def fails(self, name: str, unreadable: bool = True) -> bool:
        """Whether a file that failed is waited for."""
        [job] = [job for job in self.find() if job.relative == name]
        entry = Entry("", name, "", "failed", f"{job.source}: is truncated; copy it again.")
        return self.arrivals.awaits(Finished(Task(job, name), entry, is_unreadable=unreadable))


def write(path: Path, size: int, time: int) -> None:
    path.write_bytes(b"x" * size)
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


def test_a_file_that_cannot_be_decoded_is_looked_at_again_after_pauses_that_double(tmp_path: Path) -> None:
    """Until it has not changed for long; it is said once that it is waited for."""
    watched = Watched(tmp_path)
    write(tmp_path / "a.dng", 10, 1)
    watched.after(0)
    assert watched.after(SETTLED) == ["a.dng"]
    looks = [watched.now]
    while watched.fails("a.dng"):
        while watched.after(1) != ["a.dng"]:
            assert watched.now < 2 * PATIENCE
        looks.append(watched.now)
    assert looks == pytest.approx([3, 9, 21, 45, 93, 189, 300], abs=1)
    assert watched.said == [f"{tmp_path / 'a.dng'}: is truncated; it may not be whole yet, and is waited for."]
    assert watched.after(1000) == []
    write(tmp_path / "a.dng", 20, 2)  # the copy goes on after all
    watched.after(1)
    assert watched.after(SETTLED) == ["a.dng"]
    assert watched.fails("a.dng")  # and is waited for again
    assert not watched.fails("a.dng", unreadable=False)  # such as a full disk


def test_a_file_that_ends_in_zeros_is_not_taken_before_it_has_rested_for_long(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    (tmp_path / "a.dng").write_bytes(b"x" + bytes(TAIL))
    watched.after(0)
    assert watched.after(SETTLED) == []
    assert watched.said == [f"{tmp_path / 'a.dng'}: ends in zeros; it may not be whole yet, and is waited for."]
    assert watched.after(PATIENCE - SETTLED - 1) == []
    assert watched.after(1) == ["a.dng"]


def test_a_file_that_has_long_been_there_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "a.dng", 10, 1)
    watched, now = Watched(tmp_path), time.time()
    monkeypatch.setattr(arrivals.time, "time", lambda: now + PATIENCE + 60)
    watched.after(0)
    assert watched.after(SETTLED) == ["a.dng"]
    assert not watched.fails("a.dng")
    assert watched.said == []


@pytest.mark.parametrize("error", [-7200.0, 7200.0])
def test_a_clock_that_is_set_makes_no_copy_a_failure(error: float, tmp_path: Path, monkeypatch) -> None:
    """So does the clock of a network drive that is behind or ahead."""
    watched, now = Watched(tmp_path), time.time()
    assert watched.after(0) == []
    monkeypatch.setattr(arrivals.time, "time", lambda: now + error)
    write(tmp_path / "half.dng", 10, 1)
    assert watched.after(1) == []
    assert watched.after(SETTLED) == ["half.dng"]
    assert watched.fails("half.dng")
    write(tmp_path / "half.dng", 20, 2)
    assert watched.after(1) == []
    assert watched.after(SETTLED) == ["half.dng"]
    assert not watched.fails("half.dng", unreadable=False)


def test_raws_that_nothing_became_of_are_named(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    for name in ("a", "b"):
        write(tmp_path / f"{name}.dng", 10, 1)
    watched.after(0)
    watched.after(SETTLED)
    write(tmp_path / "late.dng", 10, 1)
    assert watched.arrivals.left(["a.dng", "b.dng"]) == ["late.dng"]


def test_what_became_of_a_file_before_is_undone_when_it_comes_up_again(tmp_path: Path) -> None:
    write(tmp_path / "a.dng", 10, 1)
    [job] = find_jobs(tmp_path, tmp_path / "out", ".jpg")
    failed, other = Entry("1", "a.dng", "a.jpg", "failed", "x"), Entry("2", "b.dng", "b.jpg", "done")
    summary = Summary(2, [other], [failed])
    summary.add(Plan([Task(job, "3")], 0, []))
    assert (summary.total, summary.done, summary.failed, summary.to_do) == (2, [other], [], 1)


def test_a_folder_that_goes_ends_the_watch_with_what_there_is(tmp_path: Path) -> None:
    folder = tmp_path / "night"
    folder.mkdir()
    watched = Watched(folder)
    assert watched.after(0) == []
    folder.rename(tmp_path / "elsewhere")
    with pytest.raises(InputError, match="night: is not there any more"):
        watched.after(1)
    assert watched.arrivals.left([]) == []
