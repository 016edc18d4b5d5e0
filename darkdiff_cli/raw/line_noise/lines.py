"""Line noise: the offset that the readout adds to each row and column, measured on the frame and subtracted."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from darkdiff_cli.cfa import Cfa
from darkdiff_cli.raw.frame import RawFrame
from darkdiff_cli.raw.line_noise.bands import band_noise
from darkdiff_cli.raw.line_noise.offsets import least_squares, robust_variance, whole_periods
from darkdiff_cli.raw.settings import ExposureSettings

QUADS = Cfa.bayer("RGGB")
SEGMENT = 32  # columns, or the next whole periods of the filter, of which each colour is averaged into one value
LAGS = range(1, 7)  # distances, in rows, at which rows are compared
MIN_SEGMENTS = 8  # of a row; a smaller frame is not measured
OUTLIER = 3.5  # standard deviations from which a step between two rows is an edge of the scene
MIN_EXCESS = 1.4  # times the variance between halves of the width: 0.5 to 0.9 without line noise, up to 11 with it
MAX_LINE_NOISE = 0.6  # times a pixel's noise: 0.01 to 0.53 in ELD's calibrations; stronger stripes are the scene's


def without_line_noise(frame: RawFrame, settings: ExposureSettings) -> RawFrame:
    """Subtract the noise of rows, then of columns, giving float32; unchanged without any, or where it is off."""
    if settings.line_noise == "off" or not is_measured(frame):
        return frame
    above = frame.above_black()
    light = above.light_dn()
    # The lines of a raw without a filter are measured as if each 2x2 were a quad: neighbours need not be alike.
    cfa, trailing = (QUADS, light.shape[2:]) if frame.cfa is None or frame.cfa.is_monochrome else (frame.cfa, ())
    seen = np.ascontiguousarray(light[..., 1]) if trailing else light
    rows = line_noise(seen, cfa)
    columns = line_noise(np.ascontiguousarray((seen - rows[:, None].astype(np.float32)).T), cfa.transposed)
    if not rows.any() and not columns.any():
        return frame
    offsets = (rows[:, None] + columns[None, :]).astype(np.float32)
    return replace(above, mosaic_dn=light - offsets.reshape(*offsets.shape, *(1 for _ in trailing)))


def is_measured(frame: RawFrame) -> bool:
    """Whether a frame is of a kind whose lines are measured: all but those with a row or column without green."""
    cfa = frame.cfa
    return cfa is None or cfa.is_monochrome or all(_is_comparable(either) for either in (cfa, cfa.transposed))


def line_noise(light_dn: NDArray[np.float32], cfa: Cfa) -> NDArray[np.float64]:
    """Measure the offset of each row of a frame; of each column, if the frame is given transposed.

    Two rows with a common colour (all rows have green) differ by their offsets and by the scene. The scene gets
    brighter in one part of the width and darker in another, so the median along the row keeps the offsets. Steps of the
    scene grow with the distance of the rows, steps of the offsets do not (the nugget of a variogram: Matheron, Economic
    Geology 58, 1963). The offsets are the least squares solution over all pairs of rows, weighted by the variance that
    scene and pixel noise give a step. Offsets that many rows share do not show there; `band_noise` measures them.

    Args:
        light_dn: (H, W) pixels in DN above black.
        cfa: the colour filter; Bayer, quad Bayer, X-Trans, or another with green in every row.

    Returns:
        (H,) offsets in DN, their mean 0; all of them 0 where the frame shows no such noise.
    """
    whole, offsets, period = cfa.whole(light_dn), np.zeros(len(light_dn)), cfa.period[0]
    segment = whole_periods(SEGMENT, cfa.period[1])
    if len(whole) <= 2 * LAGS[-1] or not _is_comparable(cfa) or whole.shape[1] < MIN_SEGMENTS * segment:
        return offsets
    every, green = _rows(whole, cfa, segment)
    steps = [_step(green if lag % period else every, lag, period) for lag in LAGS]
    slope, nugget = np.polyfit(LAGS, [robust_variance(step.medians**2) for step in steps], 1)
    offset = nugget / 2
    chance = float(np.mean([step.noise for step in steps])) / 2
    if not MIN_EXCESS * chance < offset < chance + MAX_LINE_NOISE**2 * steps[1].pixel:
        return offsets
    offsets[: len(whole)] = _solve(steps, offset, max(float(slope), 0.0), steps[1].pixel)
    without = light_dn - offsets[:, None].astype(np.float32)
    offsets += band_noise(without, cfa, offset, steps[1].pixel)
    return np.asarray(offsets - offsets.mean())


def _is_comparable(cfa: Cfa) -> bool:
    """Whether the filter has three colours, and green in each row."""
    return len(set(str(cfa))) == 3 and all("G" in row for row in cfa.pattern)


class _Rows(NamedTuple):
    """What is compared of the rows of a frame.

    Attributes:
        values: (rows, n) means of segments from left to right, DN.
        variance: (rows,) that of such a mean, in those of a pixel.
    """

    values: NDArray[np.float32]
    variance: NDArray[np.float64]


def _rows(whole: NDArray[np.float32], cfa: Cfa, across: int) -> tuple[_Rows, _Rows]:
    """Every column of the filter's period for itself, and the green ones together.

    Args:
        whole: (H, W) DN, of whole periods.
        cfa: its filter.
        across: columns of a segment.
    """
    height, phases = len(whole), cfa.period[1]
    parts = whole[:, : whole.shape[1] // across * across].reshape(height, -1, across // phases, phases)
    means = parts.mean(axis=2, dtype=np.float64).astype(np.float32)
    every = _Rows(means.reshape(height, -1), np.full(height, phases / across))
    is_green = np.array([[colour == "G" for colour in row] for row in cfa.pattern])
    is_green = np.tile(is_green, (height // len(is_green), 1))
    count = is_green.sum(axis=1)
    green = (means * is_green[:, None]).sum(axis=2) / count[:, None].astype(np.float32)
    return every, _Rows(green, phases / across / count)


class _Step(NamedTuple):
    """Median steps from each row to the one `lag` rows below.

    Attributes:
        medians: (rows - lag,) DN.
        noise: their variance that is not common to all columns, DN squared.
        pixel: variance of a pixel, DN squared.
        mean: the variance of the mean step along a row, in those of a pixel.
    """

    medians: NDArray[np.floating]
    noise: float
    pixel: float
    mean: float


def _step(rows: _Rows, lag: int, period: int) -> _Step:
    change = rows.values[lag:] - rows.values[:-lag]
    if lag % period:  # the greens of many sensors differ in response from row to row
        for phase in range(period):
            change[phase::period] -= np.median(change[phase::period])
    medians = np.median(change, axis=1)
    middle = change.shape[1] // 2
    halves = np.median(change[:, :middle], axis=1) - np.median(change[:, middle:], axis=1)
    own = (rows.variance[lag:] + rows.variance[:-lag])[:, None]
    pixel = robust_variance((change - medians[:, None]) ** 2 / own)
    return _Step(medians, robust_variance(halves**2) / 4, pixel, float(own.min()) / change.shape[1])


def _solve(steps: list[_Step], offset: float, drift: float, pixel: float) -> NDArray[np.float64]:
    """Offsets of variance `offset` by least squares; the scene adds a variance of `drift` per row of distance."""
    weighted = []
    for lag, step in zip(LAGS, steps, strict=True):
        noise = max(step.noise, pixel * step.mean)  # medians of whole numbers may all be alike
        weight = np.full(len(step.medians), 1 / (len(LAGS) * (drift * lag + noise)))
        weight[np.abs(step.medians) > OUTLIER * np.sqrt(2 * offset + drift * lag)] = 0
        weighted.append((lag, step.medians, weight))
    return least_squares(len(steps[0].medians) + 1, offset, weighted)
