"""`batch --lock-exposure`: one ratio, white balance and white level for a folder: a time-lapse does not flicker."""

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

from darkdiff_cli.batch.jobs import Job
from darkdiff_cli.decoder import Decoder
from darkdiff_cli.errors import DarkdiffError, SettingsError
from darkdiff_cli.files import atomically_by_any
from darkdiff_cli.raw import ExposureSettings, read_exposure
from darkdiff_cli.raw.develop import MAX_RATIO

NAME = "darkdiff-exposure.json"
LARGEST = 1e9  # of the numbers of a lock
SAMPLE = 25  # frames, evenly spread over the folder


@dataclass(frozen=True)
class ExposureLock:
    """The exposure of a folder.

    Attributes:
        source: the median frame, relative to the folder.
        ratio: its amplification ratio, exposure compensation left out.
        white_balance: its multipliers of red, green, blue.
        saturation: DN above black at which the sensor is full; the lowest of the sample, since only frames with
            something clipped in them tell that it is below the white level that the file names.
        sampled: how many frames it is the median of.
    """

    source: str
    ratio: float
    white_balance: tuple[float, float, float]
    saturation: float
    sampled: int

    def applied(self, settings: ExposureSettings) -> ExposureSettings:
        """The settings of every frame: this ratio, white balance and saturation, and no other white level."""
        return replace(settings, ratio=self.ratio, wb=self.white_balance, saturation=self.saturation, white="file")

    def __str__(self) -> str:
        """One sentence for the user."""
        balance = ", ".join(f"{gain:.3g}" for gain in self.white_balance)
        median = f"{self.source}, the median of {self.sampled}"
        return f"exposure locked to {median}: x{self.ratio:.3g}, white balance {balance}"


def lock_exposure(
    jobs: Sequence[Job], output: Path, settings: ExposureSettings, timeout: float, anew: bool, store: bool
) -> ExposureLock | None:
    """The exposure of a folder: the one that an earlier run stored beside the ledger, else measured and stored now.

    A stored lock holds for later files too, so that a second run over a folder that has grown makes only what is new.
    It is measured again where settings of development have changed that it depends on.

    Args:
        jobs: every raw of the batch.
        output: root of the photos.
        settings: how raws are developed, without a lock.
        timeout: seconds that one file may take to decode.
        anew: do not take the stored one.
        store: write it down; a dry run does not.

    Returns:
        The lock; None where no file can be read.

    Raises:
        SettingsError: the folder holds raws of several cameras.
        OutputError: it cannot be stored.
    """
    path, basis = output / NAME, _basis(settings)
    if not anew and (known := _stored(path, basis)) is not None:
        return known
    lock = measure_lock(jobs, settings, timeout)
    if lock is not None and store:
        text = json.dumps({"settings": basis, "lock": asdict(lock)}, indent=1) + "\n"
        atomically_by_any(path, lambda partial: partial.write_text(text, encoding="utf-8"))
    return lock


def measure_lock(jobs: Sequence[Job], settings: ExposureSettings, timeout: float) -> ExposureLock | None:
    """Read a sample of a folder and take its median frame by ratio, the darker one of two.

    Files that cannot be read are passed over; where that is the whole sample, the first readable file decides.

    Args:
        jobs: every raw of the batch.
        settings: how raws are developed.
        timeout: seconds that one file may take to decode.

    Raises:
        SettingsError: the sample holds raws of several cameras.
    """
    count = min(SAMPLE, len(jobs))
    chosen = [jobs[(2 * index + 1) * len(jobs) // (2 * count)] for index in range(count)]
    rest = (job for job in jobs if job not in chosen)
    with Decoder(timeout, option="--timeout") as decoder:
        found = list(_exposures(decoder, chosen, settings)) or list(islice(_exposures(decoder, rest, settings), 1))
    if not found:
        return None
    cameras = sorted({camera for camera, _ in found})
    if len(cameras) > 1:
        raise SettingsError(
            f"--lock-exposure: {jobs[0].folder} holds raws of {' and '.join(cameras)}, which do not count light alike; "
            "leave one camera with --include, and give each a folder of its own with -o."
        )
    locks = sorted((lock for _, lock in found), key=lambda lock: (lock.ratio, lock.source))
    saturation = min(lock.saturation for lock in locks)
    return replace(locks[len(locks) // 2], saturation=saturation, sampled=len(locks))


def _exposures(decoder: Decoder, jobs: Iterable[Job], settings: ExposureSettings) -> Iterator[tuple[str, ExposureLock]]:
    """The camera of each file that can be read, and its exposure."""
    for job in jobs:
        with suppress(DarkdiffError):  # the batch says what is wrong with it
            exposure = decoder.run(job.source, read_exposure, job.source, replace(settings, ev=0.0))
            frame = exposure.frame
            saturation = frame.white_level - frame.black_level.mean
            camera = f"{frame.metadata.make or ''} {frame.metadata.model or ''}".strip() or "an unknown camera"
            yield camera, ExposureLock(job.relative, exposure.ratio, frame.white_balance, saturation, 1)


def _basis(settings: ExposureSettings) -> dict[str, Any]:
    """What a lock depends on, as JSON gives it back."""
    words = asdict(replace(settings, ev=0.0, white="file"))
    return dict(json.loads(json.dumps(words, default=str)))


def _stored(path: Path, basis: dict[str, Any]) -> ExposureLock | None:
    """The lock of an earlier run; None where there is none, where it is of other settings, or damaged."""
    try:
        found = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
        if found["settings"] != basis:
            return None
        lock = ExposureLock(**found["lock"])
        red, green, blue = lock.white_balance
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    numbers = (lock.ratio, lock.saturation, lock.sampled, red, green, blue)
    if not all(type(number) in (int, float) and 1 / LARGEST < number < LARGEST for number in numbers):
        return None
    usable = isinstance(lock.source, str) and type(lock.sampled) is int and lock.ratio <= MAX_RATIO
    return replace(lock, white_balance=(red, green, blue)) if usable else None
