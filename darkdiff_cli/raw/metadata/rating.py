"""How many stars a raw has, read so fast that a folder of thousands can be chosen by them."""

from functools import partial
from pathlib import Path

from darkdiff_cli.raw.metadata import RATING, Source, exif, read_metadata
from darkdiff_cli.raw.metadata.sidecar import read_xmp

QUICK = (
    Source("ExifRead", partial(exif.read_own, maker_notes=False)),
    Source("ExifRead, block in the file", partial(exif.read_blocks, maker_notes=False)),
)
"""What asks no other program, and reads no whole file and no maker notes."""


def read_stars(path: Path) -> tuple[int, tuple[str, ...]]:
    """The rating of a raw: its sidecar's, else that of the XMP and then of the EXIF in the file, as photos carry it.

    Args:
        path: raw file; where a sidecar says enough, it is not opened.

    Returns:
        0 to 5; 0 of a raw without a rating, of a rejected one (-1), and of one that cannot be read. And sentences about
        sidecars that cannot be read.
    """
    written = read_xmp(path, None)
    rating = written.exif.get(RATING)
    if rating is None:
        rating = read_metadata(path, sources=QUICK).exif.get(RATING)
    return rating if isinstance(rating, int) else 0, written.notes
