"""Which photos stay as they are: those that a batch did not make, or that it made of another raw."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from darkdiff_cli.batch.jobs import Job
from darkdiff_cli.batch.ledger import Entry, Ledger


def why_kept(job: Job, state: str, ledger: Ledger, claimed: bool) -> str | None:
    """Why a file of the photo's name is kept; None where there is none, or this batch made it of this raw.

    Args:
        job: that would replace it.
        state: of its raw, by which a raw is known whose folder has been moved since.
        ledger: of the folder of the photos.
        claimed: whether a run has a claim on it, or had when it was killed: then it may have left the photo without its
            line. To be looked at first: a run gives its claim back only once the line is there.
    """
    if os.path.isdir(job.output):
        return f"{job.output}: is a folder, which is kept; move it away."
    if claimed or not os.path.lexists(job.output):
        return None
    made = ledger.made(job.photo)
    if made is None:
        return (
            f"{job.output}: is kept, since this batch did not make it; move it away, or add --overwrite to replace it."
        )
    if _is_of(made, job, state):
        return None
    other = Path(made.folder) / made.source
    return f"{job.output}: is kept, since it was made of {other}; give another folder with -o, or --overwrite."


def is_made(key: str, job: Job, ledger: Ledger) -> bool:
    """Whether a photo is there, and still the one that was made under a key.

    Since then it may have been made of another raw of that name, whose folder or whose time is another, or under other
    settings; then its own raw comes back.
    """
    if os.path.islink(job.output) or not os.path.isfile(job.output) or os.path.getsize(job.output) == 0:
        return False
    made = ledger.made(job.photo)
    return made is not None and made.key == key and (_is_here(made, job) or _is_away(made))


def as_named_before(jobs: Sequence[Job], ledger: Ledger) -> Iterator[Job]:
    """Jobs in their order, under the names that their photos have already.

    A raw that comes beside another of its name (IMG.NEF beside IMG.DNG) has the photos of both told apart. The photo
    that is there keeps its name, or it would be made a second time.

    Args:
        jobs: under the names of a new batch.
        ledger: of the folder of the photos.
    """
    taken = {job.photo.lower() for job in jobs}
    photos = ledger.photos() if jobs else ()
    made = {(entry.source, PurePosixPath(entry.output).suffix): entry for entry in photos}
    for job in jobs:
        name = PurePosixPath(job.photo)
        entry, own = made.get((job.relative, name.suffix)), ledger.made(job.photo)
        if entry is None or not _is_here(entry, job) or (own is not None and own.source == job.relative):
            yield job
            continue
        before = replace(job, photo=entry.output)
        is_free = entry.output.lower() not in taken and PurePosixPath(entry.output).parent == name.parent
        yield before if is_free and os.path.isfile(before.output) else job


def _is_of(made: Entry, job: Job, state: str) -> bool:
    """Whether a photo was made of a job's raw, which may have been changed in its place, or moved with its folder."""
    is_moved = _is_away(made) and made.state in ("", state)
    return made.source == job.relative and (_is_here(made, job) or is_moved)


def _is_here(made: Entry, job: Job) -> bool:
    """Whether a photo was made of a raw in a job's folder."""
    return made.folder in ("", str(job.folder.resolve()))


def _is_away(made: Entry) -> bool:
    """Whether the raw that a photo was made of is not there any more: moved, deleted, or on a card that is out."""
    return not os.path.lexists(Path(made.folder) / made.source)
