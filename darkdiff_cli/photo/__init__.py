"""From sRGB values to a finished file: orientation, colour profile, metadata, atomic write."""

from darkdiff_cli.photo.orientation import upright
from darkdiff_cli.photo.provenance import Provenance
from darkdiff_cli.photo.settings import PhotoSettings
from darkdiff_cli.photo.writer import check_target, write_photo

__all__ = ["PhotoSettings", "Provenance", "check_target", "upright", "write_photo"]
