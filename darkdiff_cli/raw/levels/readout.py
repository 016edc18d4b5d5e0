"""The whole sensor with its borders, from which the levels are taken."""

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from darkdiff_cli.cfa import Cfa
from darkdiff_cli.raw.dng_tags import FLOAT, SAMPLE_FORMAT, WHITE_LEVEL, DngTags, read_float_samples

INTEGER_WHITES = (4096, 32767)  # LibRaw leaves float samples with a white level in this range as they are
FARTHEST = 16.0  # in whites; merged exposures reach a few stops above white, and what lies farther is damage
FLOAT_WHITE = 16383.0  # and scales all others to this one


@dataclass(frozen=True)
class Readout:
    """What the file holds of the sensor.

    Attributes:
        full_dn: (H, W) the whole sensor in DN, borders included, or (H, W, 3) of a linear raw.
        top, left, height, width: the visible frame in it.
        cfa: colour filter from the first visible pixel; None of a linear raw.
        decoder_black: LibRaw's black level in DN of each site of the filter in reading order, or of the 3 samples.
        decoder_white: LibRaw's white level in DN.
        dng: the file's tags, None where it is no DNG.
        tag_scale: DN for one unit of the tags; differs from 1 in a DNG of float samples.
        wrong: how many float samples are no number, or farther from black than any light.
    """

    full_dn: NDArray[np.generic]
    top: int
    left: int
    height: int
    width: int
    cfa: Cfa | None
    decoder_black: tuple[float, ...]
    decoder_white: float
    dng: DngTags | None = None
    tag_scale: float = 1.0
    wrong: int = 0

    @property
    def visible_dn(self) -> NDArray[np.generic]:
        """(height, width) or (height, width, 3) the visible frame in DN, as a view."""
        return self.full_dn[self.top : self.top + self.height, self.left : self.left + self.width]

    @property
    def period(self) -> tuple[int, int]:
        """Rows and columns after which the colour filter repeats; 1, 1 of a linear raw."""
        return (1, 1) if self.cfa is None else self.cfa.period


class Samples(NamedTuple):
    """The whole sensor in DN, how many DN one unit of the file's levels is, and how many samples are wrong."""

    dn: NDArray[np.generic]
    scale: float = 1.0
    wrong: int = 0


def sensor_dn(decoded: NDArray[np.generic], path: Path, dng: DngTags | None) -> Samples:
    """The whole sensor in DN, with the fractions and negative values of a DNG of float samples.

    LibRaw converts float samples to whole numbers, which cuts half a DN off the mean and all negative values; tifffile
    reads most of them as they are.

    Args:
        decoded: (H, W) or (H, W, C) pixels of LibRaw.
        path: the raw file.
        dng: its tags.

    Returns:
        The samples. Where only LibRaw can read float ones, half a DN is added to make up for what it cut off.
    """
    if dng is None or dng.integers(SAMPLE_FORMAT)[:1] != (FLOAT,):
        return Samples(decoded)
    tagged = dng.numbers(WHITE_LEVEL)
    usable = tagged.size > 0 and np.isfinite(tagged).all() and tagged.min() > 0
    white = float(tagged.min()) if usable else 1.0  # the specification's default
    scale = 1.0 if INTEGER_WHITES[0] <= white <= INTEGER_WHITES[1] else FLOAT_WHITE / white
    samples = read_float_samples(path, decoded.shape)
    if samples is None:
        return Samples(decoded.astype(np.float32) + np.float32(0.5), scale)
    # What is no number becomes a dead or a saturated photosite, which is mended as any other.
    numbers = np.nan_to_num(samples, nan=0.0, posinf=white, neginf=0.0)
    near = np.clip(numbers, -FARTHEST * white, FARTHEST * white)
    return Samples(near.astype(np.float32) * np.float32(scale), scale, int(np.count_nonzero(near != samples)))
