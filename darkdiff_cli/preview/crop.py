"""The crop of a sheet: a part of the photo at 1:1, by the model as `enhance` runs it."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from darkdiff_cli.enhancer import Enhancer, EnhanceSettings
from darkdiff_cli.photo import upright
from darkdiff_cli.photo.windows import inside, most_detail
from darkdiff_cli.preview.pictures import Small
from darkdiff_cli.preview.shown import Look, PreviewSettings
from darkdiff_cli.raw import Exposure, RawFrame
from darkdiff_cli.raw.rendering import brightened

CROP = 256  # pixels of the photo along the crop's side


@dataclass(frozen=True)
class Place:
    """A part of an upright picture, in shares of its width and height.

    Attributes:
        x, y: the middle, from the left and from the top.
        width, height: at most 1.
    """

    x: float
    y: float
    width: float
    height: float

    @property
    def per_cent(self) -> tuple[int, int]:
        """The middle as `--at` takes it."""
        return round(100 * self.x), round(100 * self.y)


@dataclass(frozen=True)
class Crop:
    """A part of the photo.

    Attributes:
        srgb_01: (h, w, 3) sRGB in [0, 1], upright; CROP pixels square unless the photo is smaller.
        place: where it lies.
    """

    srgb_01: NDArray[np.float32]
    place: Place


def make_crop(enhancer: Enhancer, look: Look, small: Small, settings: PreviewSettings) -> Crop:
    """Enhance a part of a raw, at the size that `enhance` would give the photo.

    Args:
        enhancer: the loaded model.
        look: which frame, at which ratio.
        small: the small picture of the same look; it shows where the detail is, and how bright the photo is made.
        settings: where the crop is taken, and settings of the diffusion.

    Raises:
        InputError, SettingsError, MemoryLimitError: as `Enhancer.render`.
    """
    frame, sampling = look.exposure.frame, settings.sampling
    turned = frame.orientation >= 5
    full_size = enhancer.pipeline.resolved(sampling).size == "full" and frame.has_full_size
    enlarged = frame.sites_per_pixel // (2 if settings.halved else 1) if full_size else 1
    rows, columns = window_size(frame, CROP // enlarged)
    shares = rows / frame.lrgb_shape[0], columns / frame.lrgb_shape[1]
    height, width = shares[::-1] if turned else shares
    if settings.at is None:
        x, y = most_detail(small.srgb_01, width, height)
    else:
        x, y = (share / 100 for share in settings.at)
    place = Place(inside(x, width), inside(y, height), width, height)
    down, across = in_sensor(place.x, place.y, frame.orientation)
    top, left = (
        round((middle - share / 2) * length)
        for middle, share, length in zip((down, across), shares, frame.lrgb_shape, strict=True)
    )
    # What lies beyond the crop is not there to straighten it with, and the photo's detail is the same.
    cut = replace(frame.crop(top, left, rows, columns), distortion=None)
    part = Exposure(cut, look.exposure.ratio, known_noise=look.exposure.noise)
    given = EnhanceSettings(replace(look.settings, white="file"), sampling, halved=settings.halved)
    picture = enhancer.render(part, given).srgb_01
    return Crop(upright(brightened(picture, small.gain), frame.orientation), place)


def window_size(frame: RawFrame, side: int) -> tuple[int, int]:
    """Rows and columns of LRGB that become a square of this side once pixels are square; at most the frame's."""
    aspect = frame.pixel_aspect
    rows, columns = round(side * min(aspect, 1.0)), round(side / max(aspect, 1.0))
    return min(rows, frame.lrgb_shape[0]), min(columns, frame.lrgb_shape[1])


def in_sensor(x: float, y: float, orientation: int) -> tuple[float, float]:
    """A place of the upright picture (x, y) in the sensor's orientation: shares from the top and from the left."""
    corners = np.moveaxis(np.mgrid[0:2, 0:2], 0, -1).astype(np.float32)  # each holds its own row and column
    turned = upright(corners, orientation)
    down, across = turned[0, 0] + y * (turned[1, 0] - turned[0, 0]) + x * (turned[0, 1] - turned[0, 0])
    return float(down), float(across)
