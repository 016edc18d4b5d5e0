"""Measure on the raw how far a picture's colours lie outside sRGB, in which the networks give it."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import correlate1d

from darkdiff_cli.colour import srgb_decode
from darkdiff_cli.gamut import OutsideSrgb, at_lower_end, at_upper_end, colourful, fullest
from darkdiff_cli.raw.develop import develop
from darkdiff_cli.raw.frame import RawFrame

BLOCK = 8  # pixels of LRGB
AROUND = 3  # blocks along each side whose light is taken together
MEAN = np.full(AROUND, 1 / AROUND)
ENOUGH = 0.05  # share of these pixels below which they are too few to know their noise
BLACK_ERROR = 0.3 / 16383  # of the white level: what a black level may be off, the same in all colours
SURE = 3.0  # standard deviations of the noise that are taken off: what is left was counted, and is no noise


def outside_srgb(picture: NDArray[np.float32], frame: RawFrame, ratio: float, gain: float = 1.0) -> OutsideSrgb:
    """The light that the sensor counted where the picture is at an end of sRGB, if it is beyond that end.

    Where a channel of the picture is near 0 (or 1), the mean of what the sensor counted in those pixels, in linear sRGB
    that is not clipped, says where the colour really lies: noise has zero mean. The picture has all detail; a block
    gives the ratio of a channel to the fullest one.

    Args:
        picture: (h, w, 3) sRGB in [0, 1] of any size, without grain: the networks', or the plain rendering.
        frame: the raw.
        ratio: amplification ratio of the picture.
        gain: of its white level, not yet in the picture.

    Returns:
        Blocks of `BLOCK` pixels of LRGB; nothing outside where nobody knows the camera's matrix.
    """
    high, wide = frame.lrgb_shape
    linear = np.minimum(_light(picture, high, wide) * np.float32(gain), np.float32(1.0))
    seen = develop(frame, ratio, "srgb").pixels * np.float32(gain)
    black = ratio * gain * BLACK_ERROR * np.abs(frame.matrix @ np.array(frame.white_balance)).astype(np.float32)
    below = _beyond(-1, at_lower_end(linear), linear, seen, fullest(linear), black)
    above = _beyond(1, at_upper_end(linear), linear - 1, seen - 1, colourful(linear), black)
    return OutsideSrgb(below, above)


def _beyond(
    sign: int,
    weight: NDArray[np.float32],
    shown: NDArray[np.float32],
    seen: NDArray[np.float32],
    unit: NDArray[np.float32],
    black: NDArray[np.float32],
) -> NDArray[np.float32]:
    """What is to be added around each block, so that the mean is beyond 0 where the sensor's is, and by as much.

    Args:
        sign: which side of 0 is outside sRGB.
        weight: (h, w, 3) which pixels of a channel are near that end.
        shown, seen: (h, w, 3) the picture and what the sensor counted, from that end.
        unit: (h, w, 1) what they are compared with.
        black: (3,) the light that an error of the black level adds.

    Returns:
        (rows, columns, 3) in units of `unit`, of this sign or 0.
    """
    share, total = _around(weight), np.maximum(_around(weight * unit), np.float32(1e-9))
    mean, there = _around(weight * seen) / total, _around(weight * shown) / total
    spread = _around((weight * (seen - _spread(mean, weight.shape) * unit)) ** 2)
    doubt = (SURE / (AROUND * BLOCK) * np.sqrt(spread) + black * share) / total
    beyond = np.where(share > ENOUGH, np.maximum(sign * mean - doubt, 0), 0)
    return np.asarray(sign * np.clip(beyond - sign * there, 0, 2 * beyond), dtype=np.float32)  # 2: without a step


def _around(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """(h, w, 3) -> (rows, columns, 3) means of blocks and of those around them; what is missing of a block counts 0."""
    high, wide = values.shape[:2]
    padded = np.pad(values, ((0, -high % BLOCK), (0, -wide % BLOCK), (0, 0)))
    rows, columns = (length // BLOCK for length in padded.shape[:2])
    blocks = padded.reshape(rows, BLOCK, columns, BLOCK, 3).mean(axis=(1, 3))
    lines = correlate1d(blocks, MEAN, axis=0, mode="constant")
    return np.asarray(correlate1d(lines, MEAN, axis=1, mode="constant"), dtype=np.float32)


def _spread(blocks: NDArray[np.floating], shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Each block's value at all its pixels."""
    return blocks.repeat(BLOCK, axis=0).repeat(BLOCK, axis=1)[: shape[0], : shape[1]]


def _light(picture: NDArray[np.float32], high: int, wide: int) -> NDArray[np.float32]:
    """Linear light of an sRGB picture, brought to the size of LRGB by means of areas: (high, wide, 3)."""
    if picture.shape[:2] == (high, wide):
        return srgb_decode(picture)
    light = np.empty((high, wide, 3), dtype=np.float32)
    for colour in range(3):  # one after the other, since pictures of full size are large
        channel = Image.fromarray(srgb_decode(picture[..., colour]))
        light[..., colour] = np.asarray(channel.resize((wide, high), Image.Resampling.BOX))
    return light
