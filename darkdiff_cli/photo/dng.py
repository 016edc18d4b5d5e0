"""Linear DNG: the finished picture's light in the camera's own colours, for a raw converter."""

import io
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image

from darkdiff_cli.capture import EXIF
from darkdiff_cli.photo.camera_names import camera_name
from darkdiff_cli.photo.content import Photo
from darkdiff_cli.photo.dng_packing import JPEG, TOP, lossless, lossy
from darkdiff_cli.photo.exif import entry
from darkdiff_cli.photo.tiff import Extra, append_directories, directory

LINEAR_RAW = 34892  # PhotometricInterpretation
FINISHED = 8  # under which tifffile writes segments as they are, whatever is installed; the right one is put in later
CAMERA_NAME, COLOUR_MATRIX = 50708, 50721  # UniqueCameraModel, ColorMatrix1
D65 = 21  # EXIF LightSource
VERSION_1_1, VERSION_1_4, VERSION_1_6, VERSION_1_7 = (bytes((1, minor, 0, 0)) for minor in (1, 4, 6, 7))
FIRST_OF_1_6 = 52529  # the lowest number of the tags for a third light
PREVIEW, PREVIEW_QUALITY = 2048, 90  # longest side in pixels
RATIONALS = (5, 10)  # TIFF types whose values are pairs
LENS, SERIAL_NUMBER = 42034, 42033  # EXIF tags that a DNG repeats


def write_dng(path: Path, photo: Photo) -> None:
    """Write a linear DNG of 16 bits with a JPEG preview as its first picture and the raw one below it.

    The raw picture is compressed without loss where imagecodecs is installed, else not at all; or, where the settings
    ask for it, with some loss as JPEG XL, which readers of DNG 1.7 know. It is upright, as every photo is. What lies
    above the sensor's range is scaled into it, and BaselineExposure says by how much. What lies below black, which only
    a matrix that is no camera's gives, is clipped: LibRaw renders a linear DNG of another black level than 0 too dark.
    """
    from_srgb = photo.camera.sensor_from_srgb.astype(np.float32)
    # No sensor counts more than its range; a colour beyond sRGB that seems to must not make the rest darker.
    most = max(1.0, float(np.maximum(from_srgb, 0).sum(axis=1).max()))
    pixels, headroom = stored(np.minimum(photo.light() @ from_srgb.T, np.float32(most)))
    preview = _preview(photo)
    first = directory(photo)
    first["extratags"] = [*first["extratags"], *_camera_tags(photo, headroom)]
    packed = lossy(pixels) if photo.lossy else lossless(pixels)
    levels: list[Extra] = [(50714, "2I", 3, (0, 1) * 3, True), (50717, "I", 3, (TOP,) * 3, True)]
    with tifffile.TiffWriter(path, byteorder="<") as tiff:
        with Image.open(io.BytesIO(preview)) as image:
            shape = (image.height, image.width, 3)
        tiff.write(
            iter([preview]), shape=shape, dtype=np.uint8, photometric="ycbcr", compression=FINISHED,
            rowsperstrip=shape[0], subfiletype=1, subifds=1, metadata=None, **first,
        )  # fmt: skip
        tiff.write(
            packed.segments, shape=pixels.shape, dtype=pixels.dtype, photometric=LINEAR_RAW, bitspersample=16,
            compression=FINISHED, subfiletype=0, software=False, metadata=None, extratags=[*levels, *packed.tags],
            **packed.layout,
        )  # fmt: skip
    with tifffile.TiffFile(path, mode="r+") as file:
        pages = (file.pages.first, *(file.pages.first.pages or ()))
        for page, used in zip(pages, (JPEG, packed.compression), strict=True):
            page.tags[259].overwrite(used)
    append_directories(path, photo)


def stored(sensor: NDArray[np.float32]) -> tuple[NDArray[np.uint16], float]:
    """The whole numbers of a DNG.

    Args:
        sensor: (h, w, 3) what the sensor's colours count, 0 = black, 1 = saturation; values above are kept.

    Returns:
        (h, w, 3) uint16 of black level 0 and white level 65535; and the headroom, 1 or more, that divided them.
    """
    headroom = max(1.0, float(sensor.max()) - 0.5 / TOP)
    return np.rint(np.clip(sensor / np.float32(headroom), 0, 1) * np.float32(TOP)).astype(np.uint16), headroom


def _camera_tags(photo: Photo, headroom: float) -> list[Extra]:
    """The tags of the first directory that make it a DNG, and those that say how the camera sees colours."""
    capture, camera = photo.capture, photo.camera
    newest = VERSION_1_6 if max(camera.dng_tags, default=0) >= FIRST_OF_1_6 else VERSION_1_4
    neutral = np.array(camera.white_balance).min() / np.array(camera.white_balance)
    tags: list[Extra] = [
        *_camera_colours(photo),
        (50706, "B", 4, VERSION_1_7 if photo.lossy else newest, True),  # DNGVersion
        (50707, "B", 4, VERSION_1_7 if photo.lossy else VERSION_1_1, True),  # DNGBackwardVersion
        (50728, "2I", 3, _rationals(*neutral), True),  # AsShotNeutral
        (50730, "2i", 1, _rationals(np.log2(headroom)), True),  # BaselineExposure
        (50935, "2I", 1, (1, 1), True),  # NoiseReductionApplied: all of it
        _text(50936, "darkdiff"),  # ProfileName, of the two tags below: no curve but the converter's own
        (50940, "f", 4, (0.0, 0.0, 1.0, 1.0), True),  # ProfileToneCurve
        (51110, "I", 1, 1, True),  # DefaultBlackRender: none
        (50970, "I", 1, 2, True),  # PreviewColorSpace: sRGB
    ]
    if capture.raw_name is not None:
        tags.append(_file_name(50827, capture.raw_name))  # OriginalRawFileName
    if SERIAL_NUMBER in capture.exif:
        tags.append(_text(50735, str(capture.exif[SERIAL_NUMBER])))  # CameraSerialNumber
    if LENS in capture.exif:
        _, parts = entry(EXIF[LENS], capture.exif[LENS])
        tags.append((50736, "2I", 4, tuple(n for part in parts for n in (part.numerator, part.denominator)), True))
    return tags


def _camera_colours(photo: Photo) -> list[Extra]:
    """How the camera sees colours: the raw's own words where it was a DNG, else the matrix that is known, for D65.

    The pixels are what the sensor counts, so every matrix and calibration of the raw fits them as it fitted the raw's.
    """
    camera, capture = photo.camera, photo.capture
    tags = [_carried(code, kind, value) for code, (kind, value) in camera.dng_tags.items()]
    if CAMERA_NAME not in camera.dng_tags:
        tags.append(_text(CAMERA_NAME, camera_name(capture.make or "", capture.model or "") or "darkdiff"))
    if COLOUR_MATRIX not in camera.dng_tags:
        tags.append((COLOUR_MATRIX, "2i", 9, _rationals(*camera.sensor_from_xyz.ravel()), True))
        tags.append((50778, "H", 1, D65, True))  # CalibrationIlluminant1
    return tags


def _carried(code: int, kind: int, value: Any) -> Extra:
    """A tag as it was read: text, bytes, a number, or numbers, two to a rational."""
    if isinstance(value, str):
        return _text(code, value)
    length = len(value) if isinstance(value, bytes | tuple) else 1
    return code, kind, length // 2 if kind in RATIONALS else length, value, True


def _preview(photo: Photo) -> bytes:
    """A JPEG of the photo in sRGB, at most `PREVIEW` pixels long."""
    image = Image.fromarray(photo.levels(8))
    image.thumbnail((PREVIEW, PREVIEW))
    file = io.BytesIO()
    image.save(file, "JPEG", quality=PREVIEW_QUALITY, subsampling=0)
    return file.getvalue()


def _text(number: int, text: str) -> Extra:
    return number, "s", 0, text.encode("ascii", "replace"), True


def _file_name(number: int, name: str) -> Extra:
    """ASCII, or bytes of UTF-8 where a name has other letters: the specification allows both."""
    stored = name.encode("utf-8", "replace") + b"\x00"
    return _text(number, name) if name.isascii() else (number, "B", len(stored), stored, True)


def _rationals(*values: float) -> tuple[int, ...]:
    fractions = [Fraction(float(value)).limit_denominator(1_000_000) for value in values]
    return tuple(n for f in fractions for n in (f.numerator, f.denominator))
