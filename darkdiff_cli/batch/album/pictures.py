"""The small pictures of the page: the plainly amplified raw, and where a browser cannot show the photo, the photo."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from darkdiff_cli.colour import srgb_encode
from darkdiff_cli.photo import upright
from darkdiff_cli.photo.windows import Window, inside, most_detail, upright_window
from darkdiff_cli.raw import Exposure, RawFrame, develop
from darkdiff_cli.raw.distortion import straightened
from darkdiff_cli.raw.resizing import resized, square_size, with_square_pixels
from darkdiff_cli.raw.sparse import REACH, sparse_colours, spread

if TYPE_CHECKING:
    from darkdiff_cli.enhancer import Rendered

SIDE, BYTES = 960, 48_000  # longer side in pixels of a picture at screen size, and what its file may take
CROP, CROP_BYTES = (360, 480), 36_000  # rows and columns of the crop at 1:1, upright
SCREEN_QUALITIES = (80, 70, 60, 50, 40, 30)  # of JPEG: noise needs many bytes
CROP_QUALITIES = (*SCREEN_QUALITIES, 20, 10)
SIGMA = 0.6  # of the Gaussian that demosaics, in photosites


@dataclass(frozen=True)
class Pictures:
    """Upright JPEG files of one photo.

    Attributes:
        before: the amplified raw at screen size.
        crop_before: a part of it at the photo's own size.
        after, crop_after: the same of the photo; None where they were not asked for.
        size: width and height of the photo.
        crop: where the part lies in the upright photo.
    """

    before: bytes
    crop_before: bytes
    after: bytes | None
    crop_after: bytes | None
    size: tuple[int, int]
    crop: Window


def pictures_of(rendered: "Rendered", with_photo: bool) -> Pictures:
    """Make the small pictures of a photo.

    Args:
        rendered: the photo and the frame that it was made of.
        with_photo: make those of the photo too.
    """
    photo, frame = rendered.srgb_01, rendered.exposure.frame
    turn, shape = frame.orientation, (photo.shape[0], photo.shape[1])
    window = _window(photo, CROP if turn < 5 else CROP[::-1])
    plain = srgb_encode(develop(frame, rendered.exposure.ratio).pixels * np.float32(rendered.gain))
    before = with_square_pixels(straightened(plain, frame), frame.pixel_aspect)
    if frame.distortion is None:
        crop = srgb_encode(_plain_crop(rendered.exposure, shape, window) * np.float32(rendered.gain))
    else:
        crop = _scaled(window, shape, before.shape).of(before)
    if crop.shape[:2] != window[2:]:
        crop = resized(crop, *window[2:])
    high, wide = shape if turn < 5 else shape[::-1]
    return Pictures(
        before=_screen(upright(before, turn)),
        crop_before=_crop(upright(crop, turn)),
        after=_screen(upright(_thinned(photo), turn)) if with_photo else None,
        crop_after=_crop(upright(window.of(photo), turn)) if with_photo else None,
        size=(wide, high),
        crop=upright_window(window, shape, turn),
    )


def _window(photo: NDArray[np.float32], size: tuple[int, int]) -> Window:
    """The window of a size with most detail; smaller where the photo is."""
    shape = photo.shape[:2]
    high, wide = (min(length, side) for length, side in zip(shape, size, strict=True))
    shares = high / shape[0], wide / shape[1]
    x, y = most_detail(_thinned(photo), shares[1], shares[0])
    top, left = round(inside(y, shares[0]) * shape[0] - high / 2), round(inside(x, shares[1]) * shape[1] - wide / 2)
    return Window(top, left, high, wide)


def _thinned(photo: NDArray[np.float32]) -> NDArray[np.float32]:
    """Every nth pixel of a photo, at least twice SIDE: it has no noise that would have to be averaged."""
    step = max(1, max(photo.shape[:2]) // (2 * SIDE))
    return photo[::step, ::step]


def _plain_crop(exposure: Exposure, shape: tuple[int, int], window: Window) -> NDArray[np.float32]:
    """The amplified raw in a window of the photo.

    Args:
        exposure: the raw.
        shape: rows and columns of the photo, in sensor orientation.
        window: in pixels of the photo.

    Returns:
        (h, w, 3) linear sRGB; of another size than the window where pixels are not square.
    """
    frame, sites = exposure.frame, exposure.frame.mosaic_dn.shape[:2]
    full_size = frame.has_full_size and square_size(sites, frame.pixel_aspect) == shape
    part = _scaled(window, shape, sites if full_size else frame.lrgb_shape)
    if full_size:
        return _demosaiced(frame, exposure.ratio, part)
    return develop(frame.crop(*part), exposure.ratio).pixels


def _scaled(window: Window, shape: tuple[int, ...], size: tuple[int, ...]) -> Window:
    """A window of a photo of a shape in a picture of the same scene that has another size."""
    down, across = size[0] / shape[0], size[1] / shape[1]
    height, width = max(1, round(window.height * down)), max(1, round(window.width * across))
    top, left = min(round(window.top * down), size[0] - height), min(round(window.left * across), size[1] - width)
    return Window(top, left, height, width)


def _demosaiced(frame: RawFrame, ratio: float, window: Window) -> NDArray[np.float32]:
    """(h, w, 3) linear sRGB of a window in photosites: each colour is the mean of its nearest photosites."""
    top, left = max(0, window.top - REACH), max(0, window.left - REACH)
    part = frame.window(top, left, window.height + 2 * REACH, window.width + 2 * REACH)
    colours, mask = sparse_colours(part, ratio)
    pixels = spread(colours, mask, SIGMA) @ frame.matrix.T.astype(np.float32)
    return Window(window.top - top, window.left - left, window.height, window.width).of(pixels)


def _screen(srgb_01: NDArray[np.float32]) -> bytes:
    """A JPEG file of a (h, w, 3) picture at screen size; where noise at every pixel would take too much, smaller."""
    image, side = _image(srgb_01), SIDE
    while True:
        image.thumbnail((side, side))
        file = _jpeg(image, BYTES, SCREEN_QUALITIES)
        if len(file) <= BYTES:
            return file
        side = side * 3 // 4


def _crop(srgb_01: NDArray[np.float32]) -> bytes:
    """A JPEG file of a (h, w, 3) crop, pixel for pixel."""
    return _jpeg(_image(srgb_01), CROP_BYTES, CROP_QUALITIES)


def _image(srgb_01: NDArray[np.float32]) -> Image.Image:
    return Image.fromarray(np.rint(srgb_01.clip(0, 1) * 255).astype(np.uint8))


def _jpeg(image: Image.Image, limit: int, qualities: Sequence[int]) -> bytes:
    """A JPEG file of the best quality that stays below a limit, else of the last one."""
    for quality in qualities:
        file = io.BytesIO()
        image.save(file, "JPEG", quality=quality, optimize=True)
        if file.tell() <= limit:
            break
    return file.getvalue()
