"""The slow part of row noise: what bands of rows have in common, told from the scene by its colour.

Rows a few apart say nothing of an offset that many rows share by chance, yet once it is amplified a hundredfold it is
a broad stripe of purple or green. It lifts all colours by the same DN, whereas a scene grows brighter in its own
colours, which are unequal before white balance, and not alike in the whole width.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from darkdiff_cli.cfa import Cfa
from darkdiff_cli.raw.row_noise.offsets import bulk, least_squares

BAND = 16  # rows
PIECE = 32  # columns that count as one value
FEWEST = 8  # bands, and pieces of a band; a smaller frame tells nothing
LAGS = range(1, 7)  # bands are compared with those up to so many bands away
SURROUNDINGS = 5  # bands and pieces over which a place's colour is averaged
COLOUR_CHANGE = 3e-4  # of a place's squared light, the variance of its colour from band to band
LEAST_CHANGE = 0.03  # the same of its brightness, at least
GROUPS = 8  # parts of the width that are asked for their own opinion
CAUTION = 4.0  # times the variance in which they disagree: they may err together
OUTLIER = 3.5  # deviations from which a step between two bands is an edge of the scene


def band_noise(
    mosaic_dn: NDArray[np.floating], cfa: Cfa, black_level: Sequence[float], row: float, pixel: float
) -> NDArray[np.float64]:
    """Measure what the offsets of many neighbouring rows have in common.

    The means of bands of rows are solved for by least squares over pairs of bands, as single rows are in `row_noise`.
    Each piece of the width weighs as much as noise and scene leave certain of the step common to its three colours
    (generalised least squares); how far the parts of the width disagree on a step is its uncertainty.

    Args:
        mosaic_dn: (H, W) pixels in DN, the offsets of single rows taken off.
        cfa: the colour filter, a Bayer pattern.
        black_level: DN of no light at each of its sites.
        row: variance of the offset of a row, DN squared.
        pixel: variance of a pixel, DN squared.

    Returns:
        (H,) offsets in DN; all of them 0 where the frame is too small.
    """
    height, width = mosaic_dn.shape
    if height < FEWEST * BAND or width < FEWEST * PIECE:
        return np.zeros(height)
    light = _bands(mosaic_dn, cfa, black_level)
    noise = pixel / (BAND * PIECE) * np.array([4.0, 2.0, 4.0])
    count, prior = len(light), row / BAND
    steps = []
    for lag in LAGS:
        step, uncertainty = _step(light, lag, noise, prior)
        weight = 1 / (len(LAGS) * uncertainty)
        weight[np.abs(step) > OUTLIER * np.sqrt(2 * prior + uncertainty)] = 0
        steps.append((lag, step, weight))
    centres = (np.arange(count) + 0.5) * BAND - 0.5
    return np.interp(np.arange(height), centres, least_squares(count, prior, steps))


def _bands(mosaic_dn: NDArray[np.floating], cfa: Cfa, black_level: Sequence[float]) -> NDArray[np.float64]:
    """(bands, pieces, 3) mean red, green and blue above black, DN."""
    bands, pieces = mosaic_dn.shape[0] // BAND, mosaic_dn.shape[1] // PIECE
    light = np.zeros((bands, pieces, 3))
    whole = mosaic_dn[: bands * BAND, : pieces * PIECE]
    sites = [site.colour for site in cfa.sites]
    for site, black in zip(cfa.sites, black_level, strict=True):
        pieced = cfa.plane(whole, site).reshape(bands, BAND // 2, pieces, PIECE // 2)
        light[..., site.colour] += (pieced.mean(axis=(1, 3), dtype=np.float64) - black) / sites.count(site.colour)
    return light


def _step(
    light: NDArray[np.float64], lag: int, noise: NDArray[np.float64], prior: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """How much all colours rise together from each band to the one `lag` bands further down, and how uncertain it is.

    Args:
        light: (bands, pieces, 3) DN.
        lag: bands.
        noise: (3,) variance of the three colours of a piece.
        prior: variance of a band's offset.

    Returns:
        (bands - lag,) DN, and its variance.
    """
    from scipy.ndimage import uniform_filter

    change = light[lag:] - light[:-lag]
    around = uniform_filter(light, (SURROUNDINGS, SURROUNDINGS, 0)).clip(0)
    colour = (around[lag:] + around[:-lag]) / 2
    squared = (colour**2).sum(axis=-1) + np.finfo(float).tiny
    along, blur = (change * colour).sum(axis=-1) ** 2 / squared, 2 * (noise * colour**2).sum(axis=-1) / squared
    brightness = max(bulk(np.maximum(along - blur, 0) / (squared + blur)), LEAST_CHANGE)
    # Weights of the three changes: the row sums of the inverse of their covariance, which is diagonal but for the
    # change along the scene's colour (Sherman and Morrison 1950).
    certain = 1 / (2 * noise + COLOUR_CHANGE * squared[..., None])
    shared = brightness * (colour * certain).sum(axis=-1) / (1 + brightness * (colour**2 * certain).sum(axis=-1))
    weights = certain * (1 - shared[..., None] * colour)
    weighted, total = (weights * change).sum(axis=-1), weights.sum(axis=-1)
    step = weighted.sum(axis=1) / total.sum(axis=1)
    groups = np.array_split(np.arange(light.shape[1]), GROUPS)
    opinions = [weighted[:, group].sum(axis=1) / total[:, group].sum(axis=1) for group in groups]
    apart = np.var(opinions, axis=0, ddof=1) / GROUPS
    apart = np.maximum(apart, np.convolve(np.pad(apart, 1, mode="edge"), (0.25, 0.5, 0.25), "valid"))
    own = np.maximum(1 / total.sum(axis=1), apart)
    common = max(bulk(step**2) - 2 * prior - float(np.median(own)), 0.0)
    return step, CAUTION * (own + common)
