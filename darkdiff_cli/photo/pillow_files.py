"""JPEG, WebP and PNG: Pillow writes the pixels, and the metadata of the first two."""

import io
import zlib
from pathlib import Path
from typing import Any

from numpy.typing import NDArray
from PIL import Image, ImageFile
from PIL.PngImagePlugin import putchunk

from darkdiff_cli.photo.content import Photo
from darkdiff_cli.photo.exif import DPI, LARGEST

QUALITY = 95  # the usual one
PNG_HEAD = 8 + 25  # bytes of signature and IHDR, behind which the other chunks may stand
XMP_KEYWORD = b"XML:com.adobe.xmp\x00\x00\x00\x00\x00"  # iTXt: not compressed, no language, no translation


def write_jpeg(path: Path, photo: Photo) -> None:
    """Write a JPEG without chroma subsampling."""
    pixels = photo.levels(8)
    # Pillow's own guess is too small for a picture of pure noise, and then it says that the file cannot be written.
    ImageFile.MAXBLOCK = max(ImageFile.MAXBLOCK, pixels.nbytes + 2 * LARGEST)
    options = {"quality": photo.settings.quality or QUALITY, "subsampling": 0, "optimize": True, "dpi": (DPI, DPI)}
    path.write_bytes(_saved(pixels, "JPEG", **options, **_metadata(photo)))


def write_webp(path: Path, photo: Photo) -> None:
    """Write a lossy WebP, whose chroma always has half the size."""
    quality = photo.settings.quality or QUALITY
    path.write_bytes(_saved(photo.levels(8), "WEBP", quality=quality, **_metadata(photo)))


def write_png(path: Path, photo: Photo) -> None:
    """Write a PNG of 8 or 16 bits (PNG, third edition: chunks iCCP, eXIf, iTXt)."""
    bits = photo.settings.bit_depth
    pixels = photo.levels(bits)
    if bits == 8:
        plain = _saved(pixels, "PNG")
    else:  # Pillow has no colour of 16 bits
        import imagecodecs

        png = imagecodecs.PNG  # runs of differences: as small as a long search finds, in a fifth of its time
        fast = {"level": 1, "strategy": png.STRATEGY.RLE, "filter": png.FILTER.SUB}
        plain = bytes(imagecodecs.png_encode(pixels, **fast))
    file = io.BytesIO()
    file.write(plain[:PNG_HEAD])
    putchunk(file, b"iCCP", b"ICC profile\x00\x00" + zlib.compress(photo.profile()))
    putchunk(file, b"eXIf", photo.exif())
    putchunk(file, b"iTXt", XMP_KEYWORD + photo.xmp())
    file.write(plain[PNG_HEAD:])
    path.write_bytes(file.getbuffer())


def _metadata(photo: Photo) -> dict[str, bytes]:
    return {"icc_profile": photo.profile(), "exif": b"Exif\x00\x00" + photo.exif(), "xmp": photo.xmp()}


def _saved(pixels: NDArray[Any], kind: str, **options: Any) -> bytes:
    """The bytes of a file; writing to a file itself, Pillow would not report a full disk at the end."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind, **options)
    return buffer.getvalue()
