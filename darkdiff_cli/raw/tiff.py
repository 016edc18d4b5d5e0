"""Open a raw that is built as TIFF with tifffile, which reports on standard error what it finds damaged."""

import logging
from pathlib import Path

import tifffile


def open_tiff(path: Path) -> tifffile.TiffFile:
    """Open a file for its tags, without a word on standard error; what is damaged in it is the reader's to judge.

    Raises:
        Exception: errors of many kinds, on a file that is damaged or no TIFF.
    """
    logging.getLogger("tifffile").setLevel(logging.CRITICAL)
    return tifffile.TiffFile(path)
