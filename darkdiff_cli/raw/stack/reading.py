"""From the files of a burst to one frame and its amplification ratio."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from darkdiff_cli.errors import DriveError, InputError, MemoryLimitError, SettingsError, UnreadableError
from darkdiff_cli.files import same_content, same_file
from darkdiff_cli.progress import Progress
from darkdiff_cli.raw.corrections import read_corrected
from darkdiff_cli.raw.damage import doubts_of
from darkdiff_cli.raw.exposure import Exposure, exposed
from darkdiff_cli.raw.frame import RawFrame
from darkdiff_cli.raw.settings import ExposureSettings
from darkdiff_cli.raw.squares import as_bayer
from darkdiff_cli.raw.stack.merging import Merger
from darkdiff_cli.words import counted


def read_stack(
    paths: Sequence[Path],
    settings: ExposureSettings,
    report: Progress | None = None,
    read: Callable[[Path, ExposureSettings], RawFrame] = read_corrected,
) -> Exposure:
    """Read frames of one scene, correct each by itself, and average them as mosaics.

    Two frames are in memory at a time, however many there are. One that cannot be read, or not be aligned with the
    first, is left out, and a note of the result says so. Where notes say that the first is damaged, the next one that
    is whole takes its place, unless nothing fits that: the stack keeps the holes of the frame that all others are
    aligned with.

    Args:
        paths: raw files of one camera, two or more; all others are aligned with the first.
        settings: as for a single photo; the ratio is that of the mean, so that of one frame.
        report: called with ("read", done, total).
        read: gives a corrected frame, as `read_corrected`; it may do so in a process of its own.

    Returns:
        The stacked frame, above black, with everything but the pixels from the first one; how many frames it is made
        of, and their exposure time together. Frames of quad Bayer are stacked as those of the Bayer sensor that their
        squares make up.

    Raises:
        SettingsError: it is one file alone, or one file twice, under one name or two.
        InputError: the first cannot be read; another is missing, no raw that can be decoded, or of another camera,
            size or filter; or fewer than two are left.
        MemoryLimitError: the first, or the stack, does not fit into memory.
    """
    _check_paths(paths)

    def joined(path: Path, given: ExposureSettings) -> RawFrame:
        """Stacked as they are, mosaics of quad Bayer gave worse photos than one frame (docs/experiments.md)."""
        return as_bayer(read(path, given))

    try:
        chosen, first = _reference(paths, settings, joined)
        merged = _merged(paths, chosen, first, settings, report, joined)
        if len(merged.times) < 2 and chosen != paths[0]:  # that one is of another scene
            chosen, first = paths[0], joined(paths[0], settings)
            merged = _merged(paths, chosen, first, settings, report, joined)
    except MemoryError as error:
        what = "the stack does not fit into memory; close other programs, or take frames of a smaller size"
        raise MemoryLimitError(f"{paths[0]}: {what}.") from error
    merger, times, notes = merged
    if chosen != paths[0]:
        notes.insert(0, f"the frames are aligned with {chosen.name}, since there are doubts about {paths[0].name}")
    if len(times) < 2:
        others = counted(len(paths) - 1, "other frame")
        notes = [*doubts_of(chosen.name, first.notes), *notes]
        raise InputError(
            f"{chosen}: none of {others} can be stacked on it ({'; '.join(notes)}); choose frames of one scene."
        )
    seconds = None if None in times else sum(time for time in times if time is not None)
    stacked = merger.stacked()
    whole = exposed(replace(stacked, notes=(*stacked.notes, *notes)), settings, len(times), seconds)
    return replace(whole, known_noise=merger.noise_left(), noise_share=merger.noise_share())


class _Merged(NamedTuple):
    """What frames have become: their sum, the exposure time of each that is in it, and notes on the others."""

    merger: Merger
    times: list[float | None]
    notes: list[str]


def _merged(
    paths: Sequence[Path],
    chosen: Path,
    first: RawFrame,
    settings: ExposureSettings,
    report: Progress | None,
    read: Callable[[Path, ExposureSettings], RawFrame],
) -> _Merged:
    """The frames that can be aligned with one of them; arguments as of `read_stack`."""
    merged = _Merged(Merger(first), [first.metadata.exposure_time], [])
    for done, path in enumerate((path for path in paths if path != chosen), start=1):
        if report is not None:
            report("read", done, len(paths))
        try:
            other = read(path, settings)
        except (UnreadableError, DriveError, MemoryLimitError) as error:
            reason = str(error).removeprefix(f"{path}: ").removesuffix(".")
            merged.notes.append(f"{path.name} cannot be read and is left out: {reason}")
            continue
        _check_fits(other, first)
        misfit = merged.merger.add(other)
        if misfit is None:
            merged.times.append(other.metadata.exposure_time)
        else:
            merged.notes.append(f"{path.name} {misfit} and is left out")
        merged.notes.extend(doubts_of(path.name, other.notes))
    return merged


def _reference(
    paths: Sequence[Path], settings: ExposureSettings, read: Callable[[Path, ExposureSettings], RawFrame]
) -> tuple[Path, RawFrame]:
    """The frame that the others are aligned with: the first without notes of damage, or the first of all."""
    first = read(paths[0], settings)
    if _is_whole(first):
        return paths[0], first
    for path in paths[1:]:
        try:
            other = read(path, settings)
        except (UnreadableError, DriveError, MemoryLimitError):
            continue  # which is said when its turn comes
        if _is_whole(other):
            return path, other
    return paths[0], first


def _is_whole(frame: RawFrame) -> bool:
    return not any(doubts_of("", frame.notes))


def _check_paths(paths: Sequence[Path]) -> None:
    if len(paths) < 2:
        raise SettingsError("--stack: needs two or more frames of one scene; name them all, or drop --stack.")
    for number, path in enumerate(paths):
        if any(same_file(path, other) for other in paths[:number]):
            raise SettingsError(f"--stack: {path} is named twice, which adds no light; name each frame once.")
        if (twin := next((other for other in paths[:number] if same_content(path, other)), None)) is not None:
            raise SettingsError(f"--stack: {path} is a copy of {twin}, which adds no light; name each frame once.")


def _check_fits(other: RawFrame, first: RawFrame) -> None:
    """Refuse a frame of another camera, size or filter than the first."""
    named = [" ".join(filter(None, (frame.metadata.make, frame.metadata.model))) for frame in (other, first)]
    kinds = [
        f"{frame.mosaic_dn.shape[1]}x{frame.mosaic_dn.shape[0]} {'demosaiced' if frame.cfa is None else frame.cfa.name}"
        for frame in (other, first)
    ]
    if other.metadata.model and first.metadata.model and other.metadata.model != first.metadata.model:
        kinds = named
    if kinds[0] != kinds[1]:
        raise InputError(
            f"{other.path}: is of {kinds[0]}, but {first.path} is of {kinds[1]}; stack frames of one camera and mode."
        )
