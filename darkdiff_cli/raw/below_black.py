"""Photosites further below black than noise reaches, such as those of a lost sector of zeros, are taken as unlit.

Amplified a hundredfold they are far outside of what the networks know, and the networks' group norms, whose mean and
variance are of the whole picture, carry that everywhere: one lost row of zeros makes a hazy photo.
"""

from dataclasses import replace

import numpy as np

from darkdiff_cli.raw.frame import RawFrame
from darkdiff_cli.raw.noise import NO_NOISE, measure_noise
from darkdiff_cli.raw.settings import ExposureSettings

FAR, LEAST = 10.0, 0.01  # read noises below black, and at least this of the range from black to white
MOST = 0.05  # share of the photosites; were there more of them, the black level would be wrong


def without_impossible_black(frame: RawFrame, _settings: ExposureSettings) -> RawFrame:
    """Take photosites that are impossibly dark as unlit, giving float32; unchanged where there are none, or too many.

    Args:
        frame: in DN, dead photosites mended.
        _settings: what all corrections get; this one has no option.
    """
    above = frame.above_black()
    light = above.light_dn()
    least = LEAST * above.white_level
    if float(light.min()) >= -least:
        return frame
    lost = light < -max(FAR * (measure_noise(frame) or NO_NOISE).read, least)
    if not 0 < np.mean(lost) <= MOST:
        return frame
    return replace(above, mosaic_dn=np.where(lost, np.float32(0), light))
