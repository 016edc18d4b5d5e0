"""Estimate the amplification ratio from the raw alone."""

import numpy as np

from darkdiff_cli.colour import LUMINANCE_WEIGHTS
from darkdiff_cli.raw.develop import develop
from darkdiff_cli.raw.frame import RawFrame

MIN_RATIO, MAX_RATIO = 1.0, 300.0
KEY = 0.15  # log-average luminance of a well-exposed photograph
BLOCKS = 24  # blocks along the longer side


def estimate_ratio(frame: RawFrame) -> float:
    """Choose the amplification ratio from the raw itself (Sec. 4.1 takes it from a reference exposure).

    The picture is averaged over large blocks, so that noise (zero mean, since negative values are kept) averages out.
    The scene's brightness is the mean logarithm of the block luminances between the 10th and the 90th percentile:
    a few street lamps and the blackest corner do not count. The ratio brings that brightness to the key of a
    well-exposed photograph. Blocks are kept above a floor of a quarter DN, so that an error of the black level
    cannot give an extreme ratio.

    Args:
        frame: Bayer exposure in DN.

    Returns:
        A ratio in [1, 300], with two significant digits.
    """
    pixels = develop(frame, 1.0, "srgb").pixels
    luminance = pixels @ LUMINANCE_WEIGHTS
    size = max(1, int(np.ceil(max(luminance.shape) / BLOCKS)))
    rows, columns = (max(1, n // size) for n in luminance.shape)
    blocks = luminance[: rows * size, : columns * size]
    blocks = blocks.reshape(rows, blocks.shape[0] // rows, columns, blocks.shape[1] // columns).mean(axis=(1, 3))
    floor = 0.25 / (frame.white_level - max(frame.black_level))
    levels = np.sort(np.maximum(blocks, floor).ravel())
    trim = levels.size // 10
    core = levels[trim : levels.size - trim]
    ratio = KEY / float(np.exp(np.log(core).mean()))
    return float(f"{min(max(ratio, MIN_RATIO), MAX_RATIO):.2g}")
