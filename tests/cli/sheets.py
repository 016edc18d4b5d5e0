"""`darkdiff preview` as the tests run it, and where things stand on its sheets."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from typer.testing import CliRunner

from darkdiff_cli.app import app
from darkdiff_cli.raw import ExposureSettings, read_exposure

GROUND, TEXT, MARK, FAILED = (38, 38, 38), (225, 225, 225), (255, 176, 0), (255, 138, 122)
LEFT = [8, 229, 450, 671, 892, 1113]  # of five small pictures and the crop, where none is wider than 213 pixels
FIRST, BELOW = 68, 30  # first row of the first picture; height of the label and the gap below a picture


def run(*arguments: object):
    quick = ("--quiet", "--steps", "1", "--views", "1", "--size", "paper")
    return CliRunner().invoke(app, ["preview", *map(str, arguments), *quick])


def auto_alone(path: Path) -> tuple[str, float]:
    """The option that shows the automatic ratio and no other."""
    return "--ratio", read_exposure(path, ExposureSettings()).ratio


def written(sheet: np.ndarray, text: str, left: int, top: int, size: int, colour=TEXT) -> bool:
    """Whether a text stands exactly here, in Pillow's font, and nothing behind it."""
    wide, high = round(ImageFont.load_default(size).getlength(text)) + 20, round(1.2 * size)
    picture = Image.new("RGB", (wide, high), GROUND)
    ImageDraw.Draw(picture).text((0, 0), text, fill=colour, font=ImageFont.load_default(size))
    return np.array_equal(sheet[top : top + high, left : left + wide], np.asarray(picture))
