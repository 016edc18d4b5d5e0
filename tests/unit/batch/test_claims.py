"""Claims leave nothing half-written behind, however often a writer was killed under them."""

from pathlib import Path

import pytest

from darkdiff_cli.batch.claims import FOLDER, Claims, Task
from darkdiff_cli.batch.jobs import Job
from darkdiff_cli.batch.ledger import Entry, Ledger
from tests.unit.test_files import killed_writer


def task(folder: Path, name: str) -> Task:
    return Task(Job(folder, name, folder / "out", f"{name}.jpg"), name)


@pytest.mark.parametrize("given_back", ["settled", "dropped"])
def test_what_a_lost_writer_began_is_gone_when_the_claim_is_given_back(tmp_path: Path, given_back: str) -> None:
    claims, output = Claims(tmp_path / "out", Ledger(tmp_path / "out")), tmp_path / "out"
    mine, other = task(tmp_path, "a[1].dng"), task(tmp_path, "b.dng")
    output.mkdir()
    earlier = killed_writer(mine.job.output)
    assert claims.take(mine)
    assert not earlier.exists()
    torn, foreign = killed_writer(mine.job.output), killed_writer(other.job.output)
    if given_back == "settled":
        claims.settle(mine, Entry(mine.key, mine.job.relative, mine.job.photo, "done"))
        assert list(Ledger(output).entries()) == [mine.key]
    else:
        claims.drop(mine)
    assert not torn.exists()
    assert foreign.exists()  # another run may be writing it
    assert claims.take(other)
    assert not foreign.exists()
    claims.close()
    assert not (output / FOLDER).exists()
