"""The reference rendering by LibRaw, and the last steps from a network's output to a photo that matches it."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from darkdiff_cli.colour import srgb_decode, srgb_encode
from darkdiff_cli.errors import InputError
from darkdiff_cli.raw.distortion import straightened
from darkdiff_cli.raw.frame import LRGB, DataFormat, RawFrame
from darkdiff_cli.raw.grain import grain
from darkdiff_cli.raw.opening import DHT, Raw, open_raw
from darkdiff_cli.raw.settings import PictureSize, White

FADE_FROM, FADE_TO = 0.75, 0.8  # of the white level; the first is LibRaw's default adjust_maximum_thr
BRIGHT_SHARE = 1e-4  # share of pixels that must be bright before the brightest one counts
LEAST_STRETCH = 0.005  # LibRaw's own tolerance for pixels that are not square
LEAST_XTRANS = 512  # pixels along each side; LibRaw's tile, below which it calls the file broken
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


def square_size(shape: tuple[int, ...], aspect: float) -> tuple[int, int]:
    """Rows and columns of a picture of this shape once its pixels are square."""
    if abs(aspect - 1) < LEAST_STRETCH:
        return shape[0], shape[1]
    return round(shape[0] / min(aspect, 1.0)), round(shape[1] * max(aspect, 1.0))


def with_square_pixels(picture: NDArray[np.float32], aspect: float) -> NDArray[np.float32]:
    """Enlarge a picture along the longer side of its pixels, so that nothing in it is squashed (Lanczos).

    Args:
        picture: (h, w, 3) sRGB in [0, 1].
        aspect: width of a pixel in heights.

    Returns:
        (h, w * aspect, 3), or (h / aspect, w, 3) where pixels are higher than wide, as LibRaw does.
    """
    if abs(aspect - 1) < LEAST_STRETCH:
        return picture
    return resized(picture, *square_size(picture.shape[:2], aspect))


def half_size(picture: NDArray[np.float32]) -> NDArray[np.float32]:
    """(h, w, 3) sRGB in [0, 1] -> (h // 2, w // 2, 3): means of 2x2 pixels in linear light."""
    high, wide = (length // 2 for length in picture.shape[:2])
    small = np.empty((high, wide, 3), dtype=np.float32)
    for top in range(0, high, BAND):
        small[top : top + BAND] = halved(srgb_decode(picture[2 * top : 2 * min(top + BAND, high), : 2 * wide]))
    return small


def halved(linear: NDArray[np.float32]) -> NDArray[np.float32]:
    """(2h, 2w, 3) linear light -> (h, w, 3) sRGB of the means of 2x2 pixels."""
    height, width = (length // 2 for length in linear.shape[:2])
    return srgb_encode(linear.reshape(height, 2, width, 2, 3).mean(axis=(1, 3)))


def resized(picture: NDArray[np.float32], high: int, wide: int) -> NDArray[np.float32]:
    """(h, w, 3) in [0, 1] -> (high, wide, 3) in [0, 1] by Lanczos."""
    channels = [Image.fromarray(np.ascontiguousarray(picture[..., colour])) for colour in range(3)]
    wider = [np.asarray(channel.resize((wide, high), Image.Resampling.LANCZOS)) for channel in channels]
    return np.clip(np.stack(wider, axis=-1), 0.0, 1.0)
