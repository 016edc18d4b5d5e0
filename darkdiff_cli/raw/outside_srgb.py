"""Measure on the raw how far a picture's colours lie outside sRGB, in which the networks give it."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import correlate1d

from darkdiff_cli.colour import srgb_decode
from darkdiff_cli.gamut import OutsideSrgb, at_lower_end, at_upper_end, fullest
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
    linear = np.minimum(_resized(srgb_decode(picture), high, wide) * np.float32(gain), np.float32(1.0))
    seen = develop(frame, ratio, "srgb").pixels * np.float32(gain)
    unit = fullest(linear)
    black = ratio * gain * BLACK_ERROR * np.abs(frame.matrix @ np.array(frame.white_balance)).astype(np.float32)
    low, doubt_low = _means(at_lower_end(linear), seen, unit, black)
    full, doubt_full = _means(at_upper_end(linear), seen, np.ones_like(unit), black)
    return OutsideSrgb(np.minimum(low + doubt_low, 0), np.maximum(full - 1 - doubt_full, 0))


def _means(
    weight: NDArray[np.float32], seen: NDArray[np.float32], unit: NDArray[np.float32], black: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Weighted means of `seen` around each block, and how far noise and the black level may have moved them.

    Both are (rows, columns, 3) in units of `unit`; `black` is the light that an error of the black level adds.
    """
    share, total = _around(weight), np.maximum(_around(weight * unit), np.float32(1e-9))
    mean = _around(weight * seen) / total
    spread = _around((weight * (seen - _spread(mean, weight.shape) * unit)) ** 2)
    doubt = (SURE / (AROUND * BLOCK) * np.sqrt(spread) + black * share) / total
    return np.where(share > ENOUGH, mean, 0), np.where(share > ENOUGH, doubt, np.float32(np.inf))


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


def _resized(linear: NDArray[np.float32], high: int, wide: int) -> NDArray[np.float32]:
    """(h, w, 3) brought to the size of LRGB by means of areas."""
    if linear.shape[:2] == (high, wide):
        return linear
    channels = [Image.fromarray(np.ascontiguousarray(linear[..., colour])) for colour in range(3)]
    return np.stack([np.asarray(c.resize((wide, high), Image.Resampling.BOX)) for c in channels], axis=-1)
