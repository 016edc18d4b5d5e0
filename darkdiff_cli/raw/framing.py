"""The camera's own framing: which part of the sensor its pictures show."""

from typing import NamedTuple

import numpy as np

from darkdiff_cli.raw.dng_tags import ACTIVE_AREA, DngTags
from darkdiff_cli.raw.frame import RawFrame
from darkdiff_cli.raw.settings import ExposureSettings

DEFAULT_CROP_ORIGIN, DEFAULT_CROP_SIZE, DEFAULT_USER_CROP = 50719, 50720, 51125  # tags of a DNG
LEAST_SIDE = 16  # photosites; a smaller crop is a damaged tag
LEAST_SHARE = 0.55  # of the frame's sides; other files' smaller crops are of another mode of the camera


class Window(NamedTuple):
    """A part of a sensor: its first row and column, rows and columns."""

    top: int
    left: int
    height: int
    width: int

    def inside(self, outer: "Window") -> "Window | None":
        """The part within another window, counted from its corner; None where it is all of it, or too small."""
        top, left = (max(a - b, 0) for a, b in ((self.top, outer.top), (self.left, outer.left)))
        bottom = min(self.top + self.height - outer.top, outer.height)
        right = min(self.left + self.width - outer.left, outer.width)
        part = Window(top, left, bottom - top, right - left)
        whole = part == Window(0, 0, outer.height, outer.width)
        return None if whole or min(part.height, part.width) < LEAST_SIDE else part


def dng_crop(visible: Window, dng: DngTags) -> Window | None:
    """The part of the visible frame that a DNG shows by default (DefaultCropOrigin and -Size, then DefaultUserCrop).

    Args:
        visible: the visible frame in the sensor.
        dng: the file's tags; the crop counts from its ActiveArea.

    Returns:
        The window, counted from the visible frame's corner; None for all of it.
    """
    area = dng.integers(ACTIVE_AREA)
    top, left, bottom, right = (
        area if len(area) == 4 else (0, 0, visible.top + visible.height, visible.left + visible.width)
    )
    corner, size = dng.numbers(DEFAULT_CROP_ORIGIN), dng.numbers(DEFAULT_CROP_SIZE)
    if corner.size != 2 or not np.isfinite(corner).all():
        corner = np.zeros(2)
    if size.size != 2 or not np.isfinite(size).all():
        size = np.array([right - left, bottom - top]) - corner
    user = dng.numbers(DEFAULT_USER_CROP)  # top, left, bottom, right as shares: the aspect ratio chosen in the camera
    if user.size == 4 and np.isfinite(user).all() and (user[:2] >= 0).all() and (user[2:] > user[:2]).all():
        corner, size = corner + user[1::-1] * size, (user[:1:-1] - user[1::-1]) * size
    (x, y), (wide, high) = np.rint(corner), np.rint(size)
    return Window(top + int(y), left + int(x), int(high), int(wide)).inside(visible)


def decoder_crop(visible: Window, crop: Window) -> Window | None:
    """The part of the visible frame that a camera shows, as LibRaw found it in the maker's tags.

    Args:
        visible: the visible frame in the sensor.
        crop: in the sensor, as LibRaw gives it; zeros where it knows of none.

    Returns:
        The window, counted from the visible frame's corner; None for all of it, and for implausible crops.
    """
    small = crop.height < LEAST_SHARE * visible.height or crop.width < LEAST_SHARE * visible.width
    return None if small else crop.inside(visible)


def as_the_camera_frames(frame: RawFrame, settings: ExposureSettings) -> RawFrame:
    """Crop a frame to what the camera shows, unless the whole sensor is asked for.

    This is the last correction: those before it count rows and columns of the whole frame.
    """
    if settings.crop == "sensor" or frame.camera_crop is None:
        return frame
    return frame.window(*frame.camera_crop)
