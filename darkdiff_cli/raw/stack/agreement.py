"""Where two aligned frames show the same light: what moved is more than the noise explains."""

import numpy as np
from scipy.ndimage import maximum_filter, uniform_filter

from darkdiff_cli.raw.binning import binned
from darkdiff_cli.raw.frame import RawFrame
from darkdiff_cli.raw.noise import MeasuredNoise
from darkdiff_cli.raw.stack.pixels import Floats, at_photosites, means, photosites_of_pixel

WINDOWS = (3, 9, 27)  # pixels along a side: small things that differ much, large ones that differ little
UNLIKELY = 24.0  # squared deviations of three colours together; noise reaches it in 1 of 40,000 windows
TEXTURE = 0.15  # of the contrast around a pixel: what interpolation and a few hundredths of a pixel make of it
STEADINESS = 0.01  # share of the light by which lamps and lenses differ from frame to frame
TINY = np.float32(1e-12)
NEAR_BLACK = 0.1  # of the read noise: the error of a black level


def agreement(first: RawFrame, second: RawFrame, noises: tuple[MeasuredNoise, MeasuredNoise]) -> Floats:
    """How much of a frame to take at each photosite: 1 where it shows what the first one shows, 0 where it does not.

    Differences of the two are averaged over windows of several sizes, each without what smaller ones found. Where they
    exceed what noise explains, the window and a pixel around it are left out, so that the edge of what moved leaves no
    trace either. The windows hold so many photosites that the noise of a single one does not decide whether it is
    taken, and the mean stays that of all noise.

    Args:
        first, second: above black, aligned, of one exposure.
        noises: of the two, in DN of this exposure.

    Returns:
        (H, W) or (H, W, 1) in [0, 1].
    """
    pictures = binned(first), binned(second)
    difference, level = pictures[1] - pictures[0], (pictures[0] + pictures[1]) * np.float32(0.5)
    light = np.maximum(means(level, WINDOWS[0]), 0)
    gain, read = (np.float32(value) for value in _both(noises))
    expected = (gain * light + read) / photosites_of_pixel(first)
    moved = np.zeros((*difference.shape[:2], 1), np.float32)
    for window in WINDOWS:
        left = 1 - moved
        share = means(left, window)
        contrast = np.maximum(means(level**2, window) - means(level, window) ** 2 - expected / 4, 0)
        allowed = (STEADINESS * light) ** 2 + (NEAR_BLACK**2) * read + TEXTURE**2 * contrast * WINDOWS[0] / window
        variance = means(expected * left, window) / window**2 + allowed * share**2
        far = (means(difference * left, window) ** 2 / np.maximum(variance, TINY)).sum(axis=-1, keepdims=True)
        found = (far > UNLIKELY).astype(np.float32)
        moved = np.maximum(moved, maximum_filter(found, (window + 2, window + 2, 1)))
    moved = moved[..., 0]
    return at_photosites(1 - uniform_filter(moved, WINDOWS[0]), first)


def _both(noises: tuple[MeasuredNoise, MeasuredNoise]) -> tuple[float, float]:
    """Gain and variance without light of the difference of two frames."""
    return noises[0].gain + noises[1].gain, noises[0].read ** 2 + noises[1].read ** 2
