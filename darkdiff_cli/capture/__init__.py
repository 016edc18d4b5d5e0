"""The settings of a shot: read from a raw file, written to the finished photo."""

from darkdiff_cli.capture.metadata import CaptureMetadata
from darkdiff_cli.capture.tags import EXIF, GPS, Kind, Tag, Value

__all__ = ["EXIF", "GPS", "CaptureMetadata", "Kind", "Tag", "Value"]
