"""Colours outside sRGB: what a picture of sRGB values cannot hold of the light, kept beside it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LEAST = 0.01  # linear light of the fullest channel: below it a ratio of channels is noise
NEAR = 0.05  # of the fullest channel: a channel below this is at the lower end of sRGB
BRIGHT, FULL = 0.9, 0.95  # linear light from which a channel begins to be, and is, at the upper end
BAND = 256  # rows that are looked at together


@dataclass(frozen=True)
class OutsideSrgb:
    """How far the light lies outside sRGB, in blocks of a picture.

    Attributes:
        below: (rows, columns, 3) 0 or less: what a channel lacks that is near 0, for each unit of `fullest`.
        above: (rows, columns, 3) 0 or more: what a channel has more that is near 1, for each unit of `colourful`.
    """

    below: NDArray[np.float32]
    above: NDArray[np.float32]

    def restored(self, linear: NDArray[np.float32]) -> NDArray[np.float32]:
        """The light of a picture of any size that shows what the blocks show.

        Args:
            linear: (h, w, 3) linear sRGB in [0, 1]. Channels at an end of sRGB are changed, and no others.

        Returns:
            (h, w, 3) linear sRGB, below 0 and above 1 too.
        """
        light = np.empty_like(linear)
        for top in range(0, linear.shape[0], BAND):
            part = linear[top : top + BAND]
            below, above = (_enlarged(blocks, linear.shape, top, len(part)) for blocks in (self.below, self.above))
            low, high = at_lower_end(part) * fullest(part), at_upper_end(part) * colourful(part)
            light[top : top + BAND] = part + low * below + high * above
        return light


def fullest(linear: NDArray[np.float32]) -> NDArray[np.float32]:
    """(h, w, 1) what the light of a channel is compared with: the fullest channel."""
    return np.asarray(linear.max(axis=-1, keepdims=True))


def colourful(linear: NDArray[np.float32]) -> NDArray[np.float32]:
    """(h, w, 1) how far the emptiest channel is from white: a white highlight in a red flower stays white."""
    return np.asarray(np.maximum(1 - linear.min(axis=-1, keepdims=True), 0))


def at_lower_end(linear: NDArray[np.float32]) -> NDArray[np.float32]:
    """(h, w, 3) in [0, 1], 1 where a channel has next to nothing of the light and sRGB may have clipped it."""
    limit = np.float32(NEAR) * (linear.max(axis=-1, keepdims=True) - np.float32(LEAST))
    return np.asarray(np.clip(2 * (limit - linear) / np.maximum(limit, np.float32(1e-6)), 0, 1))


def at_upper_end(linear: NDArray[np.float32]) -> NDArray[np.float32]:
    """(h, w, 3) in [0, 1], 1 where a channel is full and sRGB may have clipped it."""
    return np.asarray(np.clip((linear - np.float32(BRIGHT)) / np.float32(FULL - BRIGHT), 0, 1))


def _enlarged(blocks: NDArray[np.float32], shape: tuple[int, ...], top: int, rows: int) -> NDArray[np.float32]:
    """Rows of a map of blocks brought to a picture's size, bilinear: (rows, w, 3)."""
    down = _places(np.arange(top, top + rows), shape[0], blocks.shape[0])
    across = _places(np.arange(shape[1]), shape[1], blocks.shape[1])
    lines = _between(blocks, *down)
    return _between(lines.transpose(1, 0, 2), *across).transpose(1, 0, 2)


def _places(pixels: NDArray[np.intp], length: int, blocks: int) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """The block before each pixel, and the share of the next one."""
    places = np.clip((pixels + 0.5) * blocks / length - 0.5, 0, blocks - 1)
    first = np.minimum(places.astype(np.intp), max(blocks - 2, 0))
    return first, (places - first).astype(np.float32)


def _between(values: NDArray[np.float32], first: NDArray[np.intp], share: NDArray[np.float32]) -> NDArray[np.float32]:
    second = np.minimum(first + 1, len(values) - 1)
    weight = share[:, None, None]
    return np.asarray((1 - weight) * values[first] + weight * values[second])
