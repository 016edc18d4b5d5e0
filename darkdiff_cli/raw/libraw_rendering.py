"""Renderings by LibRaw: the reference of a clean raw, and a dark one amplified and demosaiced."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from darkdiff_cli.errors import InputError
from darkdiff_cli.raw.frame import RawFrame
from darkdiff_cli.raw.opening import DHT, Raw, open_raw
from darkdiff_cli.raw.settings import PictureSize

LEAST_XTRANS = 512  # pixels along each side; LibRaw's tile, below which it calls the file broken


def render_reference(frame: RawFrame, adjust_maximum: bool = False, size: PictureSize = "half") -> NDArray[np.float32]:
    """Render a clean raw with LibRaw: camera white balance, no automatic brightness, true sRGB curve.

    The white level is the file's own, as in training. LibRaw by default lowers it to the brightest pixel; that is
    switched off unless asked for.

    Args:
        frame: a frame that `read_raw` read from a file; all that the sensor saw is rendered, whatever was cropped.
        adjust_maximum: lower it, as rawpy's defaults and most published protocols do.
        size: "half" makes a pixel of 2x2 photosites, "full" demosaics as LibRaw does by default (AHD).

    Returns:
        (h, w, 3) float32 sRGB in [0, 1], in sensor orientation; at half size (H/2, W/2, 3) of a Bayer sensor. A
        monochrome one and a raw that is demosaiced already give (H, W, 3) at either size.

    Raises:
        ValueError: the frame is synthetic and has no file.
        InputError: the file cannot be read any more, or LibRaw renders its filter wrongly.
    """
    path = _file(frame, whole=size == "full")
    with open_raw(path) as raw:
        threshold = 0.75 if adjust_maximum else 0.0  # 0.75 is LibRaw's default
        return _postprocessed(raw, use_camera_wb=True, half_size=size == "half", adjust_maximum_thr=threshold)


def render_amplified(frame: RawFrame, ratio: float) -> NDArray[np.float32]:
    """Amplify a dark raw and let LibRaw demosaic it (DHT), under the frame's white balance.

    Args:
        frame: a mosaic from a file, whole; corrections of it are kept.
        ratio: amplification ratio; what exceeds the white level is clipped.

    Returns:
        (H, W, 3) float32 sRGB in [0, 1], in sensor orientation.

    Raises:
        ValueError: the frame is synthetic and has no file.
        InputError: the file cannot be read any more, has no mosaic or LibRaw renders its filter wrongly.
    """
    path = _file(frame, whole=True)
    if frame.cfa is None:
        raise InputError(f"{path}: is demosaiced already, so there is no mosaic for LibRaw; leave it out.")
    with open_raw(path) as raw:
        mosaic = raw.raw_image_visible
        if mosaic.shape != frame.mosaic_dn.shape:
            raise InputError(f"{path}: is cropped, and LibRaw demosaics the whole sensor; use another method.")
        black = np.asarray(raw.black_level_per_channel, np.float32)[raw.raw_colors_visible]
        share = frame.light_dn() * np.float32(ratio / (frame.white_level - frame.black_level.mean))
        amplified = black + share * (np.float32(raw.white_level) - black)
        mosaic[:] = np.rint(np.clip(amplified, 0, raw.white_level)).astype(mosaic.dtype)
        red, green, blue = frame.white_balance
        return _postprocessed(raw, user_wb=[red, green, blue, green], demosaic_algorithm=DHT, adjust_maximum_thr=0.0)


def _file(frame: RawFrame, whole: bool) -> Path:
    """The file of a frame that LibRaw can render, `whole` where it shall be demosaiced."""
    path, cfa = frame.path, frame.cfa
    if path is None:
        raise ValueError("a rendering by LibRaw needs a frame that was read from a file")
    if cfa is not None and frame.sites_per_pixel > 2:
        raise InputError(f"{path}: is {cfa.name}, of which LibRaw gives no reference; use Bayer raws.")
    if whole and cfa is not None and cfa.period == (6, 6) and min(frame.mosaic_dn.shape) < LEAST_XTRANS:
        raise InputError(f"{path}: is X-Trans of fewer than {LEAST_XTRANS} pixels, which LibRaw does not demosaic.")
    return path


def _postprocessed(raw: Raw, **settings: Any) -> NDArray[np.float32]:
    """(h, w, 3) sRGB in [0, 1] by LibRaw with these settings."""
    plain: dict[str, Any] = {"no_auto_bright": True, "output_bps": 16, "gamma": (2.4, 12.92), "user_flip": 0}
    srgb = np.asarray(raw.postprocess(**plain, **settings), dtype=np.float32) / np.float32(65535.0)
    return np.broadcast_to(srgb, (*srgb.shape[:2], 3))  # a monochrome sensor's has one channel
