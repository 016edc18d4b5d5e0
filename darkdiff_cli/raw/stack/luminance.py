"""What frames are compared by: their luminance at the size of LRGB, with noise of the same size everywhere."""

import numpy as np
from numpy.typing import NDArray

from darkdiff_cli.raw.binning import binned
from darkdiff_cli.raw.frame import RawFrame
from darkdiff_cli.raw.noise import MeasuredNoise

MIX = np.array([0.25, 0.5, 0.25], np.float32)  # of red, green, blue: as many photosites as Bayer has


def stabilised(frame: RawFrame, noise: MeasuredNoise, scale: float = 1.0) -> NDArray[np.float32]:
    """The luminance of a frame, bent so that its noise is the same in the dark and in the light (Anscombe 1948).

    Args:
        frame: above black.
        noise: of the first frame, which all frames are bent by.
        scale: brings the frame to the exposure of the first one.

    Returns:
        (h, w) float32, of the size of `frame.lrgb_shape`, in deviations of the noise of one photosite.
    """
    light = binned(frame) @ MIX * np.float32(scale)
    dark = max(noise.read, 1e-3 * frame.white_level**0.5, 1e-6)
    if noise.gain <= 0:
        return np.asarray(light / np.float32(dark), np.float32)
    inside = np.maximum(noise.gain * light + np.float32(dark**2 + 0.375 * noise.gain**2), 0)
    return np.asarray(np.sqrt(inside) * np.float32(2 / noise.gain), np.float32)
