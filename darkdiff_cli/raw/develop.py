"""Develop a raw frame into LRGB (paper Sec. 4.1 and App. A2), the same for training, enhancing and scoring."""

import numpy as np
from numpy.typing import NDArray

from darkdiff_cli.raw.frame import LRGB, DataFormat, LrgbSpace, RawFrame

MAX_RATIO = 10_000.0


def develop(frame: RawFrame, ratio: float = 1.0, lrgb_space: LrgbSpace = "srgb") -> LRGB:
    """Subtract black, amplify, white-balance and bin to half size (paper Sec. 4.1, App. A2).

    Each 2x2 Bayer quad becomes one pixel: red, the mean of the two greens, blue. Values are clipped above at 1 AFTER
    white balance, so that a blown lamp is white and not magenta, and never clipped below: negative values carry half
    of the noise. An odd last row or column has no full quad and is dropped.

    Args:
        frame: Bayer exposure in DN.
        ratio: amplification ratio, 1 leaves the exposure as it is.
        lrgb_space: "camera" keeps the sensor's primaries (the paper); "srgb" applies the camera matrix, so that one
            model serves every camera. A frame without a matrix is taken as sRGB already.

    Returns:
        LRGB of shape (H // 2, W // 2, 3).

    Raises:
        ValueError: ratio is not within 0 < ratio <= 10000.
    """
    red, first_green, second_green, blue = _planes(frame, ratio)
    pixels = np.stack([red, (first_green + second_green) * np.float32(0.5), blue], axis=-1)
    if lrgb_space == "srgb" and frame.srgb_from_camera is not None:
        pixels = pixels @ frame.srgb_from_camera.T.astype(np.float32)
    return LRGB(pixels=np.ascontiguousarray(pixels, dtype=np.float32), ratio=float(ratio), space=lrgb_space)


def network_input(frame: RawFrame, ratio: float, lrgb_space: LrgbSpace, data_format: DataFormat) -> NDArray[np.float32]:
    """What a network of the given data format sees of a frame (the paper's Table 5).

    Args:
        frame: Bayer exposure in DN.
        ratio: amplification ratio.
        lrgb_space: primaries of LRGB; the Bayer planes are the sensor's in any case.
        data_format: "lrgb-srgb" for LRGB, else the four Bayer planes.

    Returns:
        (H // 2, W // 2, 3) LRGB, or (H // 2, W // 2, 4) red, green, green, blue, levels and clipping as in `develop`.

    Raises:
        ValueError: ratio is not within 0 < ratio <= 10000.
    """
    if data_format == "lrgb-srgb":
        return develop(frame, ratio, lrgb_space).pixels
    return np.stack(_planes(frame, ratio), axis=-1)


def _planes(frame: RawFrame, ratio: float) -> list[NDArray[np.float32]]:
    """The red, two green and blue planes: black taken off, amplified, white-balanced, clipped above at 1."""
    if not 0 < ratio <= MAX_RATIO:
        raise ValueError(f"amplification ratio must be above 0 and at most {MAX_RATIO:g}, got {ratio}")
    height, width = (n // 2 for n in frame.mosaic_dn.shape)
    planes: list[tuple[str, NDArray[np.float32]]] = []
    for site, colour in enumerate(frame.cfa):
        row, column = divmod(site, 2)
        plane = frame.mosaic_dn[row : 2 * height : 2, column : 2 * width : 2].astype(np.float32)
        black = np.float32(frame.black_level[site])
        gain = ratio * frame.white_balance["RGB".index(colour)] / (frame.white_level - frame.black_level[site])
        planes.append((colour, np.minimum((plane - black) * np.float32(gain), np.float32(1.0))))
    return [plane for wanted in "RGB" for colour, plane in planes if colour == wanted]
