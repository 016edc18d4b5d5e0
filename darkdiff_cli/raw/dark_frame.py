"""Dark frames: what the sensor shows without light, subtracted from the photo."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import product
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter

from darkdiff_cli.capture import CaptureMetadata
from darkdiff_cli.errors import InputError
from darkdiff_cli.files import same_file
from darkdiff_cli.raw.binning import binned
from darkdiff_cli.raw.clipped_black import without_clipped_noise
from darkdiff_cli.raw.damage import doubts_of
from darkdiff_cli.raw.frame import RawFrame
from darkdiff_cli.raw.opcodes.corrections import without_listed_defects
from darkdiff_cli.raw.reader import read_raw
from darkdiff_cli.raw.settings import ExposureSettings

SAME_TIME = 0.1  # share by which exposure times may differ without a word
PLACE, LEAST_PLACES, SMOOTH = 8, 6, 9  # LRGB pixels along a side; places along a part's side, and those that are smooth
LIT = 0.25  # of the white level, as much as no dark current reaches over a whole place, unless it glows
ALIKE = 0.15  # correlation of neighbours; dark scenes at x300 have 0.12 to 0.42, dark current and readout 0
TINY = 1e-12


@dataclass(frozen=True)
class DarkFrame:
    """The mean of one or more exposures with the lens covered.

    Attributes:
        frame: the first of them, above its own black, with the mean of all as its pixels.
        shots: path and capture settings of each.
        notes: sentences about files that are damaged, whose black level is doubtful, or that show light.
    """

    frame: RawFrame
    shots: tuple[tuple[Path, CaptureMetadata], ...]
    notes: tuple[str, ...] = ()


def without_dark(frame: RawFrame, settings: ExposureSettings) -> RawFrame:
    """Subtract the mean of the dark frames, giving float32; unchanged where none are given.

    A dark frame above its own black holds the dark current, its hot pixels and the fixed pattern of the readout; noise
    of the photo keeps its mean, and gets that of the dark frames on top: the more are averaged, the less. What is
    saturated stays saturated.

    Args:
        frame: with the corrections of stored values.
        settings: `dark` are the files; `black` holds for them too.

    Raises:
        InputError: a dark frame cannot be read, is the photo itself, or has another size or colour filter.
    """
    if not settings.dark:
        return frame
    if frame.path is not None and any(same_file(path, frame.path) for path in settings.dark):
        raise InputError(f"{frame.path}: is its own dark frame; give --dark one that was shot with the lens covered.")
    dark = read_dark(settings.dark, settings.black)
    _check_fits(dark.shots[0][0], dark.frame, frame, str(frame.path or "the photo"))
    above = frame.above_black()
    light = above.light_dn()
    left = np.where(light < above.white_level, light - dark.frame.light_dn(), light)
    return replace(above, mosaic_dn=left, notes=(*above.notes, *dark.notes, *differences(dark, frame.metadata)))


def read_dark(paths: Sequence[Path], black: float | None) -> DarkFrame:
    """Read and average dark frames; those that were read last are kept, one set for each process.

    Args:
        paths: raw files of one camera.
        black: black level in DN instead of the files' own.

    Raises:
        InputError: a file cannot be read, or they have different sizes or colour filters.
    """
    return _read_dark(tuple((path, _stamp(path)) for path in paths), black)


def differences(dark: DarkFrame, photo: CaptureMetadata) -> Iterator[str]:
    """A sentence for each dark frame that was not taken as the photo was."""
    for path, shot in dark.shots:
        found = [
            f"by a {' '.join(filter(None, (shot.make, shot.model)))}" if _differ(shot.model, photo.model) else "",
            f"at ISO {shot.iso} and not {photo.iso}" if _differ(shot.iso, photo.iso) else "",
            f"for {shot.exposure_time:.4g} s and not {photo.exposure_time:.4g} s"
            if shot.exposure_time
            and photo.exposure_time
            and abs(shot.exposure_time / photo.exposure_time - 1) > SAME_TIME
            else "",
        ]
        if any(found):
            yield f"the dark frame {path.name} was taken {', '.join(filter(None, found))}, so it may not fit this photo"


@lru_cache(maxsize=1)
def _read_dark(stamped: tuple[tuple[Path, tuple[int, int]], ...], black: float | None) -> DarkFrame:
    paths = [path for path, _ in stamped]
    first: RawFrame | None = None
    total: NDArray[np.float64] | None = None
    shots: list[tuple[Path, CaptureMetadata]] = []
    notes: list[str] = []
    for path in paths:
        frame = read_raw(path, black)
        notes += doubts_of(f"the dark frame {path.name}", frame.notes)
        for correction in (without_listed_defects, without_clipped_noise):
            frame = correction(frame, ExposureSettings())
        frame = frame.above_black()
        if (share := lit_share(frame)) > 0:
            notes.append(
                f"the dark frame {path.name} is bright in parts ({share:.1%} of it), which is taken off the photo: "
                "check whether the lens was covered, and the file is whole"
            )
        if first is None or total is None:
            first, total = frame, frame.light_dn().astype(np.float64)
        else:
            _check_fits(path, frame, first, str(paths[0]))
            total += frame.light_dn()
        shots.append((path, frame.metadata))
    assert first is not None and total is not None
    mean = (total / len(paths)).astype(np.float32)
    if shows_a_picture(replace(first, mosaic_dn=mean)):
        name = f"the dark frame {paths[0].name}" if len(paths) == 1 else "the mean of the dark frames"
        notes.append(f"{name} shows a picture, which is taken off the photo: check whether the lens was covered")
    return DarkFrame(replace(first, mosaic_dn=mean), tuple(shots), tuple(notes))


def lit_share(frame: RawFrame) -> float:
    """The share of a frame's places that are as bright as no place of a dark frame is, single hot pixels apart.

    Args:
        frame: above black.
    """
    places = _places(binned(frame).mean(axis=-1))
    return float(np.mean(places > LIT * frame.white_level)) if places.size else 0.0


def shows_a_picture(frame: RawFrame) -> bool:
    """Whether neighbouring places of a frame are bright together, as in a picture and not in a dark frame.

    Diagonal neighbours: lines of the readout do not count. Most parts of the frame have to be so, and what is smooth
    over many places is left aside: a sensor glows at its borders.

    Args:
        frame: above black. One of few photosites never does.
    """
    places = _places(binned(frame).sum(axis=-1))
    high, wide = places.shape
    if min(high, wide) < 4 * LEAST_PLACES:
        return False
    for axis in (1, 0):
        places = places - np.median(places, axis=axis, keepdims=True)
    places -= uniform_filter(places, SMOOTH)
    alike = (places[1:, 1:] * places[:-1, :-1] + places[1:, :-1] * places[:-1, 1:]) / 2
    parts = [np.ix_(*part) for part in product(*(np.array_split(np.arange(n - 1), 4) for n in (high, wide)))]
    return bool(np.median([alike[part].mean() / max(places[part].var(), TINY) for part in parts]) > ALIKE)


def _places(light: NDArray[np.float32]) -> NDArray[np.float32]:
    """(h, w) -> (h / PLACE, w / PLACE) the median of each place, whatever hot pixels there are."""
    high, wide = (length // PLACE for length in light.shape)
    cut = light[: high * PLACE, : wide * PLACE].reshape(high, PLACE, wide, PLACE)
    return np.asarray(np.median(cut, axis=(1, 3)))


def _check_fits(path: Path, dark: RawFrame, photo: RawFrame, name: str) -> None:
    if dark.mosaic_dn.shape != photo.mosaic_dn.shape or dark.cfa != photo.cfa:
        sizes = [f"{frame.mosaic_dn.shape[1]}x{frame.mosaic_dn.shape[0]} {frame.cfa}" for frame in (dark, photo)]
        raise InputError(
            f"{path}: is a dark frame of {sizes[0]}, but {name} is {sizes[1]}; take it with the same camera and mode."
        )


def _stamp(path: Path) -> tuple[int, int]:
    """Time and size of a file, so that one that is replaced is read again."""
    try:
        stat = path.stat()
    except OSError:
        return (0, 0)  # `read_raw` says what is wrong
    return stat.st_mtime_ns, stat.st_size


def _differ(first: object, second: object) -> bool:
    return first is not None and second is not None and first != second
