"""Who works on which file: two runs over one folder, on one machine or several, do each file once."""

import os
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from darkdiff_cli.batch.claim_files import (
    SUFFIX,
    claim_path,
    claims_of,
    is_claim_on,
    number_of,
    read_claim,
    run_of,
    unlink,
    write_claim,
)
from darkdiff_cli.batch.jobs import Job
from darkdiff_cli.batch.kept import is_made, why_kept
from darkdiff_cli.batch.ledger import Entry, Ledger
from darkdiff_cli.batch.place import Place, gone
from darkdiff_cli.batch.presence import Life, Presence, this_machine
from darkdiff_cli.errors import DriveError, OutputError
from darkdiff_cli.files import output_error, remove_partials

FOLDER = ".darkdiff-claims"
MOST = 10**6  # runs that die over one photo


class Kept(str):
    """Why a photo cannot be made: another has its name by now."""


Taken = Literal["ours", "theirs", "unclear"] | Kept


@dataclass(frozen=True, slots=True)
class Task:
    """One file to do.

    Attributes:
        job: the raw and its photo.
        key: of input and settings, see `ledger.job_key`.
        before: what the ledger said about the key when the task was planned, or None.
        state: of the raw that was planned, see `Job.state`; empty where it may be any.
        overwrite: the photo is made again, and in the place of any file.
    """

    job: Job
    key: str
    before: Entry | None = None
    state: str = ""
    overwrite: bool = False


def is_claimed(task: Task) -> bool:
    """Whether a run is at a task, or was killed while it was."""
    return any(is_claim_on(claim, task.key) for claim in claims_of(task.job.root / FOLDER, task.job.photo))


class Claims:
    """The claims of one run: a file for each photo at work, which names the run; it holds while the run is alive.

    A claim is on a photo, and not on a task alone: runs of two folders, or of two settings, may make photos of the same
    name. The first claim on a photo is file 1. Where its run has died, the next claim is file 2, and so on: whoever
    makes a file has the claim, and no two can make the same one, not from two machines either. A photo's claims are
    taken away only after the ledger has its line, so whoever claims one that is already made reads that in the ledger.

    Args:
        output: root of the photos.
        ledger: of that folder.
        machine: a word for this machine, see `this_machine`.
        clock: seconds; as `time.monotonic`.
    """

    def __init__(
        self, output: Path, ledger: Ledger, machine: str = "", clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.output, self.folder, self.ledger = output, output / FOLDER, ledger
        self.machine, self.clock = machine or this_machine(), clock
        self._presence: Presence | None = None
        self._place: Place | None = None
        self._held: dict[str, Path] = {}

    def take(self, task: Task) -> Taken:
        """Claim a task's photo: "theirs" where another run is at the task or has done it.

        "unclear" where another run makes this photo of another raw or under other settings, or where a run on another
        machine may have died: ask again. `Kept` where a photo of this name was made meanwhile, and stays.

        Raises:
            OutputError: the folder of the photos cannot be written to, or is not there any more; that of the claims is
                a link.
        """
        try:
            presence = self._presence = self._presence or self._appear()
            claim = self._claim(task, presence)
            if not isinstance(claim, Path):
                return claim
            self._held[task.key] = claim
            if self._is_settled(task):
                self.settle(task)
                return "theirs"
            if (
                not task.overwrite
                and (why := why_kept(task.job, task.state, self.ledger, self._was_left(task, claim))) is not None
            ):
                self.drop(task)
                return Kept(why)
            remove_partials(task.job.output)  # of a run that was killed
        except DriveError as error:  # the ledger cannot be read
            self._check_place()
            raise OutputError(str(error)) from error
        except OSError as error:  # a card that is locked, say
            self._check_place()
            why = self._place.refuses(error) if self._place is not None else None
            raise (OutputError(why) if why is not None else output_error(self.output, error)) from error
        return "ours"

    def settle(self, task: Task, entry: Entry | None = None) -> None:
        """Give a claim back; with an entry, once that is in the ledger.

        Where it cannot be written there, the claim stays, so that the next run does the task again.

        Raises:
            OutputError: the ledger cannot be written, or its folder is not there any more.
        """
        claim = self._held.pop(task.key)
        self._check_place()
        if not self._is_ours(task, claim):  # this machine slept for so long that another run did it
            return
        remove_partials(task.job.output)  # of a worker that was lost and replaced
        if entry is not None:
            self.ledger.append(entry)
        self._remove(task)

    def drop(self, task: Task) -> None:
        """Give back a claim on a file that was not done.

        One of a dead run that it followed stays: by it the next run knows that a photo without a line is the batch's.
        """
        claim = self._held.pop(task.key)
        if self._is_ours(task, claim):
            with suppress(OSError):  # of a folder that cannot be written to any more
                remove_partials(task.job.output)
            unlink(claim)

    def close(self) -> None:
        """Give back all claims, and remove what dead runs left, but where a photo of theirs has no line yet."""
        if self._presence is None:
            return
        for claim in self._held.values():
            unlink(claim)
        self._held.clear()
        for claim in self.folder.glob(f"*{SUFFIX}"):
            if run_of(claim) == self._presence.run or self._life_of(self._presence, claim) != "dead":
                continue
            if not self._is_evidence(claim):
                unlink(claim)
        self._presence.end()
        self._presence = None
        with suppress(OSError):
            self.folder.rmdir()

    def beat(self) -> None:
        """Give a sign of life, as happens every few seconds."""
        if self._presence is not None:
            self._presence.beat()

    def tidy(self) -> None:
        """Remove what dead runs left, for a run that has nothing to do."""
        if self.folder.is_dir():
            with suppress(OSError, OutputError):  # a folder that cannot be written to
                self._presence = self._appear()
                self.close()

    def _claim(self, task: Task, presence: Presence) -> Path | Literal["theirs", "unclear"]:
        """Make the file that claims a task's photo; a word where the claim of another run holds.

        Raises:
            OutputError: there are more claims on it than any batch makes.
        """
        photo = task.job.photo
        claims = claims_of(self.folder, photo)
        while True:
            if claims and (life := self._life_of(presence, claims[-1])) != "dead":
                return "theirs" if life == "alive" and is_claim_on(claims[-1], task.key) else "unclear"
            number = number_of(claims[-1]) + 1 if claims else 1
            if number > MOST:
                raise OutputError(f"{claims[-1]}: is no claim of a batch; remove it.")
            claim = claim_path(self.folder, photo, number)
            try:
                write_claim(claim, presence.run, task.key, photo)
            except FileExistsError:  # another run was faster
                claims.append(claim)
            else:
                return claim

    def _appear(self) -> Presence:
        """This run's sign of life in the folder, which is made where it is not there.

        Raises:
            OutputError: the folder is a link, or none.
        """
        if self.folder.is_symlink():  # it may lead to any folder of the user's
            raise OutputError(f"{self.folder}: is a link, which is not written through; remove it.")
        if os.path.lexists(self.folder) and not self.folder.is_dir():
            raise OutputError(
                f"{self.folder}: is no folder, so that runs cannot keep out of each other's way; remove it."
            )
        while True:
            self.folder.mkdir(parents=True, exist_ok=True)
            try:
                presence = Presence(self.folder, self.machine, self.clock)
                self._place = Place(self.output)
            except FileNotFoundError:  # another run has just tidied the folder away
                continue
            except OSError:  # a disk that takes one more folder, and no more files
                with suppress(OSError):
                    self.folder.rmdir()
                raise
            return presence

    def _check_place(self) -> None:
        if self._place is not None and self._place.has_gone():
            raise OutputError(gone(self.output))

    def _life_of(self, presence: Presence, claim: Path) -> Life:
        """Whether a claim holds; one whose run cannot be read was being written when its run ended, or is now."""
        run = run_of(claim)
        return presence.life_by(claim) if run is None else presence.life_of(run)

    def _is_evidence(self, claim: Path) -> bool:
        """Whether a dead run's claim tells of a photo that no line tells of."""
        photo = read_claim(claim).get("photo")
        try:
            return isinstance(photo, str) and os.path.lexists(self.output / photo) and self.ledger.made(photo) is None
        except DriveError:  # of the ledger
            return True

    def _was_left(self, task: Task, ours: Path) -> bool:
        """Whether a run was killed at a task; to be looked at when no other run can take its claim away any more."""
        return any(is_claim_on(claim, task.key) for claim in claims_of(self.folder, task.job.photo) if claim != ours)

    def _is_settled(self, task: Task) -> bool:
        """Whether another run did a task since it was planned, or failed at it."""
        now = self.ledger.entries().get(task.key)
        if now is None or now == task.before:
            return False
        return now.status == "failed" or is_made(task.key, task.job, self.ledger)

    def _is_ours(self, task: Task, claim: Path) -> bool:
        run = None if self._presence is None else self._presence.run
        return claims_of(self.folder, task.job.photo)[-1:] == [claim] and run_of(claim) == run

    def _remove(self, task: Task) -> None:
        for other in claims_of(self.folder, task.job.photo):  # the one that holds is the last
            unlink(other)
