"""Names of files: which are one file on some system, which a system refuses, and names of photos that are neither."""

import unicodedata
from collections import Counter
from collections.abc import Sequence
from os.path import splitext

RESERVED = frozenset(
    ["con", "prn", "aux", "nul", "conin$", "conout$"]
    + [f"{port}{number}" for port in ("com", "lpt") for number in "123456789¹²³"]
)
"""Devices of Windows, whatever suffix follows (Microsoft, "Naming Files, Paths, and Namespaces")."""
FORBIDDEN = frozenset('<>:"/\\|?*') | {chr(code) for code in range(32)}
"""Characters that no name has on Windows; after a colon follows a stream of the file."""


def folded(path: str) -> str:
    """A path as the least particular file system sees it: without case, in one form (Unicode, Sec. 3.13, D145)."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())


def photo_stems(raws: Sequence[str]) -> list[str]:
    """Where the photo of each raw goes, without the ending of its name.

    Raws whose photos would be one file, here or on another system, are told apart by their suffix: IMG.ARW and img.dng
    become IMG_ARW and img_dng. So a folder's photos are called the same on every system.

    Args:
        raws: paths of the raws, in the folders of their photos.
    """
    plain = Counter(folded(splitext(raw)[0]) for raw in raws)
    return [stem if plain[folded(stem)] == 1 else f"{stem}_{kind.lstrip('.')}" for stem, kind in map(splitext, raws)]


def numbered(stems: Sequence[str]) -> list[str]:
    """The same, and where two are still one file on some system (IMG_ARW, img_arw), a number on the later ones."""
    every, taken, told = {folded(stem) for stem in stems}, set[str](), list[str]()
    for stem in stems:
        name, number = stem, 2
        while folded(name) in taken or (name != stem and folded(name) in every):
            name, number = f"{stem}_{number}", number + 1
        taken.add(folded(name))
        told.append(name)
    return told


def windows_refuses(name: str) -> str | None:
    """Why a file cannot be called so on Windows, for a sentence; None where it can."""
    if odd := sorted(FORBIDDEN & set(name)):
        return f"has {odd[0]!r} in it"
    if name.endswith((".", " ")):
        return "ends in a dot or a space"
    if name.split(".")[0].rstrip(" ").casefold() in RESERVED:
        return "is the name of a device"
    return None
