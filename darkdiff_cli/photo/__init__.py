"""From sRGB values to a finished file: orientation, colour profile, metadata, atomic write."""

from darkdiff_cli.photo.orientation import upright
from darkdiff_cli.photo.provenance import Provenance
from darkdiff_cli.photo.writer import PhotoFormat, atomically, check_target, write_photo

__all__ = ["PhotoFormat", "Provenance", "atomically", "check_target", "upright", "write_photo"]
