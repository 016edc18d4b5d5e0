"""From sRGB values to a finished file: orientation, colour profile, metadata, atomic write."""

from darkdiff_cli.photo.orientation import upright
from darkdiff_cli.photo.provenance import Provenance
from darkdiff_cli.photo.writer import PhotoFormat, check_target, write_photo

__all__ = ["PhotoFormat", "Provenance", "check_target", "upright", "write_photo"]
