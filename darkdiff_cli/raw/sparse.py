"""The mosaic as sparse colours: the form that serves every colour filter."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from darkdiff_cli.raw.develop import amplified
from darkdiff_cli.raw.frame import RawFrame
from darkdiff_cli.raw.noise import MeasuredNoise

REACH = 2  # photosites that `spread` carries a colour: in 5x5 of them every filter has all colours


class SparseColours(NamedTuple):
    """A mosaic with one plane for each colour.

    Attributes:
        colours: (3, H, W) float32, amplified, white-balanced linear light in the sensor's primaries, 1 = saturation;
            0 where a photosite saw another colour. Negative noise is kept.
        mask: (3, H, W) float32, 1 where a photosite saw the colour.
    """

    colours: NDArray[np.float32]
    mask: NDArray[np.float32]


def sparse_colours(frame: RawFrame, ratio: float) -> SparseColours:
    """Amplify and white-balance a frame, and spread it over three planes.

    Args:
        frame: exposure in DN, of any colour filter, or demosaiced already.
        ratio: amplification ratio.

    Raises:
        ValueError: ratio is not within 0 < ratio <= 10000.
    """
    light = amplified(frame, ratio).light_dn()
    if frame.cfa is None:
        colours = np.ascontiguousarray(light.transpose(2, 0, 1))
        return SparseColours(colours, np.ones_like(colours))
    colours, mask = np.zeros((2, 3, *light.shape), dtype=np.float32)
    for site in frame.cfa.sites:
        frame.cfa.plane(colours[site.colour], site)[:] = frame.cfa.plane(light, site)
        frame.cfa.plane(mask[site.colour], site)[:] = 1.0
    return SparseColours(colours, mask)


def noise_of_colours(frame: RawFrame, ratio: float, noise: MeasuredNoise) -> NDArray[np.float64]:
    """(3, 2) gain and read variance of the three colours, in the unit of `SparseColours`, for noise in DN."""
    above = frame.above_black()
    unit = ratio * np.array(frame.white_balance) / above.white_level
    return np.stack([noise.gain * unit, noise.read**2 * unit**2], axis=-1)


def spread(values: NDArray[np.float32], mask: NDArray[np.float32], sigma: float) -> NDArray[np.float32]:
    """Sparse colours at every place: the mean of the photosites around that saw them, the nearer ones weighing more.

    Weighed by a Gaussian and divided by the sum of the weights (normalised convolution: Knutsson and Westin, CVPR
    1993). It takes no noise away that the sensor has, and suits every colour filter.

    Args:
        values: (3, H, W), 0 where another colour was seen.
        mask: (3, H, W), 1 where the colour was seen.
        sigma: of the Gaussian, in photosites.

    Returns:
        (H, W, 3).
    """
    size = {"sigma": (0, sigma, sigma), "radius": (0, REACH, REACH), "mode": "constant"}
    total, weight = (gaussian_filter(part, **size) for part in (values, mask))
    return np.asarray((total / np.maximum(weight, np.float32(1e-6))).transpose(1, 2, 0), dtype=np.float32)
