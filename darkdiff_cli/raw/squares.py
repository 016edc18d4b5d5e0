"""Sensors whose filter has squares of one colour, such as quad Bayer: the Bayer sensors that they are built to be."""

from dataclasses import replace

import numpy as np

from darkdiff_cli.cfa import Squares
from darkdiff_cli.raw.frame import RawFrame
from darkdiff_cli.raw.settings import ExposureSettings

Crop = tuple[int, int, int, int]
"""Top, left, height and width."""


def as_bayer(frame: RawFrame, _settings: ExposureSettings | None = None) -> RawFrame:
    """Give each square its mean, above black, so that it is one photosite; unchanged where there are no squares.

    This is the last correction of the sensor: what is wrong with single photosites, and whole lines, is mended before.

    Args:
        frame: in DN.
        _settings: what all corrections get; this one has no option.

    Returns:
        A Bayer frame of (H // side, W // side) photosites; what fills no whole square at an edge is dropped.
    """
    if frame.cfa is None or frame.cfa.squares is None or frame.cfa.squares.side == 1:
        return frame
    side, top, left, bayer = frame.cfa.squares
    above = frame.above_black()
    high, wide = ((length - start) // side for length, start in zip(above.mosaic_dn.shape, (top, left), strict=True))
    tiles = above.light_dn()[top : top + high * side, left : left + wide * side].reshape(high, side, wide, side)
    crop = None if frame.camera_crop is None else _in_squares(frame.camera_crop, frame.cfa.squares, high, wide)
    bent = None if frame.distortion is None else frame.distortion.seen_from(top, left).scaled(1 / side)
    return replace(
        above,
        mosaic_dn=tiles.mean(axis=(1, 3), dtype=np.float32),
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
