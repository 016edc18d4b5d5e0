"""From the picture of a photo to its files."""

from pathlib import Path

from darkdiff_cli.enhancer.settings import EnhanceSettings
from darkdiff_cli.enhancer.values import Enhanced, Rendered
from darkdiff_cli.gamut import OutsideSrgb
from darkdiff_cli.photo import Provenance, upright, write_photo
from darkdiff_cli.photo.doubt_map import write_doubt_map
from darkdiff_cli.raw.white_balance import camera_colours


def write_picture(output: Path, rendered: Rendered, settings: EnhanceSettings, provenance: Provenance) -> Enhanced:
    """Write a picture upright, with capture metadata and a note of how it was made.

    Args:
        output: the photo.
        rendered: its picture.
        settings: of the photo.
        provenance: how it was made.

    Raises:
        OutputError: the target cannot be written.
    """
    exposure, used = rendered.exposure, rendered.sampling
    frame, strength = exposure.frame, settings.exposure.strength
    picture = upright(rendered.srgb_01, frame.orientation)
    outside = rendered.outside
    if outside is not None:
        outside = OutsideSrgb(*(upright(part, frame.orientation) for part in (outside.below, outside.above)))
    write_photo(output, picture, frame.metadata, provenance, settings.photo, camera_colours(frame), outside)
    height, width = picture.shape[:2]
    ratio, notes = round(exposure.ratio, 4), (*frame.notes, *frame.metadata.notes, *rendered.notes)
    return Enhanced(output, ratio, width, height, used.steps, used.guidance, exposure.frames, strength, notes=notes)


def write_doubt(target: Path, rendered: Rendered) -> float:
    """Write the map of where a picture may be wrong, upright; returns its mean.

    Raises:
        OutputError: the target cannot be written.
        ValueError: the settings of the picture did not ask for it.
    """
    if rendered.doubt is None:
        raise ValueError("settings.doubt was off when the picture was rendered")
    orientation = rendered.exposure.frame.orientation
    size = upright(rendered.srgb_01, orientation).shape[:2]
    write_doubt_map(target, upright(rendered.doubt, orientation), size)
    return round(float(rendered.doubt.mean()), 5)
