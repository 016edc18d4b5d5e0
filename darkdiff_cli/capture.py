"""Capture settings: read from a raw file, written to the finished photo."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class CaptureMetadata:
    """Capture settings of a shot. Unknown values are None.

    Attributes:
        make, model, lens: names as the camera writes them.
        exposure_time: seconds.
        aperture: f-number.
        iso: ISO speed.
        focal_length: millimetres.
        date: "YYYY:MM:DD HH:MM:SS" (EXIF DateTimeOriginal).
        gps: EXIF GPS tags by number: text, a number, or a tuple of numbers.
    """

    make: str | None = None
    model: str | None = None
    lens: str | None = None
    exposure_time: float | None = None
    aperture: float | None = None
    iso: int | None = None
    focal_length: float | None = None
    date: str | None = None
    gps: dict[int, object] = field(default_factory=dict)
