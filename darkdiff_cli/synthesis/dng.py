"""Write a raw frame as a DNG that raw converters open (DNG specification 1.4)."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from darkdiff_cli.capture import CaptureMetadata
from darkdiff_cli.cfa import Cfa
from darkdiff_cli.synthesis.unprocess import Sensor

D65 = 21  # EXIF LightSource


CFA, LINEAR_RAW = 32803, 34892  # PhotometricInterpretation
Tag = tuple[int, str, int, Any, bool]
"""Code, type (H, I, 2I, ...), count, value, True: as tifffile takes them."""


def write_dng(
    path: Path,
    mosaic_dn: NDArray[np.uint16],
    sensor: Sensor,
    capture: CaptureMetadata,
    orientation: int = 1,
    more: Sequence[Tag] = (),
) -> None:
    """Write one uncompressed 16-bit raw frame of any filter.

    Args:
        path: target file.
        mosaic_dn: (H, W) uint16 in DN, or (H, W, 3) of a raw that is demosaiced already.
        sensor: levels, matrix and as-shot white balance to write.
        capture: the camera's settings.
        orientation: EXIF orientation, 1..8.
        more: tags to add, a crop for instance.
    """
    linear = mosaic_dn.ndim == 3 or sensor.cfa.is_monochrome
    neutral = [1.0 / gain for gain in sensor.white_balance]
    model = capture.model or "darkdiff synthetic"
    tags: list[Tag] = [
        *more,
        *([] if linear else _filter(sensor.cfa)),
        (50706, "B", 4, bytes((1, 4, 0, 0)), True),  # DNGVersion
        (50707, "B", 4, bytes((1, 1, 0, 0)), True),  # DNGBackwardVersion
        (50708, "s", 0, model, True),  # UniqueCameraModel
        (50714, "2I", 1, _rationals([sensor.black]), True),  # BlackLevel
        (50717, "I", 1, round(sensor.white), True),  # WhiteLevel
        (274, "H", 1, orientation, True),
        (272, "s", 0, model, True),
    ]
    if not sensor.cfa.is_monochrome:
        tags += [
            (50721, "2i", 9, _rationals(sensor.camera_from_xyz.ravel().tolist()), True),  # ColorMatrix1
            (50728, "2I", 3, _rationals(neutral), True),  # AsShotNeutral
            (50778, "H", 1, D65, True),  # CalibrationIlluminant1
        ]
    texts = ((271, capture.make), (36867, capture.date), (42036, capture.lens))
    tags += [(code, "s", 0, text, True) for code, text in texts if text is not None]
    numbers = ((33434, capture.exposure_time), (33437, capture.aperture), (37386, capture.focal_length))
    tags += [(code, "2I", 1, _rationals([value]), True) for code, value in numbers if value is not None]
    if capture.iso is not None:
        tags.append((34855, "H", 1, capture.iso, True))
    grey = sensor.cfa.is_monochrome
    photometric: int | str = "minisblack" if grey else LINEAR_RAW if linear else CFA
    tifffile.imwrite(path, mosaic_dn, photometric=photometric, metadata=None, subfiletype=0, extratags=tags)
    if grey:  # tifffile asks for three samples of linear raw data, the specification does not
        with tifffile.TiffFile(path, mode="r+") as tiff:
            tiff.pages.first.tags[262].overwrite(LINEAR_RAW)


def _filter(cfa: Cfa) -> list[Tag]:
    colours = bytes(site.colour for site in cfa.sites)
    return [(33421, "H", 2, cfa.period, True), (33422, "B", len(colours), colours, True)]  # repeat, CFAPattern


def _rationals(values: list[float]) -> tuple[int, ...]:
    fractions = [Fraction(value).limit_denominator(100_000) for value in values]
    return tuple(n for f in fractions for n in (f.numerator, f.denominator))
