"""The contact sheet: rows of labelled pictures, each with its crop, on dark grey."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from darkdiff_cli.preview.crop import CROP
from darkdiff_cli.preview.pictures import CELL

GAP = 8  # pixels between pictures, and around them
TITLE, LABEL = 20, 15  # sizes of the letters
LINE = 1.5  # height of a line of text in sizes of its letters
GROUND, TEXT, MARK, EMPTY = (38, 38, 38), (225, 225, 225), (255, 176, 0), (90, 90, 90)
BORDER = 3  # pixels around the marked picture
EMPTY_SHAPE = (CELL * 2 // 3, CELL)  # height and width of the cell of a raw that cannot be shown

Box = tuple[int, int, int, int]
"""Left, top, right, bottom in pixels."""


@dataclass(frozen=True)
class Cell:
    """A picture and its label.

    Attributes:
        label: one line.
        srgb_8: (h, w, 3) uint8 sRGB; None leaves the cell empty.
        is_marked: drawn with a border.
        outlined: a part of the picture that is outlined, where the crop is.
    """

    label: str
    srgb_8: NDArray[np.uint8] | None = None
    is_marked: bool = False
    outlined: Box | None = None

    @property
    def height(self) -> int:
        """Rows of the picture, or of the empty cell."""
        return EMPTY_SHAPE[0] if self.srgb_8 is None else len(self.srgb_8)


@dataclass(frozen=True)
class Row:
    """All that a sheet shows of one raw.

    Attributes:
        name: of the file.
        lines: of small pictures, one or two.
        crop: beside the first line; None of a raw that cannot be shown.
    """

    name: str
    lines: tuple[tuple[Cell, ...], ...]
    crop: Cell | None = None

    def placed(self, top: int, columns: int) -> tuple[list[tuple[Cell, int, int]], int]:
        """Where each cell goes: (cell, left, top) of its picture; and where the row ends.

        Args:
            top: of the row's name.
            columns: of small pictures on the sheet, behind which the crop stands.
        """
        places: list[tuple[Cell, int, int]] = []
        top += text_height(TITLE)
        for number, line in enumerate(self.lines):
            cells = [(cell, column) for column, cell in enumerate(line)]
            if number == 0 and self.crop is not None:
                cells.append((self.crop, columns))
            places += [(cell, GAP + column * (CELL + GAP), top) for cell, column in cells]
            top += max(cell.height for cell, _ in cells) + text_height(LABEL) + GAP
        return places, top


def draw_sheet(title: str, rows: Sequence[Row]) -> NDArray[np.uint8]:
    """Draw a sheet.

    Args:
        title: the line on top.
        rows: one or more, from top to bottom.

    Returns:
        (h, w, 3) uint8 sRGB; 1912 pixels wide with five pictures in a line.
    """
    columns = max(len(line) for row in rows for line in row.lines)
    width = GAP + columns * (CELL + GAP) + CROP + GAP
    tops = [GAP + text_height(TITLE)]
    for row in rows:
        tops.append(row.placed(tops[-1], columns)[1] + GAP)
    sheet = Image.new("RGB", (width, tops[-1]), GROUND)
    draw = ImageDraw.Draw(sheet)
    _write(draw, title, (GAP, GAP), width - 2 * GAP, LABEL, TEXT)
    for row, top in zip(rows, tops, strict=False):
        _write(draw, row.name, (GAP, top), width - 2 * GAP, TITLE, TEXT)
        for cell, left, upper in row.placed(top, columns)[0]:
            _draw_cell(sheet, draw, cell, left, upper, CROP if cell is row.crop else CELL)
    return np.asarray(sheet)


def text_height(size: int) -> int:
    """Rows of a line of text."""
    return round(LINE * size)


def _draw_cell(sheet: Image.Image, draw: ImageDraw.ImageDraw, cell: Cell, left: int, top: int, wide: int) -> None:
    """Draw a picture, what is around and on it, and its label below."""
    if cell.srgb_8 is None:
        height, width = EMPTY_SHAPE
        draw.rectangle((left, top, left + width - 1, top + height - 1), outline=EMPTY)
    else:
        height, width = cell.srgb_8.shape[:2]
        if cell.is_marked:
            around = (left - BORDER, top - BORDER, left + width - 1 + BORDER, top + height - 1 + BORDER)
            draw.rectangle(around, outline=MARK, width=BORDER)
        sheet.paste(Image.fromarray(cell.srgb_8), (left, top))
    if cell.outlined is not None:
        x0, y0, x1, y1 = cell.outlined
        draw.rectangle((left + x0, top + y0, left + x1 - 1, top + y1 - 1), outline=MARK)
    _write(draw, cell.label, (left, top + height + BORDER), wide, LABEL, MARK if cell.is_marked else TEXT)


def _write(
    draw: ImageDraw.ImageDraw, text: str, place: tuple[int, int], width: int, size: int, colour: tuple[int, int, int]
) -> None:
    """Write one line in Pillow's own font, its end cut off where it is wider than `width` pixels."""
    font = ImageFont.load_default(size)
    shown = "".join(letter if letter.isprintable() else "?" for letter in text)  # also bytes that are no UTF-8
    if font.getlength(shown) > width:
        while shown and font.getlength(shown + "...") > width:
            shown = shown[:-1]
        shown += "..."
    draw.text(place, shown, fill=colour, font=font)
