"""Sensors whose filter has squares of one colour, such as quad Bayer, and the Bayer sensors that these make up."""

from dataclasses import replace

import numpy as np

from darkdiff_cli.cfa import Squares
from darkdiff_cli.raw.frame import RawFrame
from darkdiff_cli.raw.settings import ExposureSettings

QUAD = 2
"""Side of the squares of quad Bayer, in photosites."""
Crop = tuple[int, int, int, int]
"""Top, left, height and width."""


def in_whole_squares(frame: RawFrame, _settings: ExposureSettings) -> RawFrame:
    """Leave whole squares alone to quad Bayer, and make Bayer of larger ones; unchanged where there are no squares.

    This is the last correction of the sensor: what is wrong with single photosites, and whole lines, is mended before.
    The network for full size knows squares of 2x2 photosites, and no larger ones.

    Args:
        frame: in DN.
        _settings: what all corrections get; this one has no option.
    """
    if frame.cfa is None or frame.cfa.squares is None or frame.cfa.squares.side == 1:
        return frame
    return as_bayer(frame) if frame.cfa.squares.side > QUAD else _whole(frame, frame.cfa.squares)


def as_bayer(frame: RawFrame) -> RawFrame:
    """Give each square its mean, above black, so that it is one photosite; unchanged where there are no squares.

    Args:
        frame: in DN.

    Returns:
        A Bayer frame of (H // side, W // side) photosites; what fills no whole square at an edge is dropped.
    """
    if frame.cfa is None or frame.cfa.squares is None or frame.cfa.squares.side == 1:
        return frame
    side, bayer = frame.cfa.squares.side, frame.cfa.squares.bayer
    whole = _whole(frame.above_black(), frame.cfa.squares)
    light = whole.light_dn()
    mean = sum(light[row::side, column::side] for row in range(side) for column in range(side)) / np.float32(side**2)
    top, left, height, width = (part // side for part in whole.camera_crop or (0, 0, 0, 0))
    return replace(
        whole,
        mosaic_dn=np.asarray(mean, dtype=np.float32),
        cfa=bayer,
        camera_crop=None if whole.camera_crop is None else (top, left, height, width),
        distortion=None if whole.distortion is None else whole.distortion.scaled(1 / side),
    )


def _whole(frame: RawFrame, squares: Squares) -> RawFrame:
    """A frame without what fills no whole square at its edges; its camera's crop shows whole squares."""
    side, top, left, _ = squares
    high, wide = ((length - start) // side for length, start in zip(frame.mosaic_dn.shape, (top, left), strict=True))
    whole = frame.window(top, left, side * high, side * wide)
    if frame.camera_crop is None:
        return whole
    rows, columns, height, width = _in_squares(frame.camera_crop, squares, high, wide)
    return replace(whole, camera_crop=(side * rows, side * columns, side * height, side * width))


def _in_squares(crop: Crop, squares: Squares, high: int, wide: int) -> Crop:
    """A crop in squares: those of (high, wide) that lie wholly within it."""
    (top, left, height, width), side = crop, squares.side
    rows = max(-(-(top - squares.top) // side), 0), min((top + height - squares.top) // side, high)
    columns = max(-(-(left - squares.left) // side), 0), min((left + width - squares.left) // side, wide)
    return rows[0], columns[0], rows[1] - rows[0], columns[1] - columns[0]
