"""One value with everything that is known about a shot."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from darkdiff_cli.capture.tags import Value

NAMED = {
    "make": 271, "model": 272, "lens": 42036, "exposure_time": 33434, "aperture": 33437, "iso": 34855,
    "focal_length": 37386, "date": 36867,
}  # fmt: skip
SPEEDS = (34866, 34865, 34867)  # recommended exposure index, standard output sensitivity, ISO speed: EXIF 2.3
LARGEST_ISO = 65535  # what the tag of ISO speed can hold
LARGEST_XMP = 40_000  # bytes of XMP properties, since the XMP of a JPEG has to fit into 65,502
PLACES = ("City", "State", "Country", "Location", "Sublocation", "GPS")  # in the names of XMP properties


@dataclass(frozen=True)
class CaptureMetadata:
    """What is known about a shot. Unknown values are None or absent. Can be sent to another process.

    Attributes:
        make, model, lens: names as the camera writes them.
        exposure_time: seconds.
        aperture: f-number.
        iso: ISO speed, at most 65535; above it stand the tags 34864 to 34867 in `exif`.
        focal_length: millimetres.
        date: "YYYY:MM:DD HH:MM:SS" (EXIF DateTimeOriginal).
        exif: further EXIF tags by number, see `darkdiff_cli.capture.tags`.
        gps: EXIF GPS tags by number.
        maker_notes: the maker's own tags under exiv2's names, as exiv2 writes them.
        xmp: XMP properties by name, each an XML element.
        orientation: EXIF orientation 1..8 that an XMP sidecar gives in place of the camera's.
        raw_name: file name of the camera's raw.
        sources: which source gave each tag or property, by its name.
        notes: sentences for the user, without a full stop, such as what is wrong with a sidecar.
    """

    make: str | None = None
    model: str | None = None
    lens: str | None = None
    exposure_time: float | None = None
    aperture: float | None = None
    iso: int | None = None
    focal_length: float | None = None
    date: str | None = None
    exif: Mapping[int, Value] = field(default_factory=dict)
    gps: Mapping[int, Value] = field(default_factory=dict)
    maker_notes: Mapping[str, str] = field(default_factory=dict)
    xmp: Mapping[str, str] = field(default_factory=dict)
    orientation: int | None = None
    raw_name: str | None = None
    sources: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def settings(self) -> dict[str, Any]:
        """The fields with a name of their own: text and numbers alone."""
        return {name: getattr(self, name) for name in NAMED}

    @property
    def speed(self) -> int | None:
        """ISO speed, that above 65535 too."""
        if self.iso != LARGEST_ISO:
            return self.iso
        larger = (self.exif.get(number) for number in SPEEDS)
        return next((value for value in larger if isinstance(value, int)), self.iso)

    def tags(self) -> dict[int, Value]:
        """All EXIF tags by number, those with a field of their own included."""
        named = {NAMED[name]: value for name, value in self.settings().items() if value is not None}
        return {**self.exif, **named}

    def without_position(self) -> "CaptureMetadata":
        """The same without GPS, names of places, and the maker notes, in which some cameras repeat them."""
        xmp = {name: text for name, text in self.xmp.items() if not any(place in name for place in PLACES)}
        return replace(self, gps={}, maker_notes={}, xmp=xmp)
