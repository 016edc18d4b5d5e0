"""Write a Bayer mosaic as a DNG that raw converters open (DNG specification 1.4)."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import tifffile
from numpy.typing import NDArray

from darkdiff_cli.capture import CaptureMetadata
from darkdiff_cli.synthesis.unprocess import Sensor

D65 = 21  # EXIF LightSource


def write_dng(
    path: Path, mosaic_dn: NDArray[np.uint16], sensor: Sensor, capture: CaptureMetadata, orientation: int = 1
) -> None:
    """Write one uncompressed 16-bit raw frame.

    Args:
        path: target file.
        mosaic_dn: (H, W) uint16 in DN.
        sensor: levels, matrix and as-shot white balance to write.
        capture: the camera's settings.
        orientation: EXIF orientation, 1..8.
    """
    neutral = [1.0 / gain for gain in sensor.white_balance]
    colours = bytes(site.colour for site in sensor.cfa.sites)
    model = capture.model or "darkdiff synthetic"
    tags = [
        (33421, "H", 2, sensor.cfa.period, True),  # CFARepeatPatternDim
        (33422, "B", len(colours), colours, True),  # CFAPattern
        (50706, "B", 4, bytes((1, 4, 0, 0)), True),  # DNGVersion
        (50707, "B", 4, bytes((1, 1, 0, 0)), True),  # DNGBackwardVersion
        (50708, "s", 0, model, True),  # UniqueCameraModel
        (50714, "2I", 1, _rationals([sensor.black]), True),  # BlackLevel
        (50717, "I", 1, round(sensor.white), True),  # WhiteLevel
        (50721, "2i", 9, _rationals(sensor.camera_from_xyz.ravel().tolist()), True),  # ColorMatrix1
        (50728, "2I", 3, _rationals(neutral), True),  # AsShotNeutral
        (50778, "H", 1, D65, True),  # CalibrationIlluminant1
        (274, "H", 1, orientation, True),
        (272, "s", 0, model, True),
    ]
    texts = ((271, capture.make), (36867, capture.date), (42036, capture.lens))
    tags += [(code, "s", 0, text, True) for code, text in texts if text is not None]
    numbers = ((33434, capture.exposure_time), (33437, capture.aperture), (37386, capture.focal_length))
    tags += [(code, "2I", 1, _rationals([value]), True) for code, value in numbers if value is not None]
    if capture.iso is not None:
        tags.append((34855, "H", 1, capture.iso, True))
    tifffile.imwrite(path, mosaic_dn, photometric=32803, metadata=None, subfiletype=0, extratags=tags)


def _rationals(values: list[float]) -> tuple[int, ...]:
    fractions = [Fraction(value).limit_denominator(100_000) for value in values]
    return tuple(n for f in fractions for n in (f.numerator, f.denominator))
