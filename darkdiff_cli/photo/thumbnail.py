"""The thumbnail in the EXIF of a JPEG, which cameras, phones and file managers show before they read the picture."""

import io
import struct

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, TiffTags

from darkdiff_cli.photo.exif import LARGEST, RESOLUTION, Entry, directory_bytes

SIZE, QUALITY = (160, 120), 85  # pixels (DCF 2.0), whatever the shape of the picture
COMPRESSION, OFFSET, LENGTH = 259, 513, 514
OLD_JPEG = 6  # Compression of a thumbnail


def with_thumbnail(block: bytes, srgb_01: NDArray[np.float32]) -> bytes:
    """A photo's EXIF block with a second directory (IFD1) behind it, that of the thumbnail; as it was where it is full.

    Args:
        block: EXIF as `exif_block` makes it.
        srgb_01: (h, w, 3) the upright picture, sRGB.
    """
    picture = thumbnail(srgb_01)
    tags: dict[int, Entry] = {
        **RESOLUTION,
        COMPRESSION: (TiffTags.SHORT, OLD_JPEG),
        OFFSET: (TiffTags.LONG, 0),
        LENGTH: (TiffTags.LONG, len(picture)),
    }
    start = len(block) + len(block) % 2
    tags[OFFSET] = TiffTags.LONG, start + len(directory_bytes(tags, start))
    whole = bytearray(block.ljust(start, b"\x00") + directory_bytes(tags, start) + picture)
    if len(whole) > LARGEST:
        return block
    (first,) = struct.unpack_from("<I", block, 4)
    (count,) = struct.unpack_from("<H", block, first)
    struct.pack_into("<I", whole, first + 2 + 12 * count, start)  # where the next directory is
    return bytes(whole)


def thumbnail(srgb_01: NDArray[np.float32]) -> bytes:
    """The whole picture on black, as a JPEG without markers of an application (EXIF 2.2, 4.5.5).

    Its values are sRGB whatever the photo's are: it has no profile of its own.
    """
    pixels = np.rint(np.clip(srgb_01, 0, 1) * np.float32(255)).astype(np.uint8)
    file = io.BytesIO()
    ImageOps.pad(Image.fromarray(pixels), SIZE).save(file, "JPEG", quality=QUALITY, subsampling="4:2:0")
    jpeg = file.getvalue()
    (length,) = struct.unpack_from(">H", jpeg, 4)  # of the JFIF marker, which stands directly behind the start
    return jpeg[:2] + jpeg[4 + length :]
