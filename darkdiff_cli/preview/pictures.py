"""The small pictures of a sheet: a quick pass of the model on a raw that is averaged down to the size of a cell.

Averaged to 320 pixels the raw is far less noisy, but at the ratios that matter the noise still shows in a plain
rendering, most of all in the shadows and of small sensors; one view of the model takes it away in about a second.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from darkdiff_cli.enhancer import Enhancer, EnhanceSettings
from darkdiff_cli.photo import upright
from darkdiff_cli.preview.shown import Look
from darkdiff_cli.raw import Exposure, RawFrame
from darkdiff_cli.raw.binning import binned
from darkdiff_cli.raw.frame import NO_BLACK
from darkdiff_cli.raw.rendering import brightened, white_gain
from darkdiff_cli.raw.resizing import square_size
from darkdiff_models import SamplingSettings

CELL = 320  # pixels of the longer side of a picture


@dataclass(frozen=True)
class Small:
    """A small picture.

    Attributes:
        srgb_01: (h, w, 3) sRGB in [0, 1], upright, at most CELL pixels wide and high.
        gain: that the white level of the whole picture asks for (`white_gain`), applied; the crop takes it over.
    """

    srgb_01: NDArray[np.float32]
    gain: float


def small_picture(enhancer: Enhancer, look: Look, sampling: SamplingSettings) -> Small:
    """Show a look as `enhance` would make it: framed, upright, with square pixels.

    Args:
        enhancer: the loaded model.
        look: which frame, at which ratio.
        sampling: of the diffusion; one view is taken whatever it says.

    Raises:
        InputError, SettingsError, MemoryLimitError: as `Enhancer.render`.
    """
    frame, ratio = reduced(look.exposure.frame), look.exposure.ratio
    settings = EnhanceSettings(replace(look.settings, white="file"), replace(sampling, views=1))
    picture = enhancer.render(Exposure(frame, ratio), settings).srgb_01
    gain = white_gain(picture, frame, ratio) if look.settings.white_used == "auto" else 1.0
    return Small(upright(brightened(picture, gain), frame.orientation), gain)


def reduced(frame: RawFrame, side: int = CELL) -> RawFrame:
    """Average a frame down, in linear light, so that noise of zero mean averages out.

    Args:
        frame: exposure in DN, any colour filter.
        side: pixels that the finished picture may have along its longer side; a smaller frame keeps its size.

    Returns:
        A frame that has every colour at every pixel, above black, with the white level, white balance and orientation
        of the given one.
    """
    light = binned(above := frame.above_black())
    scale = min(1.0, side / max(square_size(light.shape, frame.pixel_aspect)))
    high, wide = (max(1, int(length * scale)) for length in light.shape[:2])
    channels = [Image.fromarray(np.ascontiguousarray(light[..., colour])) for colour in range(3)]
    # A box would take one pixel here and two there, and the noise would show a grid.
    means = [np.asarray(channel.resize((wide, high), Image.Resampling.BILINEAR)) for channel in channels]
    bent = None if frame.distortion is None else frame.distortion.scaled(high / frame.mosaic_dn.shape[0])
    light = np.stack(means, axis=-1)
    return replace(above, mosaic_dn=light, cfa=None, black_level=NO_BLACK, camera_crop=None, distortion=bent)
