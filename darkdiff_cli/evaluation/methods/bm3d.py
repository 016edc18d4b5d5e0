"""BM3D on a raw mosaic: noise estimated from the file, stabilised, denoised plane by plane, brought back."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from darkdiff_cli.errors import SettingsError
from darkdiff_cli.raw import RawFrame
from darkdiff_cli.raw.squares import as_bayer
from darkdiff_models.finishing.noise_estimate import estimate_noise

LEAST_NOISE = 1e-3, 1e-2  # gain in DN per electron and read variance in DN squared, which must be positive


def denoise_mosaic(frame: RawFrame) -> RawFrame:
    """Denoise the planes of the filter's sites with BM3D (Dabov et al., 2007; the authors' PyPI package).

    Of Bayer these are four; squares of one colour are joined first.

    Raises:
        SettingsError: the package is not installed.
    """
    try:
        from bm3d import bm3d
    except ImportError as error:
        raise SettingsError("the baseline bm3d needs its package: pip install 'darkdiff[bench]'.") from error
    frame = as_bayer(frame.above_black())
    if frame.cfa is None:
        raise SettingsError("the baseline bm3d needs a mosaic; this raw is demosaiced already.")
    mosaic = frame.light_dn().copy()
    for site in frame.cfa.sites:
        plane = frame.cfa.plane(mosaic, site)
        gain, variance = (max(*pair) for pair in zip(estimate_noise(plane), LEAST_NOISE, strict=True))
        stable = stabilise(plane, gain, variance)
        low, high = float(stable.min()), float(stable.max())
        span = max(high - low, 1e-6)
        denoised = bm3d((stable - low) / span, sigma_psd=1.0 / span) * span + low
        plane[:] = unstabilise(np.asarray(denoised, np.float32), gain, variance)
    return replace(frame, mosaic_dn=mosaic)


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
