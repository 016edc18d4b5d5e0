"""How finished photographs differ beside their subject: how soft they are, and how grainy."""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from darkdiff_cli.colour import srgb_decode, srgb_encode

CLUMPS = 0.8  # pixels, the most: standard deviation of the Gaussian that correlates neighbouring grains


def softened(srgb_01: NDArray[np.float32], spread: float) -> NDArray[np.float32]:
    """Blur a picture in linear light.

    Args:
        srgb_01: (h, w, 3) sRGB in [0, 1].
        spread: standard deviation of the Gaussian in pixels.
    """
    return srgb_encode(gaussian_filter(srgb_decode(srgb_01), sigma=(spread, spread, 0.0), mode="reflect"))


def grainy(srgb_01: NDArray[np.float32], grain: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """Add grain as film has it: none in black and white, most between, its colours more or less alike.

    Args:
        srgb_01: (h, w, 3) sRGB in [0, 1].
        grain: its standard deviation in mid-grey.
        rng: source of randomness.
    """
    clumps, alike = rng.uniform(0.0, CLUMPS), rng.uniform()
    each = rng.standard_normal(srgb_01.shape, dtype=np.float32)
    common = rng.standard_normal((*srgb_01.shape[:2], 1), dtype=np.float32)
    grains = gaussian_filter(alike**0.5 * common + (1 - alike) ** 0.5 * each, sigma=(clumps, clumps, 0.0), mode="wrap")
    strength = 2 * np.sqrt(srgb_01 * (1 - srgb_01))
    return np.clip(srgb_01 + np.float32(grain / grains.std()) * grains * strength, 0, 1).astype(np.float32)
