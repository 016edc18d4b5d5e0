"""How far light between photosites may be from what is interpolated there."""

from itertools import product

import numpy as np

from darkdiff_cli.raw.binning import binned
from darkdiff_cli.raw.frame import RawFrame
from darkdiff_cli.raw.noise import MeasuredNoise
from darkdiff_cli.raw.stack.pixels import Floats, at_photosites, means, photosites_of_pixel
from darkdiff_cli.raw.stack.resampling import POWER

WINDOW = 5  # pixels along a side in which light is compared
SPACING = 2  # photosites from one pixel to the next
PLACES = np.array(list(product(range(WINDOW), repeat=2))) * SPACING
VARIANCE = float(np.mean(np.hypot(*(PLACES[:, None] - PLACES[None]).transpose(2, 0, 1)) ** POWER))
"""Of the light in a window, where light a photosite apart differs by a mean square of 2."""


def roughness(mean: RawFrame, noise: MeasuredNoise, frames: int) -> Floats:
    """How fast light differs with distance, as a share of the noise's variance.

    Half the mean squared difference of the light of two places is taken to be the roughness times a power of their
    distance (the variogram of `resampling`); what is interpolated there is wrong by the roughness times the error that
    `shifted` gives. Details are as strong in every colour after white balance, so that all colours tell it together.

    Args:
        mean: of aligned frames, above black.
        noise: of one frame.
        frames: how many frames it is the mean of.

    Returns:
        (H, W), or (H, W, 3) for a demosaiced frame; 0 where no noise was measured, for nothing is known there.
    """
    picture = binned(mean)
    gains: Floats = np.asarray(mean.white_balance if mean.cfa is not None else (1.0, 1.0, 1.0), np.float32)
    variance = np.float32(noise.gain) * np.maximum(means(picture, WINDOW), 0) + np.float32(noise.read**2)
    seen = means(picture**2, WINDOW) - means(picture, WINDOW) ** 2
    details = ((seen - variance / (frames * photosites_of_pixel(mean))) * gains**2).mean(axis=-1, keepdims=True)
    # Noise alone varies as much as details that are weak: what is left of it is averaged before it is cut at nothing.
    details = np.maximum(means(details, WINDOW), 0) / np.float32(VARIANCE)
    share = details / (gains**2 * np.maximum(variance, np.float32(1e-12)))
    return at_photosites(np.where(variance > 0, share, np.float32(0)), mean)
