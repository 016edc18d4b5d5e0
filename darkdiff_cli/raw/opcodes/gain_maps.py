"""Gains of a lens over the picture, as DNG opcodes give them: shading on a grid, and vignetting."""

import numpy as np
from numpy.typing import NDArray

from darkdiff_cli.raw.opcodes.kinds import GainMap, RadialGain


def grid_gain(
    opcode: GainMap, plane: int, rows: NDArray[np.int64], columns: NDArray[np.int64], shape: tuple[int, ...]
) -> NDArray[np.float32]:
    """A gain map at pixels, linear between its points and constant beyond them.

    Args:
        opcode: the map; its grid counts from the picture's corner, and pixels have their centres at halves.
        plane: which of its planes.
        rows, columns: of the pixels.
        shape: height and width of the picture.

    Returns:
        (rows, columns).
    """
    gains = opcode.gains[..., min(plane, opcode.gains.shape[2] - 1)]
    for axis, lines in ((1, columns), (0, rows)):
        last = gains.shape[axis] - 1
        place = np.clip(((lines + 0.5) / shape[axis] - opcode.origin[axis]) / (opcode.spacing[axis] or 1.0), 0, last)
        before = place.astype(np.int64)
        share = (place - before).astype(np.float32)
        share = share if axis == 1 else share[:, None]
        following = gains.take(np.minimum(before + 1, last), axis)
        gains = gains.take(before, axis)
        gains += share * (following - gains)
    return gains


def radial_gain(opcode: RadialGain, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """(H, W) the gain of FixVignetteRadial, for a picture of a height and width."""
    high, wide = shape[:2]
    across, down = opcode.centre[0] * wide, opcode.centre[1] * high
    squared = ((np.arange(high) + 0.5 - down) ** 2)[:, None] + (np.arange(wide) + 0.5 - across) ** 2
    squared /= max(across, wide - across) ** 2 + max(down, high - down) ** 2
    return np.polynomial.polynomial.polyval(squared, (1.0, *opcode.terms)).astype(np.float32)


def multiply(light: NDArray[np.float32], gain: NDArray[np.float32], white: np.float32) -> None:
    """Multiply light by a gain in place; what is saturated stays so, also where the gain is below 1."""
    np.multiply(light, np.where(light >= white, np.maximum(gain, np.float32(1)), gain), out=light)
