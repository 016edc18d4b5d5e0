"""EXIF of the finished photo, built with Pillow."""

from fractions import Fraction

from PIL import Image
from PIL.ExifTags import GPS, IFD, Base
from PIL.TiffImagePlugin import IFDRational, ImageFileDirectory_v2

from darkdiff_cli.capture import CaptureMetadata
from darkdiff_cli.photo.provenance import Provenance

GPS_BYTES = {GPS.GPSAltitudeRef}


def build_exif(capture: CaptureMetadata, provenance: Provenance) -> Image.Exif:
    """EXIF with capture settings and provenance; the orientation is 1, since the pixels are upright already."""
    exif = Image.Exif()
    exif[Base.Orientation] = 1
    exif[Base.Software] = provenance.software
    exif[Base.ImageDescription] = provenance.sentence()
    for tag, text in ((Base.Make, capture.make), (Base.Model, capture.model), (Base.DateTime, capture.date)):
        if text is not None:
            exif[tag] = text
    exif.get_ifd(IFD.Exif).update(capture_tags(capture))
    exif.get_ifd(IFD.GPSInfo).update(gps_tags(capture))
    return exif


def capture_tags(capture: CaptureMetadata) -> dict[int, object]:
    """Tags of the EXIF sub-directory; unknown values are left out."""
    values: dict[int, object | None] = {
        Base.ExposureTime: _rational(capture.exposure_time),
        Base.FNumber: _rational(capture.aperture),
        Base.ISOSpeedRatings: capture.iso,
        Base.DateTimeOriginal: capture.date,
        Base.FocalLength: _rational(capture.focal_length),
        Base.LensModel: capture.lens,
        Base.ColorSpace: 1,  # sRGB
    }
    return {int(tag): value for tag, value in values.items() if value is not None}


def directory_bytes(tags: dict[int, object], offset: int) -> bytes:
    """A little-endian TIFF directory of these tags, for the position `offset` in a file."""
    directory = ImageFileDirectory_v2(b"II*\x00\x08\x00\x00\x00")
    for tag, value in tags.items():
        directory[tag] = value
    return bytes(directory.tobytes(offset))


def gps_tags(capture: CaptureMetadata) -> dict[int, object]:
    """Tags of the GPS sub-directory."""
    return {tag: _gps_value(tag, value) for tag, value in capture.gps.items()}


def _gps_value(tag: int, value: object) -> object:
    if tag in GPS_BYTES:
        return bytes([int(value)]) if isinstance(value, float | int) else value
    if isinstance(value, tuple):
        return tuple(_rational(v) for v in value)
    return _rational(value) if isinstance(value, float) else value


def _rational(value: float | None) -> IFDRational | None:
    if value is None:
        return None
    fraction = Fraction(value).limit_denominator(1_000_000)
    return IFDRational(fraction.numerator, fraction.denominator)
