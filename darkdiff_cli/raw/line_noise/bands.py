"""The slow part of line noise: offsets that many rows share, told from the scene by colour.

Neighbouring rows do not show an offset that many rows share by chance; amplified a hundredfold it is a broad stripe of
purple or green. Such an offset raises all colours by the same DN. A scene gets brighter in its own colours, which are
unequal before white balance, and not by the same amount over the whole width.
"""

import numpy as np
from numpy.typing import NDArray

from darkdiff_cli.cfa import Cfa
from darkdiff_cli.raw.line_noise.offsets import least_squares, robust_variance, whole_periods

BAND = 16  # rows, or the next whole periods of the filter
SEGMENT = 32  # columns that are averaged into one value; the same holds
MIN_COUNT = 8  # bands, and segments of a band; a smaller frame is not measured
LAGS = range(1, 7)  # distances, in bands, at which bands are compared
WINDOW = 5  # bands and segments over which the local colour is averaged
COLOUR_CHANGE = 3e-4  # variance of the local colour from band to band, relative to squared light
MIN_BRIGHTNESS_CHANGE = 0.03  # the same for brightness, lower limit
GROUPS = 8  # parts of the width that are evaluated separately
VARIANCE_FACTOR = 4.0  # on the variance between these parts, whose errors may be correlated
OUTLIER = 3.5  # standard deviations from which a step between two bands is an edge of the scene


def band_noise(light_dn: NDArray[np.floating], cfa: Cfa, row: float, pixel: float) -> NDArray[np.float64]:
    """Measure the offsets that many neighbouring rows share.

    Offsets of bands of rows are found by least squares over pairs of bands, as those of single rows in `line_noise`. A
    step is the part common to three colours, estimated in each segment of the width with the covariance of noise and
    scene (generalised least squares). The variance of a step comes from the differences between parts of the width.

    Args:
        light_dn: (H, W) pixels in DN above black, offsets of single rows subtracted.
        cfa: the colour filter, of three colours.
        row: variance of the offset of a row, DN squared.
        pixel: variance of a pixel, DN squared.

    Returns:
        (H,) offsets in DN; all of them 0 where the frame is too small.
    """
    height, width = light_dn.shape
    band, segment = map(whole_periods, (BAND, SEGMENT), cfa.period)
    if height < MIN_COUNT * band or width < MIN_COUNT * segment:
        return np.zeros(height)
    light, shares = _bands(light_dn, cfa, band, segment)
    noise = pixel / (band * segment * shares)
    count, prior = len(light), row / band
    steps = []
    for lag in LAGS:
        step, uncertainty = _step(light, lag, noise, prior)
        weight = 1 / (len(LAGS) * uncertainty)
        weight[np.abs(step) > OUTLIER * np.sqrt(2 * prior + uncertainty)] = 0
        steps.append((lag, step, weight))
    centres = (np.arange(count) + 0.5) * band - 0.5
    return np.interp(np.arange(height), centres, least_squares(count, prior, steps))


def _bands(
    light_dn: NDArray[np.floating], cfa: Cfa, band: int, segment: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(bands, segments, 3) mean red, green and blue above black in DN, and the (3,) shares of the colours."""
    bands, segments = light_dn.shape[0] // band, light_dn.shape[1] // segment
    down, across = cfa.period
    light, counts = np.zeros((bands, segments, 3)), np.zeros(3)
    whole = light_dn[: bands * band, : segments * segment]
    for site in cfa.sites:
        tiles = cfa.plane(whole, site).reshape(bands, band // down, segments, segment // across)
        light[..., site.colour] += tiles.mean(axis=(1, 3), dtype=np.float64)
        counts[site.colour] += 1
    return light / counts, counts / counts.sum()


def _step(
    light: NDArray[np.float64], lag: int, noise: NDArray[np.float64], prior: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The step common to all colours from each band to the one `lag` bands below, and its variance.

    Args:
        light: (bands, segments, 3) DN.
        lag: distance in bands.
        noise: (3,) variance of the three colours of a segment, DN squared.
        prior: variance of a band's offset, DN squared.

    Returns:
        (bands - lag,) DN, and its variance of the same shape.
    """
    from scipy.ndimage import uniform_filter

    change = light[lag:] - light[:-lag]
    local = uniform_filter(light, (WINDOW, WINDOW, 0)).clip(0)
    colour = (local[lag:] + local[:-lag]) / 2
    squared = (colour**2).sum(axis=-1) + np.finfo(float).tiny
    along, noise_part = (change * colour).sum(axis=-1) ** 2 / squared, 2 * (noise * colour**2).sum(axis=-1) / squared
    brightness = max(robust_variance(np.maximum(along - noise_part, 0) / (squared + noise_part)), MIN_BRIGHTNESS_CHANGE)
    # Weights of the three changes: the row sums of the inverse of their covariance, which is diagonal but for the
    # change along the scene's colour (Sherman and Morrison 1950).
    precision = 1 / (2 * noise + COLOUR_CHANGE * squared[..., None])
    shared = brightness * (colour * precision).sum(axis=-1) / (1 + brightness * (colour**2 * precision).sum(axis=-1))
    weights = precision * (1 - shared[..., None] * colour)
    weighted, total = (weights * change).sum(axis=-1), weights.sum(axis=-1)
    step = weighted.sum(axis=1) / total.sum(axis=1)
    groups = np.array_split(np.arange(light.shape[1]), GROUPS)
    estimates = [weighted[:, group].sum(axis=1) / total[:, group].sum(axis=1) for group in groups]
    between = np.var(estimates, axis=0, ddof=1) / GROUPS
    between = np.maximum(between, np.convolve(np.pad(between, 1, mode="edge"), (0.25, 0.5, 0.25), "valid"))
    own = np.maximum(1 / total.sum(axis=1), between)
    common = max(robust_variance(step**2) - 2 * prior - float(np.median(own)), 0.0)
    return step, VARIANCE_FACTOR * (own + common)
