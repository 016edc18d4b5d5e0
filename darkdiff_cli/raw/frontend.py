"""Develop a raw frame into LRGB (paper Sec. 4.1 and App. A2), the same for training, enhancing and scoring."""

import numpy as np

from darkdiff_cli.raw.frame import LRGB, LrgbSpace, RawFrame

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
    if not 0 < ratio <= MAX_RATIO:
        raise ValueError(f"amplification ratio must be above 0 and at most {MAX_RATIO:g}, got {ratio}")
    height, width = (n // 2 for n in frame.mosaic_dn.shape)
    planes: dict[str, list[np.ndarray]] = {"R": [], "G": [], "B": []}
    for site, colour in enumerate(frame.cfa):
        row, column = divmod(site, 2)
        plane = frame.mosaic_dn[row : 2 * height : 2, column : 2 * width : 2].astype(np.float32)
        black = np.float32(frame.black_level[site])
        gain = ratio * frame.white_balance["RGB".index(colour)] / (frame.white_level - frame.black_level[site])
        planes[colour].append(np.minimum((plane - black) * np.float32(gain), np.float32(1.0)))
    green = (planes["G"][0] + planes["G"][1]) * np.float32(0.5)
    pixels = np.stack([planes["R"][0], green, planes["B"][0]], axis=-1)
    if lrgb_space == "srgb" and frame.srgb_from_camera is not None:
        pixels = pixels @ frame.srgb_from_camera.T.astype(np.float32)
    return LRGB(pixels=np.ascontiguousarray(pixels, dtype=np.float32), ratio=float(ratio), space=lrgb_space)
