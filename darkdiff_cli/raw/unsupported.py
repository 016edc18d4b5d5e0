"""Name the kinds of raw that cannot be decoded, and say what to do instead."""

from pathlib import Path
from typing import Any, NamedTuple

from darkdiff_cli.raw.tiff import open_tiff

DNG_CONVERTER = "convert it with Adobe DNG Converter"


class Kind(NamedTuple):
    """A kind of file that cannot be decoded.

    Attributes:
        name: completes "it is ...".
        remedy: what to do.
    """

    name: str
    remedy: str

    def __str__(self) -> str:
        return f"is {self.name}; {self.remedy}"


def _undecoded(name: str, remedy: str) -> Kind:
    return Kind(f"{name}, which cannot be decoded", remedy)


COMPRESSIONS = {
    9: _undecoded("compressed with VC-5 (GoPro GPR)", DNG_CONVERTER),
    8: _undecoded("compressed with Deflate", "save the DNG uncompressed or with lossless JPEG"),
    7: _undecoded("compressed with JPEG in an unusual form", f"save the DNG uncompressed, or {DNG_CONVERTER}"),
    32946: _undecoded("compressed with Deflate", "save the DNG uncompressed or with lossless JPEG"),
    34713: _undecoded("a high-efficiency (HE or HE*) NEF", f"shoot lossless compressed raws, or {DNG_CONVERTER}"),
    34892: _undecoded("a DNG of lossy JPEG", "save it with lossless compression"),
    34933: _undecoded("compressed with PNG", "save the DNG uncompressed or with lossless JPEG"),
    34934: _undecoded("compressed with JPEG XR", "save the DNG uncompressed or with lossless JPEG"),
    50002: _undecoded("a DNG of JPEG XL", "save it without JPEG XL: uncompressed, or with lossless JPEG"),
    52546: _undecoded("a DNG of JPEG XL", "save it without JPEG XL: uncompressed, or with lossless JPEG"),
}  # fmt: skip
"""By TIFF Compression (tag 259), from the DNG specification 1.7.1 and ExifTool's list of tag values."""

PICTURE = "give the raw file beside it"
CONTENTS: tuple[tuple[int, bytes, Kind], ...] = (
    (0, b"FOVb", _undecoded("a Foveon X3F (three layers instead of a filter)", "use Sigma Photo Pro")),
    (0, b"RED1", _undecoded("RED video (R3D)", "export single frames as DNG")),
    (0, b"RED2", _undecoded("RED video (R3D)", "export single frames as DNG")),
    (4, b"ftypheic", Kind("an HEIF picture (HDR PQ of Canon, for instance) and no raw", PICTURE)),
    (4, b"ftypheix", Kind("an HEIF picture (HDR PQ of Canon, for instance) and no raw", PICTURE)),
    (4, b"ftypmif1", Kind("an HEIF picture and no raw", PICTURE)),
    (0, b"\xff\xd8\xff", Kind("a JPEG picture and no raw", PICTURE)),
    (0, b"\x89PNG", Kind("a PNG picture and no raw", PICTURE)),
)  # fmt: skip
"""By the first bytes: offset, bytes, kind."""
FOVEON = CONTENTS[0][2]
CRX = b"ftypcrx "
UNDECODED_CR3 = _undecoded(
    "a CR3 of an unusual mode (HDR PQ or raw burst, for instance)",
    f"{DNG_CONVERTER}, or export a frame with Canon's Digital Photo Professional",
)


def why_not_decoded(path: Path, unsupported: bool) -> str | None:
    """Name the kind of a file that LibRaw could not decode.

    Args:
        path: the file.
        unsupported: LibRaw says that it does not know this kind; else that the content is damaged, and then only kinds
            that never decode are named.

    Returns:
        What it is and what to do, to follow the file's name in a sentence; None where the file does not tell.
    """
    try:
        with path.open("rb") as file:
            start = file.read(32)
    except OSError:
        return None
    for offset, mark, kind in CONTENTS:
        if start[offset:].startswith(mark) and (unsupported or kind is FOVEON):
            return str(kind)
    if not unsupported:
        return None
    if start[4:].startswith(CRX):
        return str(UNDECODED_CR3)
    named = COMPRESSIONS.get(raw_compression(path) or 0)
    return None if named is None else str(named)


def is_foveon(path: Path) -> bool:
    """Whether a file is an X3F of Sigma."""
    with path.open("rb") as file:
        return file.read(4) == b"FOVb"


def raw_compression(path: Path) -> int | None:
    """The TIFF compression of the largest picture of a raw that is built as TIFF, None for any other file.

    A preview may be as large as the raw; it is marked as a reduced picture.
    """
    try:
        with open_tiff(path) as tiff:
            pages: list[Any] = [tiff.pages.first, *(tiff.pages.first.pages or ())]
            largest = max(pages, key=lambda page: (int(page.imagewidth) * int(page.imagelength), not page.is_reduced))
            return int(largest.compression)
    except Exception:  # tifffile raises errors of many kinds on what is no TIFF
        return None
