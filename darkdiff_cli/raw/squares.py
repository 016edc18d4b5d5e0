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
    if frame.cfa.squares.side > QUAD:
        return as_bayer(frame)
    _, top, left, _ = frame.cfa.squares
    high, wide = ((length - start) // QUAD for length, start in zip(frame.mosaic_dn.shape, (top, left), strict=True))
    crop = None if frame.camera_crop is None else _in_squares(frame.camera_crop, frame.cfa.squares, high, wide)
    whole = frame.window(top, left, QUAD * high, QUAD * wide)
    if crop is None:
        return whole
    return replace(whole, camera_crop=(QUAD * crop[0], QUAD * crop[1], QUAD * crop[2], QUAD * crop[3]))


def as_bayer(frame: RawFrame) -> RawFrame:
    """Give each square its mean, above black, so that it is one photosite; unchanged where there are no squares.

    Args:
        frame: in DN.

    Returns:
        A Bayer frame of (H // side, W // side) photosites; what fills no whole square at an edge is dropped.
    """
    if frame.cfa is None or frame.cfa.squares is None or frame.cfa.squares.side == 1:
        return frame
    side, top, left, bayer = frame.cfa.squares
    above = frame.above_black()
    high, wide = ((length - start) // side for length, start in zip(above.mosaic_dn.shape, (top, left), strict=True))
    light = above.light_dn()[top : top + high * side, left : left + wide * side]
    mean = sum(light[row::side, column::side] for row in range(side) for column in range(side)) / np.float32(side**2)
    crop = None if frame.camera_crop is None else _in_squares(frame.camera_crop, frame.cfa.squares, high, wide)
    bent = None if frame.distortion is None else frame.distortion.seen_from(top, left).scaled(1 / side)
    return replace(
        above,
        mosaic_dn=np.asarray(mean, dtype=np.float32),
        cfa=bayer,
        camera_crop=crop,
        distortion=bent,
    )


def _in_squares(crop: Crop, squares: Squares, high: int, wide: int) -> Crop:
    """A crop in squares: those of (high, wide) that lie wholly within it."""
    (top, left, height, width), side = crop, squares.side
    rows = max(-(-(top - squares.top) // side), 0), min((top + height - squares.top) // side, high)
    columns = max(-(-(left - squares.left) // side), 0), min((left + width - squares.left) // side, wide)
    return rows[0], columns[0], rows[1] - rows[0], columns[1] - columns[0]
