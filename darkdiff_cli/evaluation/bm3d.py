"""BM3D on a raw mosaic: noise estimated from the file, stabilised, denoised plane by plane, brought back."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from darkdiff_cli.errors import SettingsError
from darkdiff_cli.raw import RawFrame

BINS = 24
MAD_TO_SIGMA = 1.4826


def denoise_mosaic(frame: RawFrame) -> RawFrame:
    """Denoise the four Bayer planes with BM3D (Dabov et al., 2007; the authors' PyPI package).

    Raises:
        SettingsError: the package is not installed.
    """
    try:
        from bm3d import bm3d
    except ImportError as error:
        raise SettingsError("the baseline bm3d needs its package: pip install 'darkdiff[bench]'.") from error
    mosaic = frame.mosaic_dn.astype(np.float32).copy()
    for site in range(4):
        view = mosaic[site // 2 :: 2, site % 2 :: 2]
        plane = view - np.float32(frame.black_level[site])
        gain, variance = estimate_noise(plane)
        stable = stabilise(plane, gain, variance)
        low, high = float(stable.min()), float(stable.max())
        span = max(high - low, 1e-6)
        denoised = bm3d((stable - low) / span, sigma_psd=1.0 / span) * span + low
        view[:] = unstabilise(np.asarray(denoised, np.float32), gain, variance) + np.float32(frame.black_level[site])
    return replace(frame, mosaic_dn=mosaic)


def estimate_noise(plane: NDArray[np.float32]) -> tuple[float, float]:
    """Fit variance = gain * signal + read variance to a plane.

    Second differences hold the noise and little of the picture; their median absolute deviation, in bins of
    equal count by local mean, is robust to edges.

    Args:
        plane: (h, w) of one Bayer colour in DN, black taken off.

    Returns:
        Gain in DN per electron and read variance in DN squared, both positive.
    """
    height, width = (n // 4 * 4 for n in plane.shape)
    means = plane[:height, :width].reshape(height // 4, 4, width // 4, 4).mean(axis=(1, 3))
    rows = plane[:height, :width]
    differences = (rows[:, :-2] - 2 * rows[:, 1:-1] + rows[:, 2:]) / np.sqrt(6.0)
    signal = np.repeat(np.repeat(means, 4, 0), 4, 1)[:, 1:-1].ravel()
    order = np.array_split(np.argsort(signal, kind="stable"), BINS)
    flat = differences.ravel()
    levels = np.array([signal[part].mean() for part in order])
    spread = np.array([(MAD_TO_SIGMA * np.median(np.abs(flat[part]))) ** 2 for part in order])
    gain, variance = np.polyfit(levels, spread, 1, w=1.0 / np.maximum(spread, 1e-3))
    return max(float(gain), 1e-3), max(float(variance), 1e-2)


def stabilise(plane: NDArray[np.float32], gain: float, variance: float) -> NDArray[np.float32]:
    """The generalised Anscombe transform: noise of unit variance whatever the signal."""
    inside = gain * plane + 0.375 * gain**2 + variance
    return np.asarray(2.0 / gain * np.sqrt(np.maximum(inside, 0.0)), dtype=np.float32)


def unstabilise(stable: NDArray[np.float32], gain: float, variance: float) -> NDArray[np.float32]:
    """Its exact unbiased inverse in closed form (Makitalo and Foi, IEEE TIP 2013)."""
    d = np.maximum(stable, 1.0)
    root = np.sqrt(1.5)
    electrons = d**2 / 4 + root / (4 * d) - 11 / (8 * d**2) + 5 * root / (8 * d**3) - 0.125
    return np.asarray((electrons - variance / gain**2) * gain, dtype=np.float32)
