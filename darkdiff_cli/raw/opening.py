"""Open a raw file with LibRaw. The only module that imports rawpy."""

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import rawpy

from darkdiff_cli.errors import InputError, MemoryLimitError, UnreadableError
from darkdiff_cli.files import check_input, input_error
from darkdiff_cli.raw.damage import overheard
from darkdiff_cli.raw.unsupported import why_not_decoded

LIBRAW_VERSION = ".".join(str(part) for part in rawpy.libraw_version)
DHT = rawpy.DemosaicAlgorithm.DHT
"""LibRaw's demosaicing by directions; X-Trans gets LibRaw's own three passes instead."""
BLOCK = 1 << 20  # bytes read at once
LARGEST = 1 << 32  # bytes, as far as the offsets of TIFF reach
LARGEST_RAW = (1 << 31) - 1  # bytes, of LibRaw
Raw = rawpy.RawPy
"""An open raw file."""


@contextmanager
def open_raw(path: Path, heard: list[str] | None = None) -> Iterator[Raw]:
    """Open a raw file; every error of LibRaw becomes one sentence, and what it says on standard error is caught.

    Args:
        path: the file.
        heard: gets LibRaw's warnings when the file is closed, see `overheard`. None drops them: for a second look at a
            file that `read_raw` has read.

    Raises:
        InputError: the file is missing or of a kind that LibRaw cannot decode, which the sentence names.
        UnreadableError: it is a folder, a device or a pipe, or it is empty, no raw file, truncated, or damaged.
        DriveError: its drive does not give it, or not whole, which LibRaw takes for a damaged file.
        MemoryLimitError: the decoded frame does not fit into memory.
    """
    check_input(path)
    heard = [] if heard is None else heard
    try:
        with overheard(path, heard), path.open("rb") as file, rawpy.imread(_name(path) or file) as raw:
            yield raw
    except (rawpy.LibRawUnsufficientMemoryError, MemoryError) as error:
        raise MemoryLimitError(f"{path}: does not fit into memory; close other programs and try again.") from error
    except rawpy.LibRawError as error:
        if isinstance(error, rawpy.LibRawTooBigError) and (size := path.stat().st_size) > LARGEST_RAW:
            limits = f"{size / 1e9:.1f} GB, and no raw that LibRaw reads has more than {LARGEST_RAW / 1e9:.1f}"
            raise UnreadableError(f"{path}: is too large ({limits}); copy it again from the card.") from error
        _check_drive(path)
        raise _refusal(error, path, heard) from error
    if heard:
        _check_drive(path)


def _check_drive(path: Path) -> None:
    """Read a file from end to end, or the first of one that is larger than any photo.

    Raises:
        DriveError: its drive does not give it whole.
    """
    try:
        with path.open("rb") as file:
            while file.read(BLOCK) and file.tell() < LARGEST:
                pass
    except OSError as error:
        raise input_error(path, error) from error


def known_by_size_alone(path: Path) -> bool:
    """Whether only the size of a file that LibRaw opens makes it a raw: with one byte more it is none."""
    try:
        with overheard(path, []), rawpy.imread(io.BytesIO(path.read_bytes() + b"\0")):
            return False
    except rawpy.LibRawError:
        return True


def _refusal(error: rawpy.LibRawError, path: Path, heard: Sequence[str]) -> InputError:
    """The error of a file that LibRaw refuses; only where its kind is known is it certain that the file is whole."""
    unsupported = isinstance(error, rawpy.LibRawFileUnsupportedError | rawpy.LibRawNotImplementedError)
    known = why_not_decoded(path, unsupported)
    if known is not None:
        return InputError(f"{path}: {known}.")
    return UnreadableError(f"{path}: {_reason(error, unsupported, heard)}.")


def _reason(error: rawpy.LibRawError, unsupported: bool, heard: Sequence[str]) -> str:
    if unsupported:
        return "not a raw file that LibRaw knows; give the camera's original file"
    if isinstance(error, rawpy.LibRawTooBigError):
        return "claims an impossible size, so it is damaged; copy it again from the card"
    if heard:
        return f"is truncated or damaged ({', '.join(heard)}); copy it again from the card"
    if isinstance(error, rawpy.LibRawIOError | rawpy.LibRawDataError):
        return "is no raw file, or it is truncated or damaged; copy it again from the card"
    return f"LibRaw cannot decode it ({error}); give the camera's original file"


def _name(path: Path) -> str | None:
    """The file's name for LibRaw; None for one that is no UTF-8, whose content LibRaw gets instead."""
    try:
        return path.as_posix().encode().decode()
    except UnicodeEncodeError:
        return None
