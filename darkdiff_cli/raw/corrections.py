"""The corrections of a raw frame before amplification, in their order."""

from collections.abc import Callable

from darkdiff_cli.raw.frame import RawFrame
from darkdiff_cli.raw.row_noise.rows import without_row_noise
from darkdiff_cli.raw.settings import ExposureSettings

Correction = Callable[[RawFrame, ExposureSettings], RawFrame]
"""A pure function (frame, settings) -> frame; returns the frame unchanged where the settings switch it off."""

CORRECTIONS: tuple[Correction, ...] = (without_row_noise,)


def corrected(frame: RawFrame, settings: ExposureSettings) -> RawFrame:
    """Apply all corrections to a frame; it is still in DN, black level included.

    Args:
        frame: from `read_raw`.
        settings: which corrections are on.
    """
    for correction in CORRECTIONS:
        frame = correction(frame, settings)
    return frame
