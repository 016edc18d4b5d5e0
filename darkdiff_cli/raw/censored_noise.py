"""Noise of which everything below a lowest value was set to it: photons, read noise, and what is left of both."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

DARKEST = 0.5  # read noises below black at which a window's light may seem to lie
BRIGHTEST = 4.0, 16.0  # read noises and photons above black where nothing is clipped any more
LEAST_GAIN = 0.05  # read noises per photon; fewer change nothing
LARGEST_GAIN = 10.0
STEPS = 128
FLATTEST = 0.4  # quantile of windows that hold noise and little of the picture
HALVINGS = 10


@dataclass(frozen=True)
class CensoredNoise:
    """Photons times a gain, plus normal read noise, rounded, and 0 where negative (Tobin, Econometrica 26, 1958).

    Attributes:
        read: standard deviation of the read noise in DN.
        gain: DN per photon.
        rounding: DN above the lowest value that are rounded down to it.
        black: DN above the lowest value at which no light is.
    """

    read: float
    gain: float
    rounding: float
    black: float = 0.0

    def bias(self, share: NDArray[np.float32]) -> NDArray[np.float32]:
        """By how many DN the mean of pixels is above the light that was there, black included.

        Args:
            share: of the pixels at the lowest value, 0 to 1, any shape.
        """
        light, shares, means = self._levels
        return np.asarray(np.interp(share, shares[::-1], (means - light)[::-1], left=0.0), dtype=np.float32)

    def mean(self, share: NDArray[np.float64]) -> NDArray[np.float64]:
        """The mean in DN of pixels of which this share is at the lowest value."""
        _, shares, means = self._levels
        return np.asarray(np.interp(share, shares[::-1], means[::-1]))

    def change(self, mean: NDArray[np.float64]) -> NDArray[np.float64]:
        """The mean absolute difference in DN of two pixels whose mean this is."""
        from scipy.special import ndtr

        chance, means = self._photons[1], self._levels[2]
        reach = np.linspace(0, means[-1] + 8 * np.sqrt(self.read**2 + self.gain * means[-1]), 2 * STEPS)
        photons = self.black + self._gain * np.arange(chance.shape[1])
        below = chance @ ndtr((reach - photons[:, None]) / self.read)  # the distribution function of each level
        found = np.interp(mean, means, 2 * np.trapezoid(below * (1 - below), reach, axis=1))
        whole = 2 / np.sqrt(np.pi) * np.sqrt(self.read**2 + self.gain * np.maximum(mean - self.black, 0))
        return np.asarray(np.where(mean < means[-1], found, whole))

    @property
    def _gain(self) -> float:
        return max(self.gain, LEAST_GAIN * self.read)

    @cached_property
    def _photons(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """(n,) levels of signal in DN above black, rising; (n, counts) the chance of each count of photons at each."""
        from scipy.special import gammaln

        brightest = BRIGHTEST[0] * self.read + BRIGHTEST[1] * self._gain
        below, above = np.linspace(-DARKEST * self.read, 0, STEPS // 8), np.linspace(0, 1, STEPS) ** 2 * brightest
        signal = np.concatenate([below, above[1:]])
        photons = np.maximum(signal, 0)[:, None] / self._gain
        largest = float(photons.max())
        count = np.arange(int(largest + 6 * np.sqrt(largest) + 10))
        return signal, np.exp(count * np.log(np.maximum(photons, 1e-300)) - photons - gammaln(count + 1))

    @cached_property
    def _levels(self) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Light, share of pixels at the lowest value, and mean of each level, in DN above the lowest value."""
        from scipy.special import ndtr

        signal, chance = self._photons
        light = self.black + np.minimum(signal, 0)[:, None] + self._gain * np.arange(chance.shape[1])
        z = light / self.read
        density = np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)
        means = (chance * self.read * (density + z * ndtr(z))).sum(axis=1)
        shares = (chance * ndtr((self.rounding - light) / self.read)).sum(axis=1)
        return self.black + signal, shares, means


def fitted_noise(
    share: NDArray[np.float64],
    mean: NDArray[np.float64],
    lit_mean: NDArray[np.float64],
    lit_change: NDArray[np.float64],
    start: CensoredNoise,
) -> CensoredNoise:
    """Fit read noise and gain to windows of a frame.

    Args:
        share: (n,) of dark windows: pixels at the lowest value, 0 to 1.
        mean: (n,) their mean in DN above it.
        lit_mean: (m,) mean of windows of which few pixels were clipped; may be empty.
        lit_change: (m,) their mean absolute difference of neighbours in DN.
        start: rounding and black.

    Returns:
        The noise for which half of the dark windows are brighter than their share says and half darker, and the
        flattest of the lit windows change as much from pixel to pixel as they should.
    """

    def with_gain(gain: float) -> CensoredNoise:
        low, high = 1e-3, 10 * float(mean.max()) + 1
        for _ in range(2 * HALVINGS):
            read = (low + high) / 2
            brighter = np.median(mean - replace(start, read=read, gain=gain).mean(share)) > 0
            low, high = (read, high) if brighter else (low, read)
        return replace(start, read=(low + high) / 2, gain=gain)

    noise = with_gain(0.0)
    if not lit_mean.size:
        return noise
    low, high = 0.0, LARGEST_GAIN * noise.read
    for _ in range(HALVINGS):
        noise = with_gain((low + high) / 2)
        changes_more = np.quantile(lit_change / noise.change(lit_mean), FLATTEST) > 1
        low, high = (noise.gain, high) if changes_more else (low, noise.gain)
    return noise
