"""The contact sheet: rows of labelled pictures, each with its crop, on dark grey, and what cannot be shown."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from darkdiff_cli.preview.crop import CROP
from darkdiff_cli.preview.lettering import lines, text_height, write
from darkdiff_cli.preview.pictures import CELL

GAP = 8  # pixels between pictures, and around them
TITLE, LABEL = 20, 15  # sizes of the letters
GROUND, TEXT, MARK, FAILED = (38, 38, 38), (225, 225, 225), (255, 176, 0), (255, 138, 122)
NARROWEST = 213  # pixels of a column, for its labels: that of an upright picture of 2:3
BORDER = 3  # pixels around the marked picture

Box = tuple[int, int, int, int]
"""Left, top, right, bottom in pixels."""


@dataclass(frozen=True)
class Cell:
    """A picture and its label.

    Attributes:
        label: one line.
        srgb_8: (h, w, 3) uint8 sRGB.
        is_marked: drawn with a border.
        outlined: a part of the picture that is outlined, where the crop is.
    """

    label: str
    srgb_8: NDArray[np.uint8]
    is_marked: bool = False
    outlined: Box | None = None


@dataclass(frozen=True)
class Row:
    """All that a sheet shows of one raw.

    Attributes:
        name: of the file.
        lines: of small pictures: none of a raw that cannot be shown, else one or two.
        crop: beside the first line, where there is one.
        reasons: a sentence for each thing that cannot be shown.
    """

    name: str
    lines: tuple[tuple[Cell, ...], ...] = ()
    crop: Cell | None = None
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class Placed:
    """Where the parts of a row go.

    Attributes:
        name: left and top of the name.
        reasons: lines of text, each with its left and top.
        cells: pictures, each with its left and top.
        bottom: where the row ends.
    """

    name: tuple[int, int]
    reasons: tuple[tuple[str, tuple[int, int]], ...]
    cells: tuple[tuple[Cell, tuple[int, int]], ...]
    bottom: int


def placed(row: Row, top: int, columns: int, column: int, width: int) -> Placed:
    """Lay a row out.

    Args:
        row: to lay out.
        top: of its name.
        columns: of small pictures on the sheet, behind which the crop stands.
        column: pixels that one may be wide.
        width: pixels that a line of text may take.
    """
    name, top = (GAP, top), top + text_height(TITLE)
    reasons: list[tuple[str, tuple[int, int]]] = []
    for line in (line for reason in row.reasons for line in lines(reason, width, LABEL)):
        reasons.append((line, (GAP, top)))
        top += text_height(LABEL)
    cells: list[tuple[Cell, tuple[int, int]]] = []
    for number, pictures in enumerate(row.lines):
        beside = [(cell, (GAP + place * (column + GAP), top)) for place, cell in enumerate(pictures)]
        if number == 0 and row.crop is not None:
            beside.append((row.crop, (GAP + columns * (column + GAP), top)))
        cells += beside
        top += max(len(cell.srgb_8) for cell, _ in beside) + text_height(LABEL) + GAP
    return Placed(name, tuple(reasons), tuple(cells), top)


def draw_sheet(title: str, rows: Sequence[Row]) -> NDArray[np.uint8]:
    """Draw a sheet.

    Args:
        title: the line on top.
        rows: one or more, from top to bottom.

    Returns:
        (h, w, 3) uint8 sRGB; 1912 pixels wide with five pictures in a line, 1377 if all are upright.
    """
    pictures = [line for row in rows for line in row.lines]
    columns = max(map(len, pictures), default=1)
    column = max((cell.srgb_8.shape[1] for line in pictures for cell in line), default=CELL)
    column = max(column, NARROWEST)
    width = GAP + columns * (column + GAP) + CROP + GAP
    room, bottom, places = width - 2 * GAP, GAP + text_height(TITLE), list[Placed]()
    for row in rows:
        places.append(placed(row, bottom, columns, column, room))
        bottom = places[-1].bottom + GAP
    sheet = Image.new("RGB", (width, bottom), GROUND)
    draw = ImageDraw.Draw(sheet)
    write(draw, title, (GAP, GAP), room, LABEL, TEXT)
    for row, place in zip(rows, places, strict=True):
        write(draw, row.name, place.name, room, TITLE, TEXT)
        for line, where in place.reasons:
            write(draw, line, where, room, LABEL, FAILED)
        for cell, where in place.cells:
            _draw_cell(sheet, draw, cell, where, CROP if cell is row.crop else column)
    return np.asarray(sheet)


def _draw_cell(sheet: Image.Image, draw: ImageDraw.ImageDraw, cell: Cell, place: tuple[int, int], wide: int) -> None:
    """Draw a picture, what is around and on it, and its label below.

    Args:
        sheet, draw: to draw on.
        cell: the picture.
        place: its left and top.
        wide: pixels that the label may take.
    """
    (left, top), (height, width) = place, cell.srgb_8.shape[:2]
    if cell.is_marked:
        around = (left - BORDER, top - BORDER, left + width - 1 + BORDER, top + height - 1 + BORDER)
        draw.rectangle(around, outline=MARK, width=BORDER)
    sheet.paste(Image.fromarray(cell.srgb_8), place)
    if cell.outlined is not None:
        x0, y0, x1, y1 = cell.outlined
        draw.rectangle((left + x0, top + y0, left + x1 - 1, top + y1 - 1), outline=MARK)
    write(draw, cell.label, (left, top + height + BORDER), wide, LABEL, MARK if cell.is_marked else TEXT)
