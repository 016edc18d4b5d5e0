"""What the masked pixels around the picture say of the black level, if they are masked."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from darkdiff_cli.cfa import Cfa
from darkdiff_cli.raw.black_level import BlackLevel
from darkdiff_cli.raw.dng_tags import MASKED_AREAS
from darkdiff_cli.raw.levels.readout import Readout
from darkdiff_cli.raw.levels.robust import SiteLevel, block_levels, site_level

BESIDE = 4  # rows and columns next to the picture that may see its light
MIN_PIXELS = 500  # of a site
EVEN = 1.25  # times the noise between neighbours: a larger spread means that the border shows something
SAME = 0.3  # of the noise: by how much masked parts, and the sites of one part, may differ in a real camera
DARKER = 0.02  # quantile of the picture's blocks that must not be darker than masked pixels
COPY = 0.95  # share of equal pixels from which a line of the border is one of the picture


class Rectangle(NamedTuple):
    """Rows from top up to bottom, columns from left up to right, of the whole sensor."""

    top: int
    left: int
    bottom: int
    right: int

    def of(self, full: NDArray[np.generic]) -> NDArray[np.generic]:
        """The part of the sensor, as a view."""
        return full[self.top : self.bottom, self.left : self.right]


class Border(NamedTuple):
    """What the border says.

    Attributes:
        offsets: DN above the tagged level, of each place of the filter's period, counted from the sensor's first pixel.
        noise: standard deviation of a masked pixel in DN.
        named: whether the file itself calls these pixels masked.
        dark: whether nothing speaks against these pixels being dark.
    """

    offsets: tuple[float, ...]
    noise: float
    named: bool
    dark: bool


def measure_border(readout: Readout, tagged: BlackLevel) -> Border | None:
    """Measure the masked areas that the file names, or else the margins that LibRaw leaves out.

    Margins count as dark where everything says so: each side is as even as its own noise, is no copy of a part of the
    picture, its sites are alike, the sides agree, and no part of the picture is darker. Named areas need only be no
    brighter than the picture.

    Args:
        readout: the sensor.
        tagged: the black level over the whole sensor.

    Returns:
        The border, or None where there is none that is large enough, or where it is a part of the picture.
    """
    if readout.cfa is None:
        return None
    named = _masked_areas(readout)
    areas = named or _margins(readout)
    parts = [_measured(readout, tagged, readout.cfa, area) for area in areas]
    sides = [(area, part) for area, part in zip(areas, parts, strict=True) if part[0].noise > 0]
    if not sides:
        return None
    sites = [_together([part[index] for _, part in sides]) for index in range(len(readout.cfa.sites))]
    if min(site.pixels for site in sites) < MIN_PIXELS:
        return None
    noise = float(np.median([site.noise for site in sites]))
    offsets = tuple(site.level for site in sites)
    dark = bool(np.mean(offsets) - _darkest(readout, tagged) <= 1 + SAME * noise)
    if not named and not (dark and _looks_masked(readout, sides, noise)):
        return None
    return Border(offsets, noise, bool(named), dark)


def _masked_areas(readout: Readout) -> list[Rectangle]:
    values = () if readout.dng is None else readout.dng.integers(MASKED_AREAS)
    areas = [Rectangle(*values[start : start + 4]) for start in range(0, len(values) // 4 * 4, 4)]
    trimmed = [_beside(readout, area) for area in areas]
    return [area for area in trimmed if area.top < area.bottom and area.left < area.right]


def _margins(readout: Readout) -> list[Rectangle]:
    high, wide = readout.full_dn.shape[:2]
    top, left = readout.top, readout.left
    bottom, right = top + readout.height, left + readout.width
    sides = [
        Rectangle(0, 0, top - BESIDE, wide),
        Rectangle(bottom + BESIDE, 0, high, wide),
        Rectangle(max(top - BESIDE, 0), 0, min(bottom + BESIDE, high), left - BESIDE),
        Rectangle(max(top - BESIDE, 0), right + BESIDE, min(bottom + BESIDE, high), wide),
    ]
    return [side for side in sides if side.top < side.bottom and side.left < side.right]


def _beside(readout: Readout, area: Rectangle) -> Rectangle:
    """The area inside the sensor without the lines next to the picture; nothing of it where it covers the picture."""
    high, wide = readout.full_dn.shape[:2]
    top, left, bottom, right = max(area.top, 0), max(area.left, 0), min(area.bottom, high), min(area.right, wide)
    first, last = readout.top - BESIDE, readout.top + readout.height + BESIDE
    begin, end = readout.left - BESIDE, readout.left + readout.width + BESIDE
    if top < last and bottom > first and left < end and right > begin:  # too near: the side that it lies on is cut
        cuts = [
            Rectangle(top, left, min(bottom, first), right),
            Rectangle(max(top, last), left, bottom, right),
            Rectangle(top, left, bottom, min(right, begin)),
            Rectangle(top, max(left, end), bottom, right),
        ]
        return max(cuts, key=lambda cut: max(cut.bottom - cut.top, 0) * max(cut.right - cut.left, 0))
    return Rectangle(top, left, bottom, right)


def _measured(readout: Readout, tagged: BlackLevel, cfa: Cfa, area: Rectangle) -> list[SiteLevel]:
    """The level of each site in one area in DN above the tagged one; places counted from the sensor's first pixel."""
    black = tagged.seen_from(area.top, area.left, area.bottom - area.top, area.right - area.left)
    light, (rows, columns) = black.subtracted_from(area.of(readout.full_dn)), cfa.period
    return [
        site_level(light[(site.row - area.top) % rows :: rows, (site.column - area.left) % columns :: columns])
        for site in cfa.sites
    ]


def _together(parts: list[SiteLevel]) -> SiteLevel:
    pixels = sum(part.pixels for part in parts)
    weights = [part.pixels / max(pixels, 1) for part in parts]
    level, noise, spread = (
        sum(weight * value for weight, value in zip(weights, values, strict=True))
        for values in zip(*((part.level, part.noise, part.spread) for part in parts), strict=True)
    )
    return SiteLevel(level, noise, spread, pixels)


def _darkest(readout: Readout, tagged: BlackLevel) -> float:
    """The level of the darkest blocks of the picture in DN above the tagged one."""
    black = tagged.seen_from(readout.top, readout.left, readout.height, readout.width)
    return float(np.quantile(block_levels(readout.visible_dn, black, readout.period), DARKER))


def _looks_masked(readout: Readout, sides: list[tuple[Rectangle, list[SiteLevel]]], noise: float) -> bool:
    levels = []
    for area, sites in sides:
        level = [site.level for site in sites]
        if any(site.spread > EVEN * site.noise for site in sites) or np.ptp(level) > 1 + 2 * SAME * noise:
            return False
        if _is_copy(area, readout):
            return False
        levels.append(float(np.mean(level)))
    return float(np.ptp(levels)) <= 1 + SAME * noise


def _is_copy(area: Rectangle, readout: Readout) -> bool:
    """Whether a side repeats lines of the picture, as sensors and programs do that fill up a border."""
    full, bottom, right = readout.full_dn, readout.top + readout.height, readout.left + readout.width
    if area.right <= readout.left or area.left >= right:
        rows = slice(max(area.top, readout.top), min(area.bottom, bottom))
        lines, inside = full[rows, area.left : area.right].T, full[rows, readout.left : right].T
    else:
        columns = slice(readout.left, right)
        lines, inside = full[area.top : area.bottom, columns], full[readout.top : bottom, columns]
    near = np.concatenate([inside[: 2 * len(lines) + 2 * BESIDE], inside[-2 * len(lines) - 2 * BESIDE :]])
    return any(float(np.mean(near == line, axis=1).max()) > COPY for line in lines[:: max(len(lines) // 4, 1)])
