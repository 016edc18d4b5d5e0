"""The steps that a frame goes through before it is amplified, in their order."""

from collections.abc import Callable

from darkdiff_cli.raw.frame import RawFrame
from darkdiff_cli.raw.row_noise.rows import without_row_noise
from darkdiff_cli.raw.settings import ExposureSettings

Correction = Callable[[RawFrame, ExposureSettings], RawFrame]
"""A pure function; it looks at the settings whether it has something to do."""

CORRECTIONS: tuple[Correction, ...] = (without_row_noise,)


def corrected(frame: RawFrame, settings: ExposureSettings) -> RawFrame:
    """A frame as the camera should have written it, still in DN with its black level in.

    Args:
        frame: from `read_raw`.
        settings: which corrections.
    """
    for correction in CORRECTIONS:
        frame = correction(frame, settings)
    return frame
