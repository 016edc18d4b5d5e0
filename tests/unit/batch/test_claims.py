"""Claims: each file once, by runs on one machine and on several that share a drive, whatever dies and when."""

import json
import os
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path

import pytest

from darkdiff_cli.batch import claims as claims_module
from darkdiff_cli.batch import presence
from darkdiff_cli.batch.claim_files import claim_path
from darkdiff_cli.batch.claims import FOLDER, Claims, Task, is_claimed
from darkdiff_cli.batch.jobs import Job
from darkdiff_cli.batch.ledger import NAME, Entry, Ledger, job_key
from darkdiff_cli.batch.plan import Plan
from darkdiff_cli.batch.presence import STALE
from darkdiff_cli.batch.settings import WorkerSettings
from darkdiff_cli.batch.start import Engine, run_batch
from darkdiff_cli.enhancer import EnhanceSettings
from darkdiff_cli.errors import OutputError
from tests.unit.test_files import killed_writer

DYING = """
import os, signal, sys
from pathlib import Path
from darkdiff_cli.batch.claims import Claims
from darkdiff_cli.batch.ledger import Ledger
from tests.unit.batch.test_claims import task

output = Path(sys.argv[1])
claims = Claims(output, Ledger(output), sys.argv[2])
assert claims.take(task(output.parent, "a.dng")) == "ours"
os.kill(os.getpid(), signal.SIGKILL)
"""


class Clock:
    """Seconds as a test wants them."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def task(folder: Path, name: str) -> Task:
    return Task(Job(folder, name, folder / "out", f"{name}.jpg"), job_key(name, {}, ""))


def run(folder: Path, machine: str = "", clock: Clock | None = None) -> Claims:
    return Claims(folder / "out", Ledger(folder / "out"), machine, clock or Clock())


def done(work: Task) -> Entry:
    """Its photo is there, and this is the line."""
    work.job.output.write_bytes(b"photo")
    return Entry(work.key, work.job.relative, work.job.photo, "done")


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "out").iterdir())


def killed(folder: Path, machine: str) -> None:
    """A run that is killed while it has a claim on a.dng."""
    subprocess.run([sys.executable, "-c", DYING, folder / "out", machine], check=False)
    assert len(list((folder / "out" / FOLDER).iterdir())) == 2


@pytest.mark.parametrize("there", [True, False])
def test_a_photo_without_its_line_stays_the_batchs_when_the_next_run_is_stopped(tmp_path: Path, there: bool) -> None:
    """A run that is killed after its photo is written, and one after it that does not come to the file."""
    killed(tmp_path, "")
    work, second = task(tmp_path, "a.dng"), run(tmp_path)
    if there:
        work.job.output.touch()
    assert second.take(work) == "ours"
    second.drop(work)
    second.close()
    assert is_claimed(work) == there
    third = run(tmp_path)
    assert third.take(work) == "ours"
    third.settle(work, done(work))
    third.close()
    assert not (tmp_path / "out" / FOLDER).exists()


@pytest.mark.parametrize("given_back", ["settled", "dropped"])
def test_what_a_lost_writer_began_is_gone_when_the_claim_is_given_back(tmp_path: Path, given_back: str) -> None:
    claims, output = run(tmp_path), tmp_path / "out"
    mine, other = task(tmp_path, "a[1].dng"), task(tmp_path, "b.dng")
    output.mkdir()
    earlier = killed_writer(mine.job.output)
    assert claims.take(mine) == "ours"
    assert not earlier.exists()
    torn, foreign = killed_writer(mine.job.output), killed_writer(other.job.output)
    if given_back == "settled":
        claims.settle(mine, done(mine))
        assert list(Ledger(output).entries()) == [mine.key]
    else:
        claims.drop(mine)
    assert not torn.exists()
    assert foreign.exists()  # another run may be writing it
    assert claims.take(other) == "ours"
    assert not foreign.exists()
    claims.close()
    assert not (output / FOLDER).exists()


@pytest.mark.parametrize("machines", [("", ""), ("north", "south"), ("north", "")])
def test_of_many_runs_at_once_each_task_goes_to_one(tmp_path: Path, machines: tuple[str, str]) -> None:
    """On two machines too, whose locks do not reach each other: those of another machine are never asked."""
    tasks, taken = [task(tmp_path, f"{number}.dng") for number in range(6)], Counter[str]()
    runs = [run(tmp_path, machine) for machine in machines * 2]
    start = threading.Barrier(len(runs))

    def work(claims: Claims) -> None:
        start.wait()
        for work in tasks:
            if claims.take(work) == "ours":
                taken[work.key] += 1

    threads = [threading.Thread(target=work, args=(claims,)) for claims in runs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert taken == Counter(work.key for work in tasks)
    for claims in runs:
        claims.close()
    assert not (tmp_path / "out" / FOLDER).exists()


def test_of_two_runs_that_look_in_the_same_moment_one_wins(tmp_path: Path, monkeypatch) -> None:
    look, both, looked = claims_module.claims_of, threading.Barrier(2, timeout=60), set[int]()

    def looking(folder: Path, photo: str) -> list[Path]:
        found = look(folder, photo)
        if threading.get_ident() not in looked:
            looked.add(threading.get_ident())
            both.wait()
        return found

    runs, taken = [run(tmp_path, machine) for machine in ("north", "south")], list[str]()
    monkeypatch.setattr(claims_module, "claims_of", looking)
    threads = [
        threading.Thread(target=lambda claims=claims: taken.append(claims.take(task(tmp_path, "a.dng"))))
        for claims in runs
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == ["ours", "unclear"]


def test_a_killed_run_of_this_machine_is_succeeded_at_once(tmp_path: Path) -> None:
    killed(tmp_path, "")
    claims, work = run(tmp_path), task(tmp_path, "a.dng")
    assert is_claimed(work)  # its photo may be there without a line
    assert claims.take(work) == "ours"
    other = run(tmp_path)
    assert other.take(work) == "theirs"
    claims.settle(work, done(work))
    claims.close()
    other.close()
    assert left(tmp_path) == [work.job.photo, NAME]


def test_what_a_killed_run_left_is_tidied_by_one_that_has_nothing_to_do(tmp_path: Path) -> None:
    killed(tmp_path, "")
    settings = WorkerSettings("none", EnhanceSettings(), 60.0)
    run_batch(Plan([], 1, []), tmp_path / "out", settings, Engine(), lambda _at, _summary: None, lambda _entry: None)
    assert left(tmp_path) == []
    run(tmp_path).tidy()
    assert left(tmp_path) == []
    killed(tmp_path, "north")
    clock = Clock()
    claims = run(tmp_path, clock=clock)
    assert claims.take(task(tmp_path, "b.dng")) == "ours"
    clock.now = STALE
    claims.close()
    assert left(tmp_path) == []


def test_a_run_of_another_machine_holds_while_it_gives_signs_of_life(tmp_path: Path) -> None:
    north, clock = run(tmp_path, "north"), Clock()
    south, work = run(tmp_path, "south", clock), task(tmp_path, "a.dng")
    assert north.take(work) == "ours"
    [alive] = (tmp_path / "out" / FOLDER).glob("*.run")
    for time in (1.0, 1e9, 2.0, 1e9, 3.0):  # the share's clock jumps by decades, and back
        assert south.take(work) == ("unclear" if clock.now == 0 else "theirs")
        clock.now += STALE - 1
        os.utime(alive, (time, time))
    clock.now += STALE - 1
    assert south.take(work) == "theirs"
    clock.now += 2
    assert south.take(work) == "theirs"  # it changed when it was last looked at
    clock.now += STALE
    assert south.take(work) == "ours"  # north is asleep
    north.beat()
    north.settle(work, done(work))  # and wakes up: the line is south's to write
    assert Ledger(tmp_path / "out").entries() == {}
    south.settle(work, done(work))
    assert list(Ledger(tmp_path / "out").entries()) == [work.key]


def test_a_killed_run_of_another_machine_is_succeeded_by_one_after_it_stood_still(tmp_path: Path) -> None:
    killed(tmp_path, "north")
    clock = Clock()
    runs, work = [run(tmp_path, machine, clock) for machine in ("south", "west", "")], task(tmp_path, "a.dng")
    for now in (0.0, STALE - 1):
        clock.now = now
        assert [claims.take(work) for claims in runs] == ["unclear"] * 3
    runs[0].close()  # nothing of north's is removed by who has not looked for long enough
    clock.now = STALE
    runs[1].beat()
    assert [claims.take(work) for claims in runs[1:]] == ["ours", "theirs"]
    runs[1].settle(work, done(work))
    assert runs[2].take(work) == "theirs"
    for claims in runs[1:]:
        claims.close()
    assert left(tmp_path) == [work.job.photo, NAME]


def test_a_claim_that_names_no_run_holds_until_it_stood_still(tmp_path: Path) -> None:
    clock, work = Clock(), task(tmp_path, "a.dng")
    claims, torn = run(tmp_path, clock=clock), claim_path(tmp_path / "out" / FOLDER, work.job.photo, 1)
    torn.parent.mkdir(parents=True)
    torn.touch()
    assert claims.take(work) == "unclear"
    clock.now = STALE
    assert claims.take(work) == "ours"


def test_a_claim_says_who_has_it_and_signs_of_life_go_on(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(presence, "HEARTBEAT", 0.01)
    claims = run(tmp_path)
    assert claims.take(task(tmp_path, "a.dng")) == "ours"
    [claim] = (tmp_path / "out" / FOLDER).glob("*.claim")
    who = json.loads(claim.read_text())
    assert who["pid"] == os.getpid()
    file = claim.with_name(f"{who['run']}.run")
    moved = threading.Event()
    for _ in range(3):
        os.utime(file, (1, 1))
        for _ in range(1000):
            if file.stat().st_mtime != 1 or moved.wait(0.01):
                break
        assert file.stat().st_mtime != 1
    claims.close()
    assert not claim.parent.exists()


def test_a_line_that_cannot_be_written_leaves_its_claim_to_the_next_run(tmp_path: Path) -> None:
    claims, work = run(tmp_path), task(tmp_path, "a.dng")
    assert claims.take(work) == "ours"
    (tmp_path / "out" / NAME).mkdir()
    with pytest.raises(OutputError, match="cannot be written"):
        claims.settle(work, done(work))
    claims.close()
    assert is_claimed(work)
    (tmp_path / "out" / NAME).rmdir()
    assert run(tmp_path).take(work) == "ours"


def test_nothing_is_made_anew_for_a_folder_that_was_moved(tmp_path: Path) -> None:
    claims, first, second = run(tmp_path), task(tmp_path, "a.dng"), task(tmp_path, "b.dng")
    assert claims.take(first) == "ours"
    line = done(first)
    (tmp_path / "out").rename(tmp_path / "moved")
    for _ in range(2):
        with pytest.raises(OutputError, match=r"out: is not there any more; put the drive or the folder back"):
            claims.take(second)
    with pytest.raises(OutputError, match="is not there any more"):
        claims.settle(first, line)
    claims.close()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["moved"]


@pytest.mark.parametrize("content", ['{"run": "a\\u0000b"}', '{"run": "\\ud800"}', '{"run": "../../x"}', "[]"])
def test_claims_that_no_run_has_made_stop_nothing(content: str, tmp_path: Path) -> None:
    folder = tmp_path / FOLDER
    folder.mkdir()
    first, other = (Job(tmp_path, f"{name}.dng", tmp_path, f"{name}.jpg") for name in "ab")
    for claim in (claim_path(folder, first.photo, 1).with_suffix(".abc.claim"), claim_path(folder, other.photo, 1)):
        claim.write_text(content)
    claims = Claims(tmp_path, Ledger(tmp_path))
    assert claims.take(Task(first, "key")) == "ours"
    assert claims.take(Task(other, "other")) == "unclear"  # somebody may be writing it now
    claims.close()
