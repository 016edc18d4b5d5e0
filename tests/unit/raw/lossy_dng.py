"""A linear DNG of lossy JPEG as phones and converters write it, whole or with its end cut off."""

import io
from pathlib import Path

import numpy as np
import tifffile
from PIL import Image

LOSSY, LINEAR_RAW = 34892, 34892  # Compression and PhotometricInterpretation
PUT_IN_LATER = 8  # a compression under which tifffile writes a segment as it is


def write_lossy_dng(path: Path, cut: int = 0) -> Path:
    """A DNG of 96x64 pixels whose JPEG lacks its last `cut` bytes."""
    y, x = np.mgrid[0:64, 0:96]
    pixels = np.stack([40 + x, 60 + y, 80 + (x * y) % 37], axis=-1).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=90)
    jpeg = file.getvalue()[: -cut or None]
    tags = [
        (50706, "B", 4, bytes((1, 4, 0, 0)), True),  # DNGVersion
        (50708, "s", 0, b"darkdiff test", True),  # UniqueCameraModel
        (50721, "2i", 9, (3240, 1000, -1537, 1000, -498, 1000, -969, 1000, 1876, 1000, 41, 1000, 55, 1000, -204, 1000,
                          1057, 1000), True),  # ColorMatrix1
        (50728, "2I", 3, (1, 2, 1, 1, 1, 2), True),  # AsShotNeutral
        (50714, "I", 3, (0, 0, 0), True),  # BlackLevel
        (50717, "I", 3, (255, 255, 255), True),  # WhiteLevel
    ]  # fmt: skip
    with tifffile.TiffWriter(path, byteorder="<") as tiff:
        tiff.write(
            iter([jpeg]), shape=pixels.shape, dtype=np.uint8, photometric=LINEAR_RAW, compression=PUT_IN_LATER,
            tile=(64, 96), metadata=None, extratags=tags,
        )  # fmt: skip
    with tifffile.TiffFile(path, mode="r+") as tiff:
        tiff.pages.first.tags[259].overwrite(LOSSY)
    return path
