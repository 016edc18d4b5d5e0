"""The EXIF tags that describe a shot (EXIF 3.0, TIFF 6.0): their numbers, names and types.

Left out is what describes the raw's own pixels: sizes, strips, colour, previews, the colour filter, areas in pixels.
"""

from fractions import Fraction
from typing import Literal, NamedTuple

Kind = Literal["text", "comment", "windows", "byte", "short", "long", "rational", "signed", "undefined"]
"""Type of a value. comment: text behind an EXIF character code; windows: UTF-16 in bytes; signed: signed rational."""
Value = str | bytes | int | float | Fraction | tuple[int | float | Fraction | None, ...]
"""Value of a tag: text, bytes, a number, or several; None stands for 0/0, which only a lens specification may hold."""


class Tag(NamedTuple):
    """A tag.

    Attributes:
        name: in the standard and in exiv2.
        kind: type of its value.
        length: how many numbers it has; 0 is any number.
        image: it lies in the image's directory (IFD0) and not in the EXIF directory.
    """

    name: str
    kind: Kind
    length: int = 1
    image: bool = False


EXIF: dict[int, Tag] = {
    270: Tag("ImageDescription", "text", image=True),
    271: Tag("Make", "text", image=True),
    272: Tag("Model", "text", image=True),
    306: Tag("DateTime", "text", image=True),
    315: Tag("Artist", "text", image=True),
    18246: Tag("Rating", "short", image=True),
    18249: Tag("RatingPercent", "short", image=True),
    33432: Tag("Copyright", "text", image=True),
    33434: Tag("ExposureTime", "rational"),
    33437: Tag("FNumber", "rational"),
    34850: Tag("ExposureProgram", "short"),
    34852: Tag("SpectralSensitivity", "text"),
    34855: Tag("ISOSpeedRatings", "short"),
    34864: Tag("SensitivityType", "short"),
    34865: Tag("StandardOutputSensitivity", "long"),
    34866: Tag("RecommendedExposureIndex", "long"),
    34867: Tag("ISOSpeed", "long"),
    34868: Tag("ISOSpeedLatitudeyyy", "long"),
    34869: Tag("ISOSpeedLatitudezzz", "long"),
    36867: Tag("DateTimeOriginal", "text"),
    36868: Tag("DateTimeDigitized", "text"),
    36880: Tag("OffsetTime", "text"),
    36881: Tag("OffsetTimeOriginal", "text"),
    36882: Tag("OffsetTimeDigitized", "text"),
    37377: Tag("ShutterSpeedValue", "signed"),
    37378: Tag("ApertureValue", "rational"),
    37379: Tag("BrightnessValue", "signed"),
    37380: Tag("ExposureBiasValue", "signed"),
    37381: Tag("MaxApertureValue", "rational"),
    37382: Tag("SubjectDistance", "rational"),
    37383: Tag("MeteringMode", "short"),
    37384: Tag("LightSource", "short"),
    37385: Tag("Flash", "short"),
    37386: Tag("FocalLength", "rational"),
    37510: Tag("UserComment", "comment"),
    37520: Tag("SubSecTime", "text"),
    37521: Tag("SubSecTimeOriginal", "text"),
    37522: Tag("SubSecTimeDigitized", "text"),
    37888: Tag("Temperature", "signed"),
    37889: Tag("Humidity", "rational"),
    37890: Tag("Pressure", "rational"),
    37891: Tag("WaterDepth", "signed"),
    37892: Tag("Acceleration", "rational"),
    37893: Tag("CameraElevationAngle", "signed"),
    40091: Tag("XPTitle", "windows", image=True),
    40092: Tag("XPComment", "windows", image=True),
    40093: Tag("XPAuthor", "windows", image=True),
    40094: Tag("XPKeywords", "windows", image=True),
    40095: Tag("XPSubject", "windows", image=True),
    41483: Tag("FlashEnergy", "rational"),
    41493: Tag("ExposureIndex", "rational"),
    41495: Tag("SensingMethod", "short"),
    41728: Tag("FileSource", "undefined"),
    41729: Tag("SceneType", "undefined"),
    41986: Tag("ExposureMode", "short"),
    41987: Tag("WhiteBalance", "short"),
    41988: Tag("DigitalZoomRatio", "rational"),
    41989: Tag("FocalLengthIn35mmFilm", "short"),
    41990: Tag("SceneCaptureType", "short"),
    41991: Tag("GainControl", "short"),
    41992: Tag("Contrast", "short"),
    41993: Tag("Saturation", "short"),
    41994: Tag("Sharpness", "short"),
    41996: Tag("SubjectDistanceRange", "short"),
    42016: Tag("ImageUniqueID", "text"),
    42032: Tag("CameraOwnerName", "text"),
    42033: Tag("BodySerialNumber", "text"),
    42034: Tag("LensSpecification", "rational", 4),
    42035: Tag("LensMake", "text"),
    42036: Tag("LensModel", "text"),
    42037: Tag("LensSerialNumber", "text"),
    42038: Tag("ImageTitle", "text"),
    42039: Tag("Photographer", "text"),
    42080: Tag("CompositeImage", "short"),
}

GPS: dict[int, Tag] = {
    0: Tag("GPSVersionID", "byte", 4),
    1: Tag("GPSLatitudeRef", "text"),
    2: Tag("GPSLatitude", "rational", 3),
    3: Tag("GPSLongitudeRef", "text"),
    4: Tag("GPSLongitude", "rational", 3),
    5: Tag("GPSAltitudeRef", "byte"),
    6: Tag("GPSAltitude", "rational"),
    7: Tag("GPSTimeStamp", "rational", 3),
    8: Tag("GPSSatellites", "text"),
    9: Tag("GPSStatus", "text"),
    10: Tag("GPSMeasureMode", "text"),
    11: Tag("GPSDOP", "rational"),
    12: Tag("GPSSpeedRef", "text"),
    13: Tag("GPSSpeed", "rational"),
    14: Tag("GPSTrackRef", "text"),
    15: Tag("GPSTrack", "rational"),
    16: Tag("GPSImgDirectionRef", "text"),
    17: Tag("GPSImgDirection", "rational"),
    18: Tag("GPSMapDatum", "text"),
    19: Tag("GPSDestLatitudeRef", "text"),
    20: Tag("GPSDestLatitude", "rational", 3),
    21: Tag("GPSDestLongitudeRef", "text"),
    22: Tag("GPSDestLongitude", "rational", 3),
    23: Tag("GPSDestBearingRef", "text"),
    24: Tag("GPSDestBearing", "rational"),
    25: Tag("GPSDestDistanceRef", "text"),
    26: Tag("GPSDestDistance", "rational"),
    27: Tag("GPSProcessingMethod", "comment"),
    28: Tag("GPSAreaInformation", "comment"),
    29: Tag("GPSDateStamp", "text"),
    30: Tag("GPSDifferential", "short"),
    31: Tag("GPSHPositioningError", "rational"),
}
