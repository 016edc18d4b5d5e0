"""Develop a raw frame into LRGB (paper Sec. 4.1 and App. A2), the same for training, enhancing and scoring."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from darkdiff_cli.raw.binning import bayer_planes, binned
from darkdiff_cli.raw.colour_registration import registered
from darkdiff_cli.raw.frame import LRGB, DataFormat, LrgbSpace, RawFrame

MAX_RATIO = 10_000.0


def develop(
    frame: RawFrame, ratio: float = 1.0, lrgb_space: LrgbSpace = "srgb", register_colours: bool = False
) -> LRGB:
    """Subtract black, amplify, white-balance and bin to half size (paper Sec. 4.1, App. A2).

    Each 2x2 Bayer quad becomes one pixel: red, the mean of the two greens, blue; `binned` says what becomes of other
    filters. Values are clipped above at 1 AFTER white balance, so that a blown lamp is white and not magenta, and never
    clipped below: negative values carry half of the noise. An odd last row or column has no full quad and is dropped.

    Args:
        frame: exposure in DN.
        ratio: amplification ratio, 1 leaves the exposure as it is.
        lrgb_space: "camera" keeps the sensor's primaries (the paper); "srgb" applies the camera matrix, so that one
            model serves every camera. A frame without a matrix is taken as sRGB already.
        register_colours: bring red and blue to where the greens are (`registered`), which the paper does not.

    Returns:
        LRGB of shape (H // 2, W // 2, 3) of a Bayer frame, in general the size of `frame.lrgb_shape`.

    Raises:
        ValueError: ratio is not within 0 < ratio <= 10000.
    """
    pixels = binned(amplified(frame, ratio))
    if register_colours:
        pixels = registered(pixels, frame.cfa)
    pixels = np.minimum(pixels, np.float32(1.0))  # resampling may overshoot beside a lamp
    if lrgb_space == "srgb" and frame.srgb_from_camera is not None:
        pixels = pixels @ frame.srgb_from_camera.T.astype(np.float32)
    return LRGB(pixels=np.ascontiguousarray(pixels, dtype=np.float32), ratio=float(ratio), space=lrgb_space)


def network_input(
    frame: RawFrame, ratio: float, lrgb_space: LrgbSpace, data_format: DataFormat, register_colours: bool = False
) -> NDArray[np.float32]:
    """Develop a frame into a network's input, LRGB or Bayer planes (Table 5).

    Args:
        frame: exposure in DN.
        ratio: amplification ratio.
        lrgb_space: primaries of LRGB; Bayer planes always have the sensor's.
        data_format: "lrgb-srgb" gives LRGB, the others the four Bayer planes.
        register_colours: of LRGB, as in `develop`; planes stay as they are.

    Returns:
        (h, w, 3) LRGB, or (h, w, 4) red, green, green, blue; size, levels and clipping as in `develop`.

    Raises:
        ValueError: ratio is not within 0 < ratio <= 10000, or the planes are asked of a frame that is not Bayer.
    """
    if data_format == "lrgb-srgb":
        return develop(frame, ratio, lrgb_space, register_colours).pixels
    return np.stack(bayer_planes(amplified(frame, ratio)), axis=-1)


def amplified(frame: RawFrame, ratio: float) -> RawFrame:
    """Subtract black, amplify and white-balance; saturation becomes 1, where values are clipped.

    Args:
        frame: exposure in DN.
        ratio: amplification ratio.

    Returns:
        The frame in float32, with black level 0, white level 1 and white balance (1, 1, 1).

    Raises:
        ValueError: ratio is not within 0 < ratio <= 10000.
    """
    if not 0 < ratio <= MAX_RATIO:
        raise ValueError(f"amplification ratio must be above 0 and at most {MAX_RATIO:g}, got {ratio}")
    above = frame.above_black()
    gains = tuple(ratio * balance / above.white_level for balance in frame.white_balance)
    if above.cfa is None:
        gain = np.array(gains, np.float32)
    else:
        height, width = above.mosaic_dn.shape
        gain = above.cfa.spread(tuple(gains[site.colour] for site in above.cfa.sites), (height, width))
    light = np.minimum(above.light_dn() * gain, np.float32(1.0))
    return replace(above, mosaic_dn=light, white_level=1.0, white_balance=(1.0, 1.0, 1.0))
