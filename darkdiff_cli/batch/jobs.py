"""What a batch has to do: every raw of a folder, and where its photo goes."""

import hashlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from darkdiff_cli.errors import InputError
from darkdiff_cli.files import input_error, same_file
from darkdiff_cli.formats import OWN
from darkdiff_cli.names import numbered, photo_stems
from darkdiff_cli.raw import RAW_SUFFIXES


@dataclass(frozen=True, slots=True)
class Job:
    """One raw file; small, for there may be millions.

    Attributes:
        folder: of the batch.
        relative: the raw inside it, with forward slashes: its name in the ledger.
        root: of the photos.
        photo: the photo inside it, with forward slashes.
    """

    folder: Path
    relative: str
    root: Path
    photo: str

    @property
    def source(self) -> Path:
        """The raw."""
        return self.folder / self.relative

    @property
    def output(self) -> Path:
        """The photo to write."""
        return self.root / self.photo

    def state(self, checksum: bool) -> str:
        """What tells this input from another of its name: size and time, or content.

        Raises:
            InputError: the file has vanished or cannot be read.
        """
        try:
            if checksum and self.source.is_file():  # a pipe or a device would not end
                digest = hashlib.blake2b(digest_size=16)
                with self.source.open("rb") as file:
                    while chunk := file.read(1 << 20):
                        digest.update(chunk)
                return digest.hexdigest()
            stat = self.source.stat()
        except FileNotFoundError as error:
            what = "is a link that leads to no file" if self.source.is_symlink() else "is not there any more"
            raise InputError(f"{self.source}: {what}; run the batch again without it.") from error
        except OSError as error:
            raise input_error(self.source, error) from error
        return f"{stat.st_size}|{stat.st_mtime_ns}"


def find_jobs(
    folder: Path,
    output: Path,
    suffix: str,
    recursive: bool = False,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    darks: Sequence[Path] = (),
    on_unreadable: Callable[[OSError], object] | None = None,
) -> list[Job]:
    """The raws of a folder in a fixed order, each with its own output; the folder's structure is kept.

    Hidden files and folders, the batch's own output folder, the program's own DNGs and links to folders are left out.
    Inputs that would write the same photo (IMG.ARW beside IMG.DNG), here or on another system (img.arw), are told apart
    by their suffix, and where that is the same too, by a number.

    Args:
        folder: to search.
        output: root of the photos.
        suffix: of the photos, such as ".jpg".
        recursive: go into subfolders.
        include, exclude: patterns on the name or on the relative path, whatever the case; without `include` every raw
            is taken.
        darks: dark frames, which are no photos.
        on_unreadable: called with the error of each subfolder that cannot be read.

    Raises:
        InputError: no such folder, or it cannot be read.
    """
    if os.path.isfile(folder):
        raise InputError(f"{folder}: is a file; give its folder, or the file to darkdiff enhance.")
    try:
        os.scandir(folder).close()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise InputError(f"{folder}: no such folder; give the folder of raw files.") from error
    except OSError as error:
        raise input_error(folder, error) from error
    found: list[str] = []
    for place, folders, names in os.walk(folder, onerror=on_unreadable):  # follows no links, so link loops do no harm
        here = Path(place)
        folders[:] = sorted(
            name for name in folders if recursive and not name.startswith(".") and not same_file(here / name, output)
        )
        for name in sorted(names):
            path = here / name
            relative = path.relative_to(folder).as_posix()
            if name.startswith(".") or path.suffix.lower() not in RAW_SUFFIXES or name.lower().endswith(f"{OWN}.dng"):
                continue
            if include and not _matches(relative, include):
                continue
            if not _matches(relative, exclude) and not any(same_file(path, dark) for dark in darks):
                found.append(relative)
    stems = numbered(photo_stems(found))
    return [Job(folder, relative, output, f"{stem}{OWN}{suffix}") for relative, stem in zip(found, stems, strict=True)]


def _matches(relative: str, patterns: Sequence[str]) -> bool:
    """Whether a pattern matches the name or the path, whatever the case: one camera writes .ARW, another .arw."""
    path, small = relative.lower(), [pattern.lower() for pattern in patterns]
    return any(fnmatch(path.rsplit("/", 1)[-1], pattern) or fnmatch(path, pattern) for pattern in small)
