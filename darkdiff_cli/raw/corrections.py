"""The corrections of a raw frame before amplification, in their order."""

from collections.abc import Callable

from darkdiff_cli.raw.clipped_black import without_clipped_noise
from darkdiff_cli.raw.dark_frame import without_dark
from darkdiff_cli.raw.defects import without_defects
from darkdiff_cli.raw.dng_corrections import with_opcodes, without_listed_defects
from darkdiff_cli.raw.frame import RawFrame
from darkdiff_cli.raw.framing import as_the_camera_frames
from darkdiff_cli.raw.line_noise.lines import without_line_noise
from darkdiff_cli.raw.settings import ExposureSettings
from darkdiff_cli.raw.white_balance import white_balanced

Correction = Callable[[RawFrame, ExposureSettings], RawFrame]
"""A pure function (frame, settings) -> frame; returns the frame unchanged where the settings switch it off."""

CORRECTIONS: tuple[Correction, ...] = (
    without_listed_defects,
    without_clipped_noise,
    without_dark,
    without_defects,
    without_line_noise,
    with_opcodes,
    white_balanced,
    as_the_camera_frames,
)


def corrected(frame: RawFrame, settings: ExposureSettings) -> RawFrame:
    """Apply all corrections to a frame; it is still in DN, above black where a correction made it so.

    Args:
        frame: from `read_raw`.
        settings: which corrections are on.
    """
    for correction in CORRECTIONS:
        frame = correction(frame, settings)
    return frame
