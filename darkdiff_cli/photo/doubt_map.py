"""The map of `--doubt`: where a picture may be wrong, with a legend."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from darkdiff_cli.files import atomically

LEAST, MOST = 0.01, 0.2  # of the range of sRGB values: black and the brightest colour of the scale
STOPS = ((0, 0, 4), (60, 15, 110), (140, 41, 129), (222, 73, 104), (254, 159, 109), (252, 253, 191))
MARKS = (0.01, 0.02, 0.05, 0.1, 0.2)
LEGEND = 64  # pixels below the map
LETTERS = 14  # pixels
WORDS = "error to be expected, of the full range"


def write_doubt_map(path: Path, doubt: NDArray[np.float32], size: tuple[int, int]) -> None:
    """Write a PNG of the photo's size with a legend below it; it is there whole or not at all.

    Args:
        path: target file.
        doubt: (h, w) expected error in units of the sRGB range, upright.
        size: rows and columns of the photo.

    Raises:
        OutputError: it cannot be written.
    """
    height, width = size
    shown = Image.fromarray(coloured(doubt)).resize((width, height), Image.Resampling.BILINEAR)
    sheet = Image.new("RGB", (max(width, 320), height + LEGEND))
    sheet.paste(shown, (0, 0))
    _legend(sheet, height)

    def write(partial: Path) -> None:
        sheet.save(partial, format="PNG")

    atomically(path, write)


def coloured(doubt: NDArray[np.float32]) -> NDArray[np.uint8]:
    """(h, w) expected error -> (h, w, 3) colours, the same step for each doubling."""
    place = np.log(np.clip(doubt, LEAST, MOST) / LEAST) / np.log(MOST / LEAST) * (len(STOPS) - 1)
    table = np.array(STOPS, dtype=np.float64)
    channels = [np.interp(place, np.arange(len(STOPS)), table[:, channel]) for channel in range(3)]
    return np.rint(np.stack(channels, axis=-1)).astype(np.uint8)


def _legend(sheet: Image.Image, top: int) -> None:
    """The scale, its marks in per cent, and what it is."""
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(LETTERS)
    left, right = 12, sheet.width - 30
    scale = np.geomspace(LEAST, MOST, right - left).astype(np.float32)
    sheet.paste(Image.fromarray(np.repeat(coloured(scale[None]), 12, axis=0)), (left, top + 26))
    draw.text((left, top + 5), WORDS, fill="white", font=font)
    for mark in MARKS:
        place = left + np.log(mark / LEAST) / np.log(MOST / LEAST) * (right - left)
        draw.text((place, top + 42), f"{mark:.0%}", fill="white", font=font, anchor="ma")
