"""The reference ISP: what a well-exposed raw looks like, by LibRaw's own hand (DESIGN: target rendering)."""

import numpy as np
from numpy.typing import NDArray

from darkdiff_cli.colour import srgb_decode, srgb_encode
from darkdiff_cli.raw.frame import LRGB, DataFormat, RawFrame
from darkdiff_cli.raw.reader import open_raw


def render_reference(frame: RawFrame, adjust_maximum: bool = False) -> NDArray[np.float32]:
    """Render a clean raw with LibRaw: camera white balance, half size, no automatic brightness, true sRGB curve.

    The white level is the file's own; LibRaw's habit of lowering it to the brightest pixel is switched off unless
    asked for, because brightness must not hang on the content of one picture.

    Args:
        frame: a frame that `read_raw` read from a file.
        adjust_maximum: keep LibRaw's habit, as rawpy's defaults and most published protocols do.

    Returns:
        (H/2, W/2, 3) float32 sRGB in [0, 1], in sensor orientation.

    Raises:
        ValueError: the frame is synthetic and has no file.
        InputError: the file cannot be read any more.
    """
    if frame.path is None:
        raise ValueError("render_reference needs a frame that was read from a file")
    with open_raw(frame.path) as raw:
        rendered = raw.postprocess(
            use_camera_wb=True,
            half_size=True,
            no_auto_bright=True,
            output_bps=16,
            gamma=(2.4, 12.92),
            user_flip=0,
            adjust_maximum_thr=0.75 if adjust_maximum else 0.0,  # 0.75 is LibRaw's default
        )
    return np.asarray(rendered, dtype=np.float32) / np.float32(65535.0)


def render_linear(lrgb: LRGB) -> NDArray[np.float32]:
    """Show LRGB as it is: clip to [0, 1] and apply the sRGB curve. The "amplify only" picture of a dark raw."""
    return srgb_encode(lrgb.pixels)


def finish(picture: NDArray[np.float32], frame: RawFrame, data_format: DataFormat) -> NDArray[np.float32]:
    """From what a network gives out to the photo.

    Args:
        picture: (h, w, 3) sRGB in [0, 1]; or (h, w, 4) Bayer planes of "raw-raw" under the sRGB curve.
        frame: whose camera matrix the Bayer planes need.
        data_format: of the network.

    Returns:
        (h, w, 3) sRGB in [0, 1].
    """
    if data_format != "raw-raw":
        return picture
    linear = srgb_decode(picture)
    pixels = np.stack([linear[..., 0], linear[..., 1:3].mean(axis=-1), linear[..., 3]], axis=-1)
    if frame.srgb_from_camera is not None:
        pixels = pixels @ frame.srgb_from_camera.T.astype(np.float32)
    return srgb_encode(pixels)
