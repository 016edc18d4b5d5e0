"""The maker's own tags in the finished photo, where the optional package pyexiv2 is installed.

Maker notes point to places in their file, so they cannot be copied as bytes; exiv2 knows each maker's format.
"""

import io
from collections.abc import Mapping

from PIL import Image

from darkdiff_cli.photo.exif import LARGEST

BYTES = "latin-1"  # text one character a byte, as it was read


def with_maker_notes(block: bytes, notes: Mapping[str, str]) -> bytes:
    """A photo's EXIF block with maker notes; as it was where they cannot be written or do not fit.

    Args:
        block: EXIF as `exif_block` makes it.
        notes: under exiv2's names.
    """
    if not notes:
        return block
    carrier = io.BytesIO()
    Image.new("L", (8, 8)).save(carrier, "JPEG", exif=b"Exif\x00\x00" + block)
    with Image.open(io.BytesIO(file_with_maker_notes(carrier.getvalue(), notes))) as image:
        written = bytes(image.info["exif"]).removeprefix(b"Exif\x00\x00")
    return written if len(written) <= LARGEST else block


def file_with_maker_notes(photo: bytes, notes: Mapping[str, str]) -> bytes:
    """A whole JPEG or TIFF file with maker notes; as it was where they cannot be written."""
    try:
        import pyexiv2

        pyexiv2.set_log_level(4)
        with pyexiv2.ImageData(photo) as image:
            image.modify_exif(dict(notes), encoding=BYTES)
            return bytes(image.get_bytes())
    except Exception:  # gone since the raw was read, or no place for them: the photo is worth more
        return photo
