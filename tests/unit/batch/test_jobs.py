"""Which raws a batch finds, and what it says of folders that it may not read."""

import errno
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from darkdiff_cli.batch.jobs import Job, find_jobs
from darkdiff_cli.batch.plan import unreadable_entry
from darkdiff_cli.errors import InputError

NOBODY = 65534


@pytest.fixture
def cards() -> Iterator[Path]:
    """Two cards with a raw each; the second may not be read, by a process without root's powers."""
    if not hasattr(os, "geteuid"):
        pytest.skip("permissions of Unix")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        for card in ("card 1", "card 2"):
            (folder / card).mkdir()
            (folder / card / "IMG.dng").write_bytes(b"raw")
        (folder / "card 2").chmod(0o000)
        root = os.geteuid() == 0
        if root:
            os.seteuid(NOBODY)
        try:
            yield folder
        finally:
            if root:
                os.seteuid(0)
            (folder / "card 2").chmod(0o700)


def test_a_subfolder_without_permission_is_told(cards: Path) -> None:
    gone: list[OSError] = []
    jobs = find_jobs(cards, cards / "out", ".jpg", recursive=True, on_unreadable=gone.append)
    assert [job.relative for job in jobs] == ["card 1/IMG.dng"]
    [error] = gone
    assert error.errno == errno.EACCES
    entry = unreadable_entry(cards, error)
    assert (entry.source, entry.status) == ("card 2", "failed")
    what = "the raws in it cannot be read (Permission denied); check its path and permissions."
    assert entry.error == f"{cards / 'card 2'}: {what}"
    assert find_jobs(cards, cards / "out", ".jpg", on_unreadable=gone.append) == []
    assert len(gone) == 1  # without --recursive nobody asks what is in it


def test_a_folder_without_permission_is_an_error(cards: Path) -> None:
    with pytest.raises(InputError, match="Permission denied"):
        find_jobs(cards / "card 2", cards / "out", ".jpg")


def test_a_raw_without_permission_is_not_called_vanished(cards: Path) -> None:
    with pytest.raises(InputError, match="Permission denied"):
        Job(cards, "card 2/IMG.dng", cards, "IMG.jpg").state(checksum=False)
    with pytest.raises(InputError, match="is not there any more"):
        Job(cards, "card 1/other.dng", cards, "IMG.jpg").state(checksum=False)


def test_a_link_that_leads_nowhere_is_called_that(tmp_path: Path) -> None:
    try:
        (tmp_path / "IMG.dng").symlink_to(tmp_path / "gone.dng")
    except OSError:
        pytest.skip("this system lets nobody make links")
    [job] = find_jobs(tmp_path, tmp_path / "out", ".jpg")
    with pytest.raises(InputError) as error:
        job.state(checksum=False)
    link = tmp_path / "IMG.dng"
    assert str(error.value) == f"{link}: is a link that leads to no file; run the batch again without it."


def test_photos_of_the_program_are_no_raws(tmp_path: Path) -> None:
    """A DNG that a batch wrote beside its raws is not enhanced by the next one."""
    for name in ("IMG.dng", "IMG_darkdiff.dng", "darkdiff.dng"):
        (tmp_path / name).write_bytes(b"raw")
    jobs = find_jobs(tmp_path, tmp_path, ".dng")
    assert [(job.relative, job.photo) for job in jobs] == [
        ("IMG.dng", "IMG_darkdiff.dng"),
        ("darkdiff.dng", "darkdiff_darkdiff.dng"),
    ]
