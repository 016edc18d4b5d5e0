"""Sensors whose filter has squares of one colour, such as quad Bayer: the Bayer sensors that they are built to be."""

from dataclasses import replace

import numpy as np

from darkdiff_cli.raw.frame import RawFrame
from darkdiff_cli.raw.settings import ExposureSettings


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
    bent = None if frame.distortion is None else frame.distortion.seen_from(top, left).scaled(1 / side)
    return replace(
        above,
        mosaic_dn=tiles.mean(axis=(1, 3), dtype=np.float32),
        cfa=bayer,
        camera_crop=_crop(frame, high, wide),
        distortion=bent,
    )


def _crop(frame: RawFrame, high: int, wide: int) -> tuple[int, int, int, int] | None:
    """What the camera shows, in squares: those that lie wholly within; None for all."""
    if frame.camera_crop is None or frame.cfa is None or frame.cfa.squares is None:
        return None
    side, *first = frame.cfa.squares[:3]
    starts, lengths = frame.camera_crop[:2], frame.camera_crop[2:]
    begins = [max(-(-(start - at) // side), 0) for start, at in zip(starts, first, strict=True)]
    ends = [
        min((start + length - at) // side, most)
        for start, length, at, most in zip(starts, lengths, first, (high, wide), strict=True)
    ]
    return begins[0], begins[1], ends[0] - begins[0], ends[1] - begins[1]
