"""Which photos stay as they are: those that a batch did not make, or that it made of another raw."""

import os
from pathlib import Path

from darkdiff_cli.batch.jobs import Job
from darkdiff_cli.batch.ledger import Entry, Ledger


def why_kept(job: Job, ledger: Ledger, claimed: bool) -> str | None:
    """Why a file of the photo's name is kept; None where there is none, or this batch made it.

    Args:
        job: that would replace it.
        ledger: of the folder of the photos.
        claimed: whether a run has a claim on it, or had when it was killed: then it may have left the photo without its
            line. To be looked at first: a run gives its claim back only once the line is there.
    """
    if claimed or not os.path.lexists(job.output):
        return None
    made = ledger.made(job.photo)
    if made is None:
        return (
            f"{job.output}: is kept, since this batch did not make it; move it away, or add --overwrite to replace it."
        )
    if (other := _raw_elsewhere(made, job)) is None:
        return None
    return f"{job.output}: is kept, since it was made of {other}; give another folder with -o, or --overwrite."


def is_made(key: str, job: Job, ledger: Ledger) -> bool:
    """Whether a photo is there, and still the one that was made under a key.

    Since then it may have been made of another raw of that name, whose folder or whose time is another, or under other
    settings; then its own raw comes back.
    """
    if os.path.islink(job.output) or not os.path.isfile(job.output) or os.path.getsize(job.output) == 0:
        return False
    made = ledger.made(job.photo)
    return made is not None and made.key == key and _raw_elsewhere(made, job) is None


def _raw_elsewhere(made: Entry, job: Job) -> Path | None:
    """The raw of another folder that a photo was made of, while it is there; None where the folder has been moved."""
    other = Path(made.folder) / made.source
    if made.folder in ("", str(job.folder.resolve())) or not os.path.lexists(other):
        return None
    return other
