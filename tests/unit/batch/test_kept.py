"""Photos of one name that several runs want: one after the other, and what is another raw's stays."""

from dataclasses import replace
from pathlib import Path

from darkdiff_cli.batch.claims import Kept, Task, is_claimed
from darkdiff_cli.batch.jobs import Job
from darkdiff_cli.batch.ledger import job_key
from tests.unit.batch.test_claims import done, run
from tests.unit.test_files import killed_writer


def test_photos_of_one_name_from_two_folders_are_made_one_after_the_other(tmp_path: Path) -> None:
    """The second stays unmade, as where one run follows the other."""
    jobs = [Job(tmp_path / name, "a.dng", tmp_path / "out", "a.jpg") for name in ("one", "two")]
    for job in jobs:
        job.folder.mkdir()
        job.source.touch()
    first, second = (Task(job, job_key(str(job.folder), {}, "")) for job in jobs)
    runs = [run(tmp_path) for _ in range(2)]
    assert runs[0].take(first) == "ours"
    assert not is_claimed(second)
    assert runs[1].take(second) == "unclear"
    first.job.output.touch()
    runs[0].settle(first, replace(done(first), folder=str(first.job.folder)))
    kept = runs[1].take(second)
    assert isinstance(kept, Kept)
    assert kept.startswith(f"{second.job.output}: is kept, since it was made of {first.job.source}; ")
    assert runs[1].take(replace(second, overwrite=True)) == "ours"
    for claims in runs:
        claims.close()


def test_a_photo_under_two_settings_is_made_under_one_after_the_other(tmp_path: Path) -> None:
    job = Job(tmp_path, "a.dng", tmp_path / "out", "a.jpg")
    first, second = (Task(job, job_key("a.dng", {"ratio": ratio}, "")) for ratio in (50, 200))
    runs = [run(tmp_path) for _ in range(2)]
    assert [claims.take(work) for claims, work in zip(runs, (first, second), strict=True)] == ["ours", "unclear"]
    torn = killed_writer(job.output)  # what the first one is writing
    assert runs[1].take(second) == "unclear"
    assert torn.exists()
    runs[0].settle(first, done(first))
    assert runs[1].take(second) == "ours"
    runs[1].settle(second, done(second))
    assert runs[0].take(first) == "ours"  # its photo has been replaced since
    for claims in runs:
        claims.close()
