"""`batch --min-rating`: which raws take part, and what is said of the others."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from darkdiff_cli.commands.batch_options import FileOptions
from darkdiff_cli.commands.batch_progress import BatchProgress
from darkdiff_cli.commands.console import say

if TYPE_CHECKING:
    from darkdiff_cli.batch.jobs import Job
    from darkdiff_cli.batch.ratings import Ratings


def rated_jobs(
    ratings: "Ratings", jobs: "Sequence[Job]", files: FileOptions, folder: Path, progress: BatchProgress
) -> "tuple[Sequence[Job], tuple[str, ...]]":
    """The jobs of raws with stars enough, and the names of the others; of a watch none yet, which asks as each arrives.

    Raises:
        InputError: there are raws, and none has.
    """
    if files.watch:
        return [], ()
    if ratings.least is not None:
        progress.doing(f"reading the ratings of {folder}")
    rated, left_out = ratings.chosen(jobs)
    if left_out and not rated:
        say_unread(ratings)
        raise files.none_rated(folder, len(jobs))
    return rated, left_out


def say_unread(ratings: "Ratings") -> None:
    """Name the raws that were left out although somebody may have rated them."""
    for note in ratings.notes():
        say(f"{note}.")
