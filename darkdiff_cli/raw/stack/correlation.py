"""How far a frame is shifted against another as a whole: the peak of their correlation."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import fft

LONGEST = 1024  # pixels along the longer side that are correlated; larger pictures are averaged down
SMOOTH = 1.0  # pixels: finer detail is noise, and the sensor's own pattern, which does not move with the scene
EDGE = 0.15  # share of a side over which the picture fades out, so that its borders do not correlate
FARTHEST = 0.6  # of a side: with less in common, frames are not stacked


class Peak(NamedTuple):
    """The best shift of a whole frame.

    Attributes:
        shift: (2,) down and right, in pixels.
        height: of the peak, in deviations of the correlation elsewhere.
        step: pixels that the shift may be wrong by.
    """

    shift: NDArray[np.float64]
    height: float
    step: int


def correlate(reference: NDArray[np.float32], other: NDArray[np.float32]) -> Peak:
    """Find where a picture lies in another one of the same scene.

    Phase correlation (Kuglin and Hines 1975) in which a frequency counts by how far it stands above the noise: pure
    phases would let the noise of the many empty frequencies decide.

    Args:
        reference, other: (h, w), noise of the same deviation everywhere.

    Returns:
        The shift at which `other` shows what `reference` shows.
    """
    step = -(-max(reference.shape) // LONGEST)
    first, second = (_spectrum(_averaged(picture, step)) for picture in (reference, other))
    power = np.sqrt(np.abs(first) ** 2 * np.abs(second) ** 2)
    shape = tuple(n // step for n in reference.shape)
    frequency = np.hypot(fft.fftfreq(shape[0])[:, None], fft.rfftfreq(shape[1])[None])
    floor = float(np.median(power[frequency > 0.25]))
    weight = np.exp(-2 * (np.pi * SMOOTH * frequency) ** 2) / (power + 4 * floor + 1e-12)
    surface = fft.irfft2(second * np.conj(first) * weight, s=shape)
    places = np.stack(np.meshgrid(*(_signed(n) for n in shape), indexing="ij"), axis=-1)
    allowed = (np.abs(places) <= FARTHEST * np.array(shape)).all(axis=-1)
    best = np.unravel_index(np.argmax(np.where(allowed, surface, -np.inf)), shape)
    spread = 1.4826 * float(np.median(np.abs(surface - np.median(surface))))
    return Peak(places[best].astype(float) * step, float(surface[best]) / max(spread, 1e-30), step)


def _averaged(picture: NDArray[np.float32], step: int) -> NDArray[np.float32]:
    """The means of squares of pixels."""
    high, wide = (n // step for n in picture.shape)
    tiles = picture[: high * step, : wide * step].reshape(high, step, wide, step)
    return tiles.mean(axis=(1, 3), dtype=np.float32)


def _spectrum(picture: NDArray[np.float32]) -> NDArray[np.complex64]:
    """The Fourier transform of a picture that fades to its mean at the borders."""
    fades = [np.clip((np.arange(n) + 0.5) / (EDGE * n), 0, 1) for n in picture.shape]
    down, across = (np.sin(0.5 * np.pi * np.minimum(fade, fade[::-1])) ** 2 for fade in fades)
    window = np.outer(down, across).astype(np.float32)
    mean = float((picture * window).sum() / window.sum())
    return np.asarray(fft.rfft2((picture - np.float32(mean)) * window))


def _signed(length: int) -> NDArray[np.intp]:
    """Shifts of a circular correlation: the second half counts backwards."""
    return np.rint(fft.fftfreq(length) * length).astype(np.intp)
