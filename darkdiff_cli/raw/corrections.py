"""The corrections of a raw frame before amplification, in their order."""

from collections.abc import Callable
from pathlib import Path

from darkdiff_cli.raw.below_black import without_impossible_black
from darkdiff_cli.raw.clipped_black import without_clipped_noise
from darkdiff_cli.raw.dark_frame import without_dark
from darkdiff_cli.raw.defects import without_defects
from darkdiff_cli.raw.frame import RawFrame
from darkdiff_cli.raw.framing import as_the_camera_frames
from darkdiff_cli.raw.line_noise.lines import without_line_noise
from darkdiff_cli.raw.opcodes.corrections import with_opcodes, without_listed_defects
from darkdiff_cli.raw.reader import read_raw
from darkdiff_cli.raw.settings import ExposureSettings
from darkdiff_cli.raw.squares import in_whole_squares
from darkdiff_cli.raw.white_balance import white_balanced

Correction = Callable[[RawFrame, ExposureSettings], RawFrame]
"""A pure function (frame, settings) -> frame; returns the frame unchanged where the settings switch it off."""

OF_THE_SENSOR: tuple[Correction, ...] = (
    without_listed_defects,
    without_clipped_noise,
    without_dark,
    without_defects,
    without_impossible_black,
    without_line_noise,
    with_opcodes,
    in_whole_squares,
)
OF_THE_PICTURE: tuple[Correction, ...] = (white_balanced, as_the_camera_frames)
"""What a photographer chooses; those before do not depend on it."""

CORRECTIONS = (*OF_THE_SENSOR, *OF_THE_PICTURE)


def corrected(
    frame: RawFrame, settings: ExposureSettings, corrections: tuple[Correction, ...] = CORRECTIONS
) -> RawFrame:
    """Apply corrections to a frame; it is still in DN, above black where a correction made it so.

    Args:
        frame: from `read_raw`.
        settings: which corrections are on.
        corrections: all of them, or a part.
    """
    for correction in corrections:
        frame = correction(frame, settings)
    return frame


def read_corrected(path: Path, settings: ExposureSettings) -> RawFrame:
    """A file's frame with all corrections.

    Args:
        path: of a raw file.
        settings: which corrections are on, and the black level.

    Raises:
        InputError, MemoryLimitError: as `read_raw`.
    """
    return corrected(read_raw(path, settings.black), settings)
