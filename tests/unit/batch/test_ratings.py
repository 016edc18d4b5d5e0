"""Raws by their stars: who is left out, how often a rating is read, and what a watch does once it changes."""

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from darkdiff_cli.batch import ratings as module
from darkdiff_cli.batch.arrivals import SETTLED, UNRATED, Arrivals
from darkdiff_cli.batch.claims import Task
from darkdiff_cli.batch.jobs import Job, find_jobs
from darkdiff_cli.batch.plan import Plan
from darkdiff_cli.batch.ratings import Ratings
from darkdiff_cli.batch.tally import Summary
from tests.unit.raw.metadata.test_rating import raw, sidecar


@pytest.fixture
def rated(tmp_path: Path) -> Path:
    """Raws of two, three and four stars, one without, and a rejected one."""
    for name, stars in (("two", 2), ("three", 3), ("four", 4), ("none", None), ("rejected", 5)):
        raw(tmp_path / f"{name}.dng", stars)
    sidecar(tmp_path / "rejected.xmp", -1)
    return tmp_path


@pytest.fixture
def reads(monkeypatch) -> list[str]:
    """Names of the raws whose rating was read."""
    names: list[str] = []
    read = module.read_stars
    monkeypatch.setattr(module, "read_stars", lambda path: names.append(path.name) or read(path))
    return names


def found(folder: Path) -> list[Job]:
    return find_jobs(folder, folder / "out", ".jpg")


def names(jobs: Sequence[Job]) -> list[str]:
    return [job.relative for job in jobs]


@pytest.mark.parametrize(
    ("least", "kept"), [(1, ["four", "three", "two"]), (3, ["four", "three"]), (4, ["four"]), (5, [])]
)
def test_who_has_fewer_stars_is_left_out(least: int, kept: list[str], rated: Path) -> None:
    jobs, left_out = Ratings(least).chosen(found(rated))
    assert names(jobs) == [f"{name}.dng" for name in kept]
    assert sorted([*names(jobs), *left_out]) == names(found(rated))


def test_without_the_option_nothing_is_read(rated: Path, reads: list[str]) -> None:
    assert Ratings(None).chosen(found(rated)) == (found(rated), ())
    assert reads == []


def test_a_rating_is_read_again_only_where_raw_or_sidecar_has_changed(rated: Path, reads: list[str]) -> None:
    ratings = Ratings(3)
    ratings.chosen(found(rated))
    assert len(reads) == 5
    reads.clear()
    assert ratings.chosen(found(rated))[1] == ("none.dng", "rejected.dng", "two.dng")
    assert reads == []
    sidecar(rated / "none.dng.xmp", 3)
    sidecar(rated / "rejected.xmp", 4)
    os.utime(rated / "rejected.xmp", ns=(1, 1))
    raw(rated / "two.dng", 5, xmp=5)
    assert names(ratings.chosen(found(rated))[0]) == ["four.dng", "none.dng", "rejected.dng", "three.dng", "two.dng"]
    assert reads == ["none.dng", "rejected.dng", "two.dng"]
    (rated / "none.dng.xmp").unlink()
    assert ratings.chosen(found(rated))[1] == ("none.dng",)


def test_a_watch_takes_a_raw_that_is_rated_later(rated: Path) -> None:
    ratings, summary, now = Ratings(4), Summary(), [0.0]

    def plan(jobs: Sequence[Job]) -> Plan:
        kept, left_out = ratings.chosen(jobs)
        return Plan([Task(job, job.relative) for job in kept], 0, [], left_out=left_out)

    arrivals = Arrivals(rated, lambda: found(rated), plan, lambda _sentence: None, lambda: now[0])

    def after(seconds: float) -> list[str]:
        now[0] += seconds
        made = arrivals.look()
        summary.add(made)
        return [task.job.relative for task in made.tasks]

    assert after(0) == []
    assert after(SETTLED) == ["four.dng"]
    others = {"none.dng", "rejected.dng", "three.dng", "two.dng"}
    assert (summary.total, summary.left_out) == (1, others)
    sidecar(rated / "none.xmp", 5)
    assert after(UNRATED - 1) == []
    assert after(1) == ["none.dng"]
    assert (summary.total, summary.left_out) == (2, others - {"none.dng"})
    assert after(UNRATED) == []
    assert arrivals.left(["four.dng", "none.dng"]) == []  # none of the others has come too late
