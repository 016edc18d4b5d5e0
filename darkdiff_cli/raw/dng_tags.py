"""The tags of a DNG that LibRaw reads in part or not at all, by tifffile."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from darkdiff_cli.raw.tiff import open_tiff

CFA, LINEAR_RAW = 32803, 34892  # PhotometricInterpretation of raw data
FLOAT = 3  # SampleFormat
LOSSY_JPEG = 34892  # Compression
WIDTH, LENGTH, COMPRESSION, ORIENTATION, SAMPLE_FORMAT = 256, 257, 259, 274, 339
BLACK_REPEAT, BLACK_LEVEL, BLACK_DELTA_H, BLACK_DELTA_V, WHITE_LEVEL = 50713, 50714, 50715, 50716, 50717
ACTIVE_AREA, MASKED_AREAS = 50829, 50830
SOFTWARE, DNG_VERSION, LINEARIZATION_TABLE = 305, 50706, 50712
COLOUR_MATRIX = 50721
CAMERA_NAME = 50708  # UniqueCameraModel, by which a converter finds its own profile of the camera
COLOUR_TAGS = (
    50721, 50722, 50723, 50724, 50727, 50778, 50779,  # ColorMatrix, CameraCalibration, AnalogBalance, their two lights
    50931, 50932, 50964, 50965,  # signatures of calibration and profile, ForwardMatrix
    52529, 52530, 52531, 52532, 52533, 52534, 52535,  # a third light, and the lights' spectra (DNG 1.6)
)  # fmt: skip
ORIGINAL_NAME = 50827
WHOLE_FILES = (34665, 34853, 50740, 50828)  # EXIF and GPS directories, DNGPrivateData, OriginalRawFileData
RATIONALS = (5, 10)  # TIFF data types whose values are pairs
MOST_PAGES = 16  # of a chain, that are looked at
LARGEST = 2**53  # of whole numbers that a float holds


@dataclass(frozen=True)
class DngTags:
    """The tags of the picture's own directory, and of the first one for the whole file.

    Attributes:
        values: (TIFF data type, value as tifffile gives it) of each tag by its number.
        raws: (height, width) of each raw picture at full resolution, wherever it is in the file.
    """

    values: Mapping[int, tuple[int, Any]] = field(default_factory=dict)
    raws: tuple[tuple[int, int], ...] = ()

    def numbers(self, code: int) -> NDArray[np.float64]:
        """The values of a numeric tag in the file's order, rationals divided (0/0 is NaN); empty without the tag.

        A damaged file may hold text or bytes there, which is as good as no tag.
        """
        kind, value = self.values.get(code, (0, ()))
        if isinstance(value, str | bytes | bytearray):
            return np.zeros(0)
        flat = np.atleast_1d(np.asarray(value, dtype=np.float64)).ravel()
        if kind in RATIONALS:
            with np.errstate(divide="ignore", invalid="ignore"):
                return np.asarray(flat[: len(flat) // 2 * 2 : 2] / flat[1::2])
        return flat

    def integers(self, code: int, default: tuple[int, ...] = ()) -> tuple[int, ...]:
        """The values of an integer tag, or the default."""
        numbers = self.numbers(code)
        return tuple(int(number) for number in numbers) if numbers.size and (abs(numbers) < LARGEST).all() else default

    @property
    def active_corner(self) -> tuple[int, int]:
        """The row and column at which the ActiveArea begins, the sensor's corner where there is none."""
        area = self.integers(ACTIVE_AREA)
        return (area[0], area[1]) if len(area) == 4 else (0, 0)

    @property
    def is_recoded(self) -> bool:
        """Whether LibRaw's pixels are on another scale than the tags: it maps 8 bits of lossy JPEG to 16."""
        return self.integers(COMPRESSION) == (LOSSY_JPEG,)

    @property
    def is_enhanced(self) -> bool:
        """Whether it is a photo of this program: by the Software tag, whatever the file is called now."""
        software = self.values.get(SOFTWARE, (0, ""))[1]
        return isinstance(software, str) and software.startswith("darkdiff ")

    @property
    def original_name(self) -> str | None:
        """OriginalRawFileName: of the raw that it was made of, as text or as bytes of UTF-8; None where it has none."""
        name = self.values.get(ORIGINAL_NAME, (0, ""))[1]
        text = bytes(name).decode("utf-8", "replace") if isinstance(name, bytes | bytearray) else name
        return text.split("\x00")[0].strip() or None if isinstance(text, str) else None

    def colours(self) -> dict[int, tuple[int, Any]]:
        """The tags that say how the camera sees colours; they belong together. Empty without a usable ColorMatrix1."""
        matrix = self.numbers(COLOUR_MATRIX)
        if matrix.size != 9 or not np.isfinite(matrix).all():
            return {}
        return {code: self.values[code] for code in COLOUR_TAGS if code in self.values}

    def camera_name(self) -> dict[int, tuple[int, Any]]:
        """The tag of the camera's own name; empty without it."""
        return {CAMERA_NAME: self.values[CAMERA_NAME]} if CAMERA_NAME in self.values else {}

    def content(self, code: int) -> bytes:
        """The bytes of a tag without a numeric type, such as an opcode list; empty without the tag."""
        value = self.values.get(code, (0, b""))[1]
        return bytes(value) if isinstance(value, bytes | bytearray) else b""


def read_dng_tags(path: Path) -> DngTags | None:
    """Read the tags of the raw picture of a DNG.

    Args:
        path: any raw file.

    Returns:
        The tags of the largest directory that holds raw data; None where the file is no DNG, or its directories are
        damaged.
    """
    try:
        with open_tiff(path) as tiff:
            first = tiff.pages.first
            if DNG_VERSION not in first.tags:
                return None
            chosen = raw_page(first)
            tags = {tag.code: (int(tag.dtype), tag.value) for page in (first, chosen) for tag in _wanted(page)}
            raws = tuple(_raw_sizes(tiff))
    except Exception:  # tifffile raises errors of many kinds on damaged files, which LibRaw may read all the same
        return None
    return DngTags(tags, raws)


def read_float_samples(path: Path, shape: tuple[int, ...]) -> NDArray[np.float32] | None:
    """Read the raw picture of a DNG of float samples as it is.

    Args:
        path: a DNG for which `read_dng_tags` gives the sample format 3.
        shape: (H, W) or (H, W, samples) that LibRaw has decoded; a damaged file may claim any other.

    Returns:
        Pixels of this shape in the file's unit; None where tifffile cannot decode it (compressed ones need the package
        imagecodecs), or sees another shape.
    """
    try:
        with open_tiff(path) as tiff:
            page = raw_page(tiff.pages.first)
            if page.shape != shape:  # asked before memory is taken
                return None
            samples = np.asarray(page.asarray(), dtype=np.float32)
            return samples if samples.shape == shape else None
    except Exception:  # see above
        return None


def raw_page(first: Any) -> Any:
    """The largest directory of raw data at full resolution; the first of the file where none says so."""
    pages = [first, *(page for page in first.pages or ())]
    raw = [page for page in pages if _is_raw(page)]
    return max(raw, key=lambda page: (_value(page, WIDTH) or 0) * (_value(page, LENGTH) or 0), default=first)


def _is_raw(page: Any) -> bool:
    """Whether a directory holds raw data at full resolution."""
    return _value(page, 262) in (CFA, LINEAR_RAW) and not (_value(page, 254) or 0)


def _raw_sizes(tiff: Any) -> Iterator[tuple[int, int]]:
    """Height and width of each raw picture of a file, as far as its chain of directories is whole."""
    with suppress(Exception):  # tifffile raises errors of many kinds on damaged files
        for page in islice(tiff.pages, MOST_PAGES):
            for each in (page, *(page.pages or ())):
                if _is_raw(each):
                    yield _value(each, LENGTH) or 0, _value(each, WIDTH) or 0


def _wanted(page: Any) -> list[Any]:
    """The tags that describe raw data, without those that hold whole other files."""
    return [tag for tag in page.tags if (tag.code < 340 or tag.code >= 33421) and tag.code not in WHOLE_FILES]


def _value(page: Any, code: int) -> int | None:
    tag = page.tags.get(code)
    return None if tag is None else int(tag.value)
