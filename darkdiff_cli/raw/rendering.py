"""The last steps from a network's output to a photo that matches LibRaw's reference."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from darkdiff_cli.colour import srgb_decode, srgb_encode
from darkdiff_cli.raw.distortion import straightened
from darkdiff_cli.raw.frame import LRGB, DataFormat, RawFrame
from darkdiff_cli.raw.grain import grain
from darkdiff_cli.raw.resizing import with_square_pixels
from darkdiff_cli.raw.settings import White

FADE_FROM, FADE_TO = 0.75, 0.8  # of the white level; the first is LibRaw's default adjust_maximum_thr
BRIGHT_SHARE = 1e-4  # share of pixels that must be bright before the brightest one counts
MAX_PEAK = 1.04  # times the darkest of them: a lone brighter pixel may be the network's guess
BAND = 256  # rows that are looked at together: whole pictures in every form on the way would take most of a gigabyte


class Finished(NamedTuple):
    """A finished photo.

    Attributes:
        srgb_01: (h, w, 3) sRGB in [0, 1].
        gain: factor on linear light that its white level asked for, applied; see `white_gain`.
    """

    srgb_01: NDArray[np.float32]
    gain: float


def render_linear(lrgb: LRGB) -> NDArray[np.float32]:
    """The plain rendering of LRGB ("amplify only"): (H/2, W/2, 3) float32 sRGB, clipped to [0, 1]."""
    return srgb_encode(lrgb.pixels)


def white_gain(picture: NDArray[np.float32], frame: RawFrame, ratio: float) -> float:
    """The factor on linear light that lowers the white level to the brightest value, as LibRaw does.

    LibRaw (`adjust_maximum`, on by default, so in SID's references and in every rendering by rawpy's defaults too)
    takes the largest raw value for white where it lies between 75 and 100 % of the white level. In an amplified dark
    raw that value is noise, so the finished picture is used, converted back to the sensor's channels. If it was
    amplified, its brightest pixel may be a guess of the network: at least BRIGHT_SHARE of the pixels must be bright,
    the peak is at most MAX_PEAK times their level, and the change fades in between 75 and 80 %.

    Args:
        picture: (h, w, 3) sRGB in [0, 1].
        frame: its white balance and camera matrix give the sensor's channels.
        ratio: amplification ratio of the picture.

    Returns:
        1 or more.
    """
    bands = range(0, picture.shape[0], BAND)
    levels = np.concatenate([_brightest_channel(picture[top : top + BAND], frame) for top in bands])
    brightest = float(levels.max())
    if ratio <= 1:
        share = float(brightest > FADE_FROM)
    else:
        bright = float(np.quantile(levels, 1 - BRIGHT_SHARE))
        share = min(max((bright - FADE_FROM) / (FADE_TO - FADE_FROM), 0.0), 1.0)
        brightest = min(brightest, MAX_PEAK * bright)
    return 1.0 if share == 0 or brightest >= 1 else 1 + share * (1 / brightest - 1)


def _brightest_channel(picture: NDArray[np.float32], frame: RawFrame) -> NDArray[np.float32]:
    """(h, w) what the fullest of the sensor's channels counts for sRGB, 1 = white level."""
    sensor = srgb_decode(picture)
    if frame.srgb_from_camera is not None:
        sensor = sensor @ np.linalg.inv(frame.srgb_from_camera).T.astype(np.float32)
    return np.asarray((sensor / np.array(frame.white_balance, dtype=np.float32)).max(axis=-1))


def brightened(picture: NDArray[np.float32], gain: float) -> NDArray[np.float32]:
    """Multiply the linear light of an sRGB picture in [0, 1], clipped at 1; a gain of 1 returns it as it is."""
    return picture if gain == 1 else srgb_encode(srgb_decode(picture) * np.float32(gain))


def finish(
    picture: NDArray[np.float32],
    frame: RawFrame,
    ratio: float,
    white: White,
    strength: float = 1.0,
) -> Finished:
    """Turn a network's picture into the finished photo.

    Args:
        picture: (h, w, 3) sRGB in [0, 1], see `srgb_of`.
        frame: the raw; its camera matrix and white balance are used.
        ratio: amplification ratio of the picture.
        white: "auto" adjusts the white level, see `white_gain`; "file" does not.
        strength: 1 leaves the picture; less leaves some of the sensor's noise as grain, see `grain`; 0 is the plain
            rendering.

    Returns:
        The photo, straightened where the lens' distortion is known, larger along one side where the pixels are not
        square; and the gain of its white level.
    """
    gain = white_gain(picture, frame, ratio) if white == "auto" else 1.0
    if strength < 1 or gain > 1:
        light = srgb_decode(picture)
        if strength < 1:
            light = light + grain(picture, frame, ratio, strength)
        picture = srgb_encode(light * np.float32(gain))
    return Finished(with_square_pixels(straightened(picture, frame), frame.pixel_aspect), gain)


def srgb_of(made: NDArray[np.float32], frame: RawFrame, data_format: DataFormat) -> NDArray[np.float32]:
    """(h, w, 3) sRGB of a network's output, which it is already unless the network gives Bayer planes ("raw-raw")."""
    if data_format != "raw-raw":
        return made
    linear = srgb_decode(made)
    pixels = np.stack([linear[..., 0], linear[..., 1:3].mean(axis=-1), linear[..., 3]], axis=-1)
    return srgb_encode(pixels @ frame.matrix.T.astype(np.float32))
