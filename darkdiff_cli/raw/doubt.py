"""How far the picture may be from the truth, place by place, by what the noise hides (`--doubt`)."""

from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from darkdiff_cli.colour import LUMINANCE_WEIGHTS, srgb_decode, srgb_encode
from darkdiff_cli.raw.frame import RawFrame
from darkdiff_cli.raw.grain import shares
from darkdiff_cli.raw.noise import MeasuredNoise
from darkdiff_cli.raw.sparse import noise_of_colours

# Least squares over 96 photographs, darkened x1 to x320 and enhanced by the bundled model. How far the picture is from
# the light that was counted got no weight beside these, and two seeds of that model hardly differ.
ALWAYS, HIDDEN, DETAIL = 0.0095, 0.345, 0.072
SITES = np.array([1.0, 2.0, 1.0])  # photosites of red, green and blue in a quad
SPREAD_SITES = np.array([2.2, 4.0, 2.2])  # the same of a pixel of full size, by the Gaussian that spreads its grain
AROUND = 1.5  # half-size pixels over which detail is measured
EVEN = np.ones(1)  # the same noise everywhere
DARKEST = 1e-4  # linear light below which the sRGB curve is no steeper
NODES = np.array([NormalDist().inv_cdf((place + 0.5) / 8) for place in range(8)])
NODES *= np.sqrt(2 / np.pi) / np.abs(NODES).mean()  # values of equal chance that stand for normal noise


def doubt_of(
    picture: NDArray[np.float32],
    frame: RawFrame,
    ratio: float,
    noise: MeasuredNoise,
    strength: float,
    noise_share: NDArray[np.float32] | None = None,
) -> NDArray[np.float32]:
    """The error that is to be expected at each place of a finished photo.

    The networks' share of the error, and what the noise that was left as grain does to the picture: both are errors,
    and independent.

    Args:
        picture: (h, w, 3) sRGB in [0, 1], of half or of full size, without grain.
        frame: the raw.
        ratio: amplification ratio of the picture, the gain of its white level included.
        noise: of the frame's photosites.
        strength: share of the networks in the picture.
        noise_share: (H, W) how many times that variance there is at each photosite; None: the same everywhere.

    Returns:
        As `doubt`, of the size of LRGB.
    """
    full = picture.shape[0] > frame.lrgb_shape[0] * 1.5
    if full:
        picture = _means(picture, frame)
    share = EVEN if noise_share is None else _means(noise_share, frame)
    squares = 1 if frame.cfa is None or frame.cfa.squares is None else frame.cfa.squares.side
    joined = MeasuredNoise(noise.gain / squares**2, noise.read / squares)
    networks = np.float32(strength) * doubt(picture, frame, ratio, joined, share)
    if strength == 1:
        return networks
    of_pixel = noise_of_colours(frame, ratio, noise if full else joined) / (SPREAD_SITES if full else SITES)[:, None]
    return np.hypot(networks, _grain_in_srgb(picture, frame, of_pixel, strength, share))


def doubt(
    picture: NDArray[np.float32], frame: RawFrame, ratio: float, noise: MeasuredNoise, share: NDArray[Any] = EVEN
) -> NDArray[np.float32]:
    """The error that is to be expected at each place of the networks' picture, at half size.

    Detail that is stronger than the sensor's noise was seen, and what is smooth is easily right; between them, detail
    as strong as the noise is what the networks make up.

    Args:
        picture: (h, w, 3) sRGB in [0, 1], each pixel from a quad of photosites.
        frame: its white balance, levels and matrix.
        ratio: amplification ratio of the picture.
        noise: of the frame's photosites, or of its squares of one colour.
        share: (h, w) how many times that variance there is at each place, or (1,) everywhere.

    Returns:
        (h, w) mean absolute error of a channel, in units of the sRGB range.
    """
    hidden = _noise_in_srgb(picture, frame, noise_of_colours(frame, ratio, noise), share)
    grey = (picture @ LUMINANCE_WEIGHTS).astype(np.float32)
    spread = gaussian_filter(grey**2, AROUND) - gaussian_filter(grey, AROUND) ** 2
    detail = np.sqrt(np.maximum(spread, 0.0))
    return np.asarray(ALWAYS + HIDDEN * np.sqrt(hidden * detail) + DETAIL * detail, dtype=np.float32)


def _means(values: NDArray[np.float32], frame: RawFrame) -> NDArray[np.float32]:
    """(h, w, ...) the mean over the photosites of each pixel of LRGB."""
    (high, wide), (top, left), side = frame.lrgb_shape, frame.first_pixel, frame.sites_per_pixel
    whole = values[top : top + high * side, left : left + wide * side]
    return np.asarray(whole.reshape(high, side, wide, side, *values.shape[2:]).mean(axis=(1, 3)))


def _noise_in_srgb(
    picture: NDArray[np.float32], frame: RawFrame, noise: NDArray[np.float64], share: NDArray[Any]
) -> NDArray[np.float64]:
    """(h, w) standard deviation of the sensor's noise in a pixel's luminance, under the sRGB curve."""
    linear, light = _light(picture, frame)
    variance = (noise[:, 0] * light + noise[:, 1]) / SITES
    deviation = np.sqrt(share * (variance @ (LUMINANCE_WEIGHTS @ frame.matrix) ** 2))
    bright = np.maximum(linear @ LUMINANCE_WEIGHTS, DARKEST)
    slope = np.where(bright <= 0.0031308, 12.92, 1.055 / 2.4 * bright ** (1 / 2.4 - 1))  # of the sRGB curve
    return np.asarray(deviation * slope)


def _grain_in_srgb(
    picture: NDArray[np.float32], frame: RawFrame, noise: NDArray[np.float64], strength: float, share: NDArray[Any]
) -> NDArray[np.float32]:
    """(h, w) mean absolute change of a channel by the noise that is left as grain, clipped and under the sRGB curve.

    Args:
        picture: (h, w, 3) sRGB, half size.
        frame: as in `doubt`.
        noise: (3, 2) gain and read variance of a pixel's three colours.
        strength, share: as in `doubt_of` and `doubt`.
    """
    linear, light = _light(picture, frame)
    left = shares(strength) @ frame.matrix
    deviation = np.sqrt(share[..., None] * ((noise[:, 0] * light + noise[:, 1]) @ (left**2).T)).astype(np.float32)
    shown = srgb_encode(linear)
    changes = [np.abs(srgb_encode(linear + np.float32(node) * deviation) - shown).mean(axis=-1) for node in NODES]
    return np.asarray(np.mean(changes, axis=0), dtype=np.float32)


def _light(picture: NDArray[np.float32], frame: RawFrame) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """A picture's linear light, a little smoothed: (h, w, 3) in sRGB, and in the sensor's colours."""
    linear = gaussian_filter(srgb_decode(picture), (1, 1, 0))
    return linear, np.maximum(linear @ np.linalg.inv(frame.matrix).T.astype(np.float32), 0)
