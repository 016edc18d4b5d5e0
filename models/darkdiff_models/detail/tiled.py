"""The full-size picture of a photo of any size, one tile in memory at a time."""

from collections.abc import Callable
from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from darkdiff_models.detail.colour_noise import smooth_colour_noise
from darkdiff_models.detail.network import Detail
from darkdiff_models.detail.samples import Samples
from darkdiff_models.finishing.self_ensemble import mean_of_views, turned
from darkdiff_models.tiling.framing import MARGIN, mirrored, unframed
from darkdiff_models.tiling.tiles import Blend, Tiles

TILE, OVERLAP = 1536, 128  # pixels of the full-size picture
# Mean standard deviation of the noise, 1 = white. Test scenes have 0.01 to 0.02 at x16, where a second view is worth
# 0.31 dB and a thousandth of LPIPS, and 0.05 to 0.12 at x100, where it is worth 0.14 dB.
NOISY = 0.035
WHITE = 0.98  # from here on a photosite counts as cut off: sensors reach their white level to a percent or two

Progress = Callable[[int, int], None]
"""(done, total)."""


def full_size(
    detail: Detail, half: Tensor, samples: Samples, views: int = 1, on_tiles: Progress | None = None
) -> Tensor:
    """Make the full-size picture, its colour noise smoothed. Where the sensor was cut off in every colour it is white.

    Args:
        detail: the network.
        half: (h, w, 3) half-size picture, sRGB in [0, 1]; where the sensor has an odd row or column, h or w is rounded
            down.
        samples: the mosaic, (1, 3, H, W) with H = 2h or 2h + 1.
        views: number of mirrored and turned views that are averaged, 1 to 8.
        on_tiles: called after every tile.

    Returns:
        (H, W, 3) sRGB in [0, 1] on the CPU.
    """
    device, (height, width) = detail.device, samples.colours.shape[-2:]
    step = 2 * detail.multiple
    rows, columns = (-(-(length + 2 * MARGIN) // step) * step for length in (height, width))
    image = half.permute(2, 0, 1)[None].to(device)
    image = F.pad(image, (0, width % 2, 0, height % 2), mode="replicate")  # an odd last row or column is half a pixel
    image = mirrored(image, MARGIN // 2, rows // 2, columns // 2)
    side = 2 if samples.in_squares.all() else 1  # of what a mirror image must not take apart
    seen = samples.images(lambda part: mirrored(part, MARGIN, rows, columns, side))
    tiles = replace(Tiles.cover(rows, columns, TILE, OVERLAP, step), margin=3 * OVERLAP // 8)
    halves, blend = tiles.shrunk(2), Blend(tiles, 3, image)
    for index in range(len(tiles.corners)):
        part = seen.images(lambda whole, index=index: tiles.crop(whole, index))  # type: ignore[misc]
        here = part.each(lambda cropped: cropped.to(device))
        small = halves.crop(image, index)
        blend.add([index], full_picture(detail, small, here, views).masked_fill(_white(here), 1.0))
        if on_tiles is not None:
            on_tiles(index + 1, len(tiles.corners))
    picture = unframed(blend.result()[0], height, width)
    return picture.clamp_(0, 1).permute(1, 2, 0).float().cpu().contiguous()


def sensors_size(
    detail: Detail, half: Tensor, samples: Samples, views: int, on_tiles: Progress | None = None
) -> Tensor:
    """The picture of the sensor's size; of quad Bayer in two steps, the first of which makes a pixel of each square.

    Args:
        detail: the network.
        half: (h, w, 3) picture of LRGB's size, sRGB in [0, 1].
        samples: the mosaic, (1, 3, H, W) with H = 2h or 2h + 1; of quad Bayer whole squares, and H = 4h or 4h + 2.
        views: as in `full_size`.
        on_tiles: as in `full_size`.

    Returns:
        (H, W, 3) sRGB in [0, 1] on the CPU.
    """
    report = on_tiles or (lambda _done, _total: None)
    if samples.colours.shape[-2] // 2 == half.shape[0]:
        return full_size(detail, half, samples, views, report)
    # The first step makes a fifth of all pixels.
    half = full_size(detail, half, samples.of_squares(), views, lambda done, total: report(done, 5 * total))
    return full_size(detail, half, samples, views, lambda done, total: report(total + 4 * done, 5 * total))


def views_that_pay(half: Tensor, samples: Samples, most: int) -> int:
    """How many views are worth their time: one where the noise hides what they would differ in.

    Args:
        half, samples: as in `sensors_size`.
        most: views where there is light enough.
    """
    light = samples.half_light(half.permute(2, 0, 1)[None])
    return most if float(samples.deviation(light).mean()) < NOISY else 1


def _white(samples: Samples) -> Tensor:
    """(1, 1, h, w): the squares of 3x3 photosites that are all cut off, of whatever colour.

    In a lamp of few photosites the network sees hardly one of each colour, and so may tint its middle. Noise alone cuts
    off a few here and there under a bright sky, but not nine together.
    """
    clipped = torch.where(samples.mask > 0, samples.colours, 1.0).amin(dim=1, keepdim=True) >= WHITE
    middles = -F.max_pool2d(-clipped.float(), 3, stride=1, padding=1)
    return F.max_pool2d(middles, 3, stride=1, padding=1) > 0


def full_picture(detail: nn.Module, half: Tensor, samples: Samples, views: int = 1) -> Tensor:
    """What is shown of a network's picture, in training too: the mean of its views, its colour noise smoothed.

    Args:
        detail: the network.
        half: (batch, 3, h, w) half-size picture, sRGB.
        samples: the mosaic, (batch, 3, 2h, 2w).
        views: as in `full_size`; a mirrored mosaic begins with another colour, which the network sees with other eyes.

    Returns:
        (batch, 3, 2h, 2w) sRGB, not clipped.
    """

    def render(view: int) -> Tensor:
        return torch.as_tensor(detail(turned(half, view), samples.images(lambda image: turned(image, view))))

    return smooth_colour_noise(mean_of_views(views, render), half, samples)
