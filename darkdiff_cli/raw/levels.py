"""Black levels: from the file's tags, refined on the sensor's masked border (optical black)."""

import numpy as np
from numpy.typing import NDArray

from darkdiff_cli.cfa import Cfa

MIN_MASKED_PIXELS = 500
MAX_CORRECTION = 0.01  # share of the white level; a larger difference means the border is not optical black


def masked_black(
    full_dn: NDArray[np.integer], top: int, left: int, cfa: Cfa, tagged: tuple[float, ...], white: float
) -> tuple[float, ...]:
    """Re-estimate the black level of each site from the masked border left of and above the picture.

    One DN of error at x300 is 42/255 after gamma, so a tag that is a whole number is often not good enough. The
    border is used only where it looks like optical black: enough pixels, a mean close to the tag, and less spread
    than light would give. The mean of the central 98 % leaves out hot pixels and keeps fractions of a DN.

    Args:
        full_dn: (H, W) the whole sensor in DN, borders included.
        top, left: size of the border in pixels.
        cfa: colour filter, starting at the first VISIBLE pixel.
        tagged: the file's black level in DN at each site of the filter, in reading order.
        white: saturation level in DN.

    Returns:
        Black level in DN at each site; the tagged value where the border cannot be used.
    """
    inner_top, inner_left = max(top - 2, 0), max(left - 2, 0)  # the two pixels next to the picture may see light
    rows, columns = cfa.period
    levels = []
    for site, tag in zip(cfa.sites, tagged, strict=True):
        row, column = (top + site.row) % rows, (left + site.column) % columns
        below = inner_top + (row - inner_top) % rows  # first row of the left border that holds this site
        above = full_dn[row:inner_top:rows, column::columns]
        border = [above.ravel(), full_dn[below::rows, column:inner_left:columns].ravel()]
        pixels = np.concatenate(border).astype(np.float64)
        levels.append(_optical_black(pixels, tag, white))
    return tuple(levels)


def _optical_black(pixels: NDArray[np.float64], tag: float, white: float) -> float:
    if pixels.size < MIN_MASKED_PIXELS:
        return tag
    low, high = np.percentile(pixels, [1, 99])
    core = pixels[(pixels >= low) & (pixels <= high)]
    plausible = abs(core.mean() - tag) <= MAX_CORRECTION * white and core.std() <= MAX_CORRECTION * white
    return float(core.mean()) if plausible and core.std() > 0 else tag
