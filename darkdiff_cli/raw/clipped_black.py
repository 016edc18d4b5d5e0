"""Cameras that subtract black and clip at zero: the light that clipped noise seems to add is taken out."""

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from darkdiff_cli.raw.censored_noise import CensoredNoise, fitted_noise
from darkdiff_cli.raw.frame import RawFrame
from darkdiff_cli.raw.settings import ExposureSettings

MIN_SHARE = 1e-3  # of the pixels that have the lowest value; of noise that is not clipped very few have
PILE = 1.5  # times as many as have the value above it: else the raw has coarse steps
WINDOW = 33  # pixels across, in which pixels of one colour are counted
PILED = (0.15, 0.85)  # share of a window's pixels at the lowest value that shows how strong the noise is
LIT = 0.15  # share below which a window shows how noise grows with light
MIN_WINDOWS = 30  # of either kind
MAX_WINDOWS = 2000
MIXED = 0.6  # of the changes between neighbours that noise makes; black areas of a clean picture have fewer
BELOW_BLACK = 3.0  # read noises between black and the lowest value, beyond which no noise is clipped
LEAST_NOISE = 0.4  # steps between values; coarser ones do not show the noise


def without_clipped_noise(frame: RawFrame, _settings: ExposureSettings) -> RawFrame:
    """Subtract the bias of noise that the camera clipped below, giving float32; unchanged where it did not clip.

    The share of pixels at the lowest value around a pixel tells how much light there is under the noise, and thereby
    how much brighter the mean of the clipped noise is (`censored_noise`). That is subtracted, so that means are right;
    around them noise keeps the shape that the camera left it.

    Args:
        frame: in DN as the file has it, before any correction that averages pixels.
        _settings: what all corrections get; this one puts a level right, as the black level does, and has no option.
    """
    floor = frame.mosaic_dn.min()
    at_floor = np.asarray(frame.mosaic_dn == floor)
    if np.mean(at_floor) < MIN_SHARE:
        return frame
    light = frame.mosaic_dn.astype(np.float32) - np.float32(floor)
    step = float(np.min(light, where=~at_floor, initial=np.inf))
    if at_floor.sum() < PILE * np.count_nonzero(light == np.float32(step)):
        return frame
    rounding = step / 2 if np.issubdtype(frame.mosaic_dn.dtype, np.integer) else 0.0
    planes = list(_planes(light, at_floor, frame))
    start = CensoredNoise(0.0, 0.0, rounding, frame.black_level.mean - float(floor))
    noise = _noise(planes, start, frame.period)
    if noise is None or noise.read < LEAST_NOISE * step:
        return frame
    for plane in planes:
        plane.light[...] -= _bias(plane, noise, frame.period) * plane.mask
    return replace(frame, mosaic_dn=light + np.float32(floor))


class _Plane(NamedTuple):
    """One colour of a frame.

    Attributes:
        light: (H, W) DN above the lowest value, as a view.
        at_floor: (H, W) which pixels have the lowest value.
        mask: (H, W) which pixels have this colour.
    """

    light: NDArray[np.float32]
    at_floor: NDArray[np.bool_]
    mask: NDArray[np.bool_]


def _planes(light: NDArray[np.float32], at_floor: NDArray[np.bool_], frame: RawFrame) -> Iterator[_Plane]:
    if frame.cfa is None:
        whole = np.ones(light.shape[:2], bool)
        yield from (_Plane(light[..., index], at_floor[..., index], whole) for index in range(light.shape[2]))
        return
    high, wide = light.shape
    for colour in sorted({site.colour for site in frame.cfa.sites}):
        sites = tuple(float(site.colour == colour) for site in frame.cfa.sites)
        yield _Plane(light, at_floor, frame.cfa.spread(sites, (high, wide)) > 0)


def _bias(plane: _Plane, noise: CensoredNoise, period: tuple[int, int]) -> NDArray[np.float32]:
    """(H, W) by how many DN the pixels of this colour around each place are too bright."""
    from scipy.ndimage import uniform_filter

    (high, wide), (down, across) = plane.mask.shape, period
    edges = ((0, -high % down), (0, -wide % across))
    at_floor = np.pad(plane.at_floor, edges, mode="symmetric")
    sites = np.argwhere(plane.mask[:down, :across])
    found = sum(at_floor[row::down, column::across].astype(np.float32) for row, column in sites) / len(sites)
    share = uniform_filter(found, [-(-WINDOW // length) | 1 for length in period])
    return np.asarray(noise.bias(share).repeat(down, axis=0).repeat(across, axis=1)[:high, :wide])


def _noise(planes: list[_Plane], start: CensoredNoise, period: tuple[int, int]) -> CensoredNoise | None:
    """The noise of the frame near its lowest value; None where no noise was clipped."""
    share, mean, mixed, change = np.concatenate([_windows(plane, period) for plane in planes], axis=1)
    piled, lit = (share > PILED[0]) & (share < PILED[1]), (share > 0) & (share < LIT)
    expected = 2 * share * (1 - share)
    if piled.sum() < MIN_WINDOWS or mixed[piled].sum() < MIXED * expected[piled].sum():
        return None
    lit &= lit.sum() >= MIN_WINDOWS
    some, others = (np.flatnonzero(which)[:: max(which.sum() // MAX_WINDOWS, 1)] for which in (piled, lit))
    noise = fitted_noise(share[some], mean[some], mean[others], change[others], start)
    return noise if abs(start.black) < BELOW_BLACK * noise.read else None


def _windows(plane: _Plane, period: tuple[int, int]) -> NDArray[np.float64]:
    """Statistics of each window of a plane.

    Returns:
        (4, n): share of pixels at the lowest value; mean in DN above it; share of neighbours of which one is at the
        lowest value and one is not; mean absolute difference of neighbours in DN.
    """
    side = [length * -(-WINDOW // length) for length in period]
    down, across = (length // part for length, part in zip(plane.mask.shape, side, strict=True))

    def means(values: NDArray[np.generic]) -> NDArray[np.float64]:
        shown = np.where(plane.mask, values, 0)[: down * side[0], : across * side[1]]
        return np.asarray(shown.reshape(down, side[0], across, side[1]).mean(axis=(1, 3), dtype=np.float64).ravel())

    step = period[1]
    mixed, change = np.zeros_like(plane.mask), np.zeros_like(plane.light)
    mixed[:, step:] = plane.at_floor[:, step:] != plane.at_floor[:, :-step]
    change[:, step:] = np.abs(plane.light[:, step:] - plane.light[:, :-step])
    pixels = means(plane.mask)
    return np.stack([means(values) / pixels for values in (plane.at_floor, plane.light, mixed, change)])
