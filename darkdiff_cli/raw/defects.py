"""Hot, dead and stuck photosites: found by comparison with their neighbours, and replaced."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from darkdiff_cli.cfa import COLOURS, Cfa, Site
from darkdiff_cli.raw.frame import RawFrame
from darkdiff_cli.raw.neighbours import MARGIN, SMALLEST, Places, around, interpolated, padded, same_colour
from darkdiff_cli.raw.settings import ExposureSettings

COUNT = 8  # neighbours of its own colour that a photosite is compared with
STRIP = 32  # photosites of a column, all of one place in the filter, that are compared at once
SAMPLES = 500_000  # photosites that the noise is measured on
BINS = 8  # levels of light at which it is measured
TAIL = 5.0  # decades from the 99th percentile of noise to the threshold, on a tail that falls exponentially
COMMON = 1e-3  # share of photosites that a value must have to count as common
MORE_THAN_A_STEP = 1.5
LEAST = 1 / 8192  # of the white level: no smaller excess counts, in a frame without noise
# Of a point's light, beside its centre: a Gaussian of 0.5 photosites, and no lens is sharper.
SIDE, CORNER = 0.23, 0.053
RING = {(r, c): CORNER if r and c else SIDE for r in (-1, 0, 1) for c in (-1, 0, 1) if r or c}
SPREAD, MOST_SPREAD = 0.5, 0.5  # share of that spread light below which a point is a defect; lights have colours
RING_TEXTURE, RANGE_TEXTURE = 2.5, 1.0  # times what the photosites around vary by: less is the scene's texture
VISIBLE = 0.1  # of the light around it: a smaller excess is no harm


def without_defects(frame: RawFrame, settings: ExposureSettings) -> RawFrame:
    """Replace hot, dead and stuck photosites, giving float32; unchanged without any, or where it is off."""
    if settings.hot_pixels == "off" or frame.cfa is None or min(frame.mosaic_dn.shape) < SMALLEST:
        return frame
    above = frame.above_black()
    defective = find_defects(above)
    if not defective.any():
        return frame
    return replace(above, mosaic_dn=interpolated(above.light_dn(), defective, frame.cfa))


def find_defects(frame: RawFrame) -> NDArray[np.bool_]:
    """Find the photosites whose value no lens can have made.

    A defect is one photosite alone. The light of a star, or of any point of the scene, is spread by the lens and the
    filters before the sensor over the photosites around it, whatever their colours. So a photosite is defective if

    - it is brighter (or darker) than all but one of the eight nearest of its own colour, by more than noise ever is
      (`noise_reach`) and by more than these vary among themselves;
    - the eight photosites around it, each compared with its own colour, show less than half of the light that a point
      of that brightness would spread there, and nothing of that size.

    Args:
        frame: above black, with a colour filter of any period.

    Returns:
        (H, W), true where a photosite is defective.
    """
    assert frame.cfa is not None
    found = np.zeros(frame.mosaic_dn.shape, bool)
    wide = padded(frame.light_dn(), frame.cfa)
    step = coarsest_step(frame.cfa.plane(frame.light_dn(), frame.cfa.sites[0]))
    noise = noise_reach(wide, frame.cfa, max(LEAST * frame.white_level, MORE_THAN_A_STEP * step))
    for site in frame.cfa.sites:
        spread = _least_spread(frame.cfa, site, frame.white_balance)
        for candidates in _candidates(wide, frame.cfa, site, noise):
            rows, columns = _alone(wide, frame.cfa, candidates, noise, spread)
            found[rows, columns] = True
    return found


def coarsest_step(plane_dn: NDArray[np.float32]) -> float:
    """The largest gap in DN between two values that follow each other and are both common; 0 without such values.

    It is 1 DN in most dark raws, and tens of DN where a table spread 8 bit over 14: a photosite that is alone by one
    step is no defect.
    """
    values, counts = np.unique(plane_dn.ravel()[:: max(1, plane_dn.size // SAMPLES)], return_counts=True)
    common = counts >= COMMON * counts.sum()
    both = common[1:] & common[:-1]
    return float(np.diff(values)[both].max()) if both.any() else 0.0


@dataclass(frozen=True)
class NoiseReach:
    """The squared excess in DN squared that noise does not reach: constant + slope * light, as its variance grows."""

    constant: float
    slope: float

    def squared(self, light_dn: NDArray[np.float32]) -> NDArray[np.float32]:
        """At levels of light in DN above black."""
        return np.float32(self.constant) + np.float32(self.slope) * np.maximum(light_dn, np.float32(0))


def noise_reach(wide_dn: NDArray[np.float32], cfa: Cfa, least: float) -> NoiseReach:
    """Measure on the smoother half of the frame what noise does not reach.

    At eight levels of light, the 90th and 99th percentiles of the distance from the median of the neighbours are
    extrapolated: the noise of real sensors has a heavier tail than a Gaussian's.

    Args:
        wide_dn: padded frame in DN above black.
        cfa: colour filter of the frame.
        least: excess in DN that counts in a frame without noise.
    """
    from scipy.optimize import nnls

    level, distance, spread = (np.concatenate(parts) for parts in zip(*_sampled(wide_dn, cfa), strict=True))
    light, reach = [], []
    for group in np.array_split(np.argsort(level), BINS):
        smooth = group[spread[group] <= np.median(spread[group])]
        most, nearly_all = np.quantile(distance[smooth], [0.9, 0.99])
        light.append(max(float(level[group].mean()), 0.0))
        reach.append(max(float(nearly_all + TAIL * (nearly_all - most)), least))
    weight = np.array(reach) ** -2.0
    (constant, slope), _ = nnls(np.stack([weight, weight * np.array(light)], axis=1), np.ones(BINS))
    return NoiseReach(max(float(constant), least**2), float(slope))


def _sampled(wide_dn: NDArray[np.float32], cfa: Cfa) -> Iterator[tuple[NDArray[np.float32], ...]]:
    """For photosites drawn at random: median of their neighbours, distance from it, and the neighbours' range."""
    rng = np.random.default_rng(0)
    high, wide = (length - 2 * MARGIN for length in wide_dn.shape)
    for site in cfa.sites:
        lines, across = range(site.row, high, cfa.period[0]), range(site.column, wide, cfa.period[1])
        count = min(SAMPLES // len(cfa.sites), len(lines) * len(across))
        rows, columns = rng.choice(lines, count), rng.choice(across, count)
        near = np.sort(around(wide_dn, rows, columns, same_colour(cfa, site.row, site.column, COUNT)), axis=0)
        level = (near[COUNT // 2 - 1] + near[COUNT // 2]) / 2
        yield level, np.abs(wide_dn[MARGIN + rows, MARGIN + columns] - level), near[-2] - near[1]


@dataclass(frozen=True)
class _Candidates:
    """Photosites of one place in the filter: `sign` is 1 where they may be too bright, -1 where too dark."""

    site: Site
    rows: Places
    columns: Places
    sign: int


def _candidates(wide_dn: NDArray[np.float32], cfa: Cfa, site: Site, noise: NoiseReach) -> Iterator[_Candidates]:
    """A quick choice, on four neighbours: beyond the lesser of two, and of two others, by more than noise reaches."""
    high, wide = (length - 2 * MARGIN for length in wide_dn.shape)
    down, across = cfa.period
    for top in range(site.row, high, STRIP * down):
        bottom = min(top + STRIP * down, high)
        value, first, second, third, fourth = (
            wide_dn[
                MARGIN + top + r : MARGIN + bottom + r : down, MARGIN + site.column + c : MARGIN + wide + c : across
            ]
            for r, c in ((0, 0), *same_colour(cfa, site.row, site.column, 4))
        )
        for sign, more, less in ((1, np.maximum, np.minimum), (-1, np.minimum, np.maximum)):
            level = more(less(first, second), less(third, fourth))
            excess = (value - level) * np.float32(sign)
            rows, columns = np.nonzero((excess > 0) & (excess * excess > noise.squared(level)))
            if rows.size:
                yield _Candidates(site, top + rows * down, site.column + columns * across, sign)


def _alone(
    wide_dn: NDArray[np.float32], cfa: Cfa, found: _Candidates, noise: NoiseReach, spread: float
) -> tuple[Places, Places]:
    """Those of the candidates whose excess is real, and stands alone."""
    site, rows, columns, sign = found.site, found.rows, found.columns, found.sign
    near = np.sort(around(wide_dn, rows, columns, same_colour(cfa, site.row, site.column, COUNT)), axis=0)
    second = near[-2] if sign > 0 else near[1]
    excess = (wide_dn[MARGIN + rows, MARGIN + columns] - second) * sign
    real = (excess > 0) & (excess**2 > noise.squared(second)) & (excess > VISIBLE * second)
    real &= excess > RANGE_TEXTURE * (near[-2] - near[1])
    rows, columns, excess = rows[real], columns[real], excess[real]
    ring = []
    for down, across in RING:
        value = wide_dn[MARGIN + rows + down, MARGIN + columns + across]
        others = same_colour(cfa, site.row + down, site.column + across, COUNT)
        ring.append((value - np.median(around(wide_dn, rows + down, columns + across, others), axis=0)) * sign)
    light = np.sum(ring, axis=0) - np.max(ring, axis=0)  # the brightest may be a defect itself
    alone = (light < spread * excess) & (excess > RING_TEXTURE * np.sort(np.abs(ring), axis=0)[-2])
    return rows[alone], columns[alone]


def _least_spread(cfa: Cfa, site: Site, white_balance: tuple[float, float, float]) -> float:
    """Light around a white point as a share of its centre's, without the brightest photosite, times SPREAD."""
    colours = cfa.seen_from(site.row - 1, site.column - 1)
    rows, columns = cfa.period
    gain = white_balance[site.colour]
    light = []
    for (down, across), share in RING.items():
        colour = colours.pattern[(down + 1) % rows][(across + 1) % columns]
        light.append(share * gain / white_balance[COLOURS.index(colour)])
    return float(min(SPREAD * (sum(light) - max(light)), MOST_SPREAD))
