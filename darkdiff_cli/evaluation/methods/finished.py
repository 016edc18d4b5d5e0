"""A folder of finished pictures, scored beside the models."""

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from darkdiff_cli.errors import InputError, SettingsError
from darkdiff_cli.evaluation.methods.given import named, read_picture
from darkdiff_cli.evaluation.methods.method import Method, Picture
from darkdiff_cli.raw import RawFrame
from darkdiff_models.digest import file_sha256

SUFFIXES = (".tif", ".tiff", ".png", ".jpg", ".jpeg", ".webp")


class Finished(Method):
    """Pictures that somebody made of the dark raws, each named as its raw.

    Args:
        word: FOLDER or NAME=FOLDER; without a name it is the folder's.
        raws: the dark raws of all pairs.

    Raises:
        SettingsError: there is no such folder, it holds a picture of none of the raws, or two of one of them.
    """

    def __init__(self, word: str, raws: Sequence[Path]) -> None:
        name, place = named(word)
        self.folder = Path(place)
        self.name = name or self.folder.absolute().name
        if not self.folder.is_dir():
            raise SettingsError(f"--pictures {word}: {self.folder} is no folder.")
        self.pictures = pictures_of(raws, self.folder)
        if not self.pictures:
            raise SettingsError(
                f"--pictures {word}: holds no picture of any of the dark raws; name each as its raw, such as "
                f"{raws[0].stem}.tif, and put it below a folder of the same name where two raws have one name."
            )

    @cached_property
    def identity(self) -> str:
        """Name and content of the pictures."""
        digest = hashlib.sha256()
        for raw, picture in sorted(self.pictures.items()):
            digest.update(f"{raw.name}|{file_sha256(picture)}|".encode())
        return f"{self.name} pictures {digest.hexdigest()[:32]}"

    def render(self, dark: RawFrame, clean: RawFrame | None, ratio: float) -> Picture:  # noqa: ARG002
        """The picture of the dark raw.

        Raises:
            InputError: there is none, or it is no picture in colour.
        """
        picture = self.pictures.get(dark.path) if dark.path is not None else None
        if picture is None:
            raise InputError(f"{dark.path}: {self.folder} holds no picture of it.")
        return read_picture(picture, f"{picture}: is")


def pictures_of(raws: Sequence[Path], folder: Path) -> dict[Path, Path]:
    """Which picture belongs to which raw.

    Args:
        raws: of all pairs.
        folder: of the pictures, in any depth.

    Returns:
        By raw, the picture of the same name without its ending. Where several raws have one name, as in ELD, it is the
        picture whose folders below `folder` are those that the raw lies in.

    Raises:
        SettingsError: two pictures could be of one raw.
    """
    pictures, alike = defaultdict(list), defaultdict(list)
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() in SUFFIXES and path.is_file():
            pictures[path.stem].append(path)
    for raw in dict.fromkeys(raws):
        alike[raw.stem].append(raw)
    found = {}
    for stem, namesakes in alike.items():
        for raw in namesakes:
            own = [path for path in pictures[stem] if len(namesakes) == 1 or _beside(path.relative_to(folder), raw)]
            if len(own) > 1:
                raise SettingsError(f"{own[0]} and {own[1]} could both be the picture of {raw}; leave one of them out.")
            if own:
                found[raw] = own[0]
    return found


def _beside(picture: Path, raw: Path) -> bool:
    """Whether the folders of a picture are the last ones that a raw lies in."""
    folders = picture.parent.parts  # none are nobody's: the slice is then the whole path
    return raw.absolute().parent.parts[-len(folders) :] == folders
