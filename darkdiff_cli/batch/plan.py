"""Which jobs of a batch are still to be done, by what the ledger remembers."""

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from darkdiff_cli.batch.claims import Task, is_claimed
from darkdiff_cli.batch.jobs import Job
from darkdiff_cli.batch.kept import as_named_before, is_made, why_kept
from darkdiff_cli.batch.ledger import Entry, Ledger, job_key
from darkdiff_cli.batch.sidecar_times import SidecarTimes
from darkdiff_cli.enhancer import EnhanceSettings
from darkdiff_cli.errors import DarkdiffError
from darkdiff_cli.files import check_name, input_error
from darkdiff_cli.inputs import Inputs
from darkdiff_models.digest import model_digest
from darkdiff_models.finding import find_model, local_model
from darkdiff_models.hub import revision_of

LATER = frozenset({"quality", "long_side"})  # of `PhotoSettings`: what ledgers of earlier versions do not have


@dataclass(frozen=True)
class Plan:
    """What a run has to do.

    Attributes:
        tasks: in the folder's order.
        settled: how many files an earlier run did or gave up.
        lost: entries of what cannot be done: subfolders and files that cannot be read or have vanished, names of
            photos that are too long or taken.
        failed_before: how many of the settled failed.
        kept: how many of the lost have a photo's name that another file has already.
        left_out: names of raws that have too few stars.
        outdated: how many of the settled have a photo that is older than the raw's sidecar.
    """

    tasks: list[Task]
    settled: int
    lost: list[Entry]
    failed_before: int = 0
    kept: int = 0
    left_out: tuple[str, ...] = ()
    outdated: int = 0


def plan_batch(
    jobs: Sequence[Job], ledger: Ledger, settings: EnhanceSettings, weights: str, checksum: bool, retry_failed: bool
) -> Plan:
    """Which jobs are still to be done.

    Args:
        jobs: the raws of the batch.
        ledger: of the output folder.
        settings: what decides a photo; `overwrite` makes every photo again, and in the place of any file.
        weights: which model it is, see `identify_model`.
        checksum: know inputs by content.
        retry_failed: do what failed before as well.
    """
    known, words = ledger.entries(), words_of(settings)
    inputs, sidecars = Inputs(settings.exposure.dark), SidecarTimes()
    tasks, lost, settled, failed_before, kept, outdated = [], [], 0, 0, 0, 0
    for job in as_named_before(jobs, ledger):
        try:
            check_name(job.output)
            inputs.refuse(job.output)
            state = job.state(checksum)
            chosen = {**words, "output": job.photo.rsplit("/", 1)[-1]}
            key = job_key(f"{job.relative}|{state}", chosen, weights)
        except DarkdiffError as error:
            lost.append(Entry("", job.relative, job.photo, "failed", str(error)))
            continue
        entry = known.get(key)
        finished = entry is not None and entry.status == "done" and is_made(key, job, ledger)
        given_up = entry is not None and entry.status == "failed" and not retry_failed
        if (finished or given_up) and not settings.photo.overwrite:
            settled += 1
            failed_before += given_up
            outdated += finished and sidecars.are_newer(job.source, job.output)
            continue
        task = Task(job, key, entry, state, settings.photo.overwrite)
        if not settings.photo.overwrite and (why := why_kept(job, state, ledger, is_claimed(task))) is not None:
            kept += 1
            lost.append(Entry("", job.relative, job.photo, "failed", why))
        else:
            tasks.append(task)
    return Plan(tasks, settled, lost, failed_before, kept, outdated=outdated)


def words_of(settings: EnhanceSettings) -> dict[str, Any]:
    """What a ledger knows settings by: all that decides a photo.

    One of `LATER` counts only where it is given, so that a folder that was finished before is finished still.
    """
    words = asdict(replace(settings, photo=replace(settings.photo, overwrite=False)))
    words["photo"] = {name: value for name, value in words["photo"].items() if value is not None or name not in LATER}
    return words


def unreadable_entry(folder: Path, error: OSError) -> Entry:
    """What a batch says of a subfolder that cannot be read.

    Args:
        folder: of the batch.
        error: as the system raised it, with the subfolder's path.
    """
    relative = os.path.relpath(os.fsdecode(error.filename), folder)
    sentence = input_error(folder / relative, error, "the raws in it cannot be read")
    return Entry("", Path(relative).as_posix(), "", "failed", str(sentence))


@dataclass(frozen=True)
class KnownModel:
    """Which model a batch uses.

    Attributes:
        name: what to load; of a hub model with its revision, so that every worker and later run takes the same.
        digest: of its weights and settings; the name where there is no such model.
        pinned: the revision is that of an earlier run.
    """

    name: str
    digest: str
    pinned: bool = False


def identify_model(model: str, ledger: Ledger) -> KnownModel:
    """Which model it is, by its content.

    A hub model that is not in the local cache yet is downloaded first: its first digest must be the later ones, or a
    second run would make every photo again. For the same reason a batch keeps the revision that it began with, whatever
    is published since, until another is asked for.

    Args:
        model: "tiny", a folder, or a hub id, which may end in @revision.
        ledger: of the batch.
    """
    if (folder := local_model(model)) is not None:
        return _known(model, folder)
    repository, _, asked = model.partition("@")
    pinned = None if asked else ledger.revision(repository)
    try:
        folder = find_model(f"{repository}@{pinned}" if pinned else model)
    except FileNotFoundError:
        return KnownModel(model, model)  # the worker, which loads the model, says what is wrong
    revision = revision_of(folder)
    return _known(f"{repository}@{revision}" if revision else model, folder, pinned is not None)


def _known(name: str, folder: Path, pinned: bool = False) -> KnownModel:
    try:
        return KnownModel(name, model_digest(folder), pinned)
    except OSError:  # a file is out of reach: again the worker says which
        return KnownModel(name, name, pinned)
