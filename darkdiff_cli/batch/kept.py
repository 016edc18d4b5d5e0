"""Which photos stay as they are: those that a batch did not make, or that it made of another raw."""

import os
from pathlib import Path

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
