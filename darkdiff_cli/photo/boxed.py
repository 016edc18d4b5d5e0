"""AVIF and JPEG XL: imagecodecs writes the pixels; the metadata lies in boxes beside them (ISO/IEC 14496-12)."""

import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from darkdiff_cli.colour import srgb_decode
from darkdiff_cli.photo.content import Photo
from darkdiff_cli.photo.jxl_header import called_srgb

AVIF_QUALITY, JXL_DISTANCE = 90, 0.5  # the usual ones: of 100; in just noticeable differences (Butteraugli)
AVIF_SPEED = 8  # of 10; the slowest takes minutes for 4 % fewer bytes
AVIF_BITS, JXL_BITS = 10, 16
PICTURE, EXIF_ITEM, XMP_ITEM = 1, 2, 3  # numbers of the items of an AVIF


def write_jxl(path: Path, photo: Photo) -> None:
    """Write a lossy JPEG XL in sRGB, visually lossless (ISO/IEC 18181-2: boxes Exif and xml)."""
    import imagecodecs

    light = srgb_decode(photo.levels(JXL_BITS) / np.float32(2**JXL_BITS - 1))  # what libjxl takes 16 bits for
    pixels = np.rint(light * np.float32(2**JXL_BITS - 1)).astype(np.uint16)
    quality = photo.settings.quality
    distance = JXL_DISTANCE if quality is None else jxl_distance(quality)
    picture = imagecodecs.jpegxl_encode(pixels, distance=distance, usecontainer=True)
    boxes = [(kind, called_srgb(part) if kind == b"jxlc" else part) for kind, part in _boxes(bytes(picture))]
    boxes += [(b"Exif", bytes(4) + photo.exif()), (b"xml ", photo.xmp())]
    path.write_bytes(b"".join(_box(kind, part) for kind, part in boxes))


def write_avif(path: Path, photo: Photo) -> None:
    """Write an AVIF of 10 bits without chroma subsampling."""
    import imagecodecs

    primaries, transfer, matrix = photo.space.cicp
    picture = imagecodecs.avif_encode(
        photo.levels(AVIF_BITS), photo.settings.quality or AVIF_QUALITY, speed=AVIF_SPEED, bitspersample=AVIF_BITS,
        pixelformat="yuv444", primaries=primaries, transfer=transfer, matrix=matrix,
    )  # fmt: skip
    path.write_bytes(_with_items(bytes(picture), photo))


def jxl_distance(quality: int) -> float:
    """The distance that libjxl takes for a JPEG's quality of 1 to 100 (JxlEncoderDistanceFromQuality).

    100 is the least that line gives, 0.1, and not libjxl's 0, which stands for no loss and so for another kind of file.
    """
    if quality >= 30:
        return 0.1 + (100 - quality) * 0.09
    return 53 / 3000 * quality**2 - 23 / 20 * quality + 25


def _with_items(avif: bytes, photo: Photo) -> bytes:
    """An AVIF of one picture with EXIF and XMP as items that describe it, and its ICC profile (ISO/IEC 23008-12).

    Raises:
        ValueError: the encoder arranges its file in another way.
    """
    boxes = dict(_boxes(avif))
    if list(boxes) != [b"ftyp", b"meta", b"mdat"]:
        raise ValueError(f"an AVIF of the boxes {list(boxes)}")
    meta = dict(_boxes(boxes[b"meta"][4:]))
    exif, xmp = bytes(4) + photo.exif(), photo.xmp()
    picture = boxes[b"mdat"]
    properties = dict(_boxes(meta[b"iprp"]))
    colour = _box(b"colr", b"prof" + photo.profile())
    index = len(list(_boxes(properties[b"ipco"]))) + 1
    meta[b"iprp"] = _box(b"ipco", properties[b"ipco"] + colour) + _box(b"ipma", _associated(properties[b"ipma"], index))
    meta[b"iinf"] = b"".join(
        (struct.pack(">IH", 0, 3), meta[b"iinf"][6:], _item(EXIF_ITEM, b"Exif"), _item(XMP_ITEM, b"mime"))
    )
    meta[b"iref"] = bytes(4) + b"".join(
        _box(b"cdsc", struct.pack(">HHH", item, 1, PICTURE)) for item in (EXIF_ITEM, XMP_ITEM)
    )
    sizes = (len(picture), len(exif), len(xmp))
    meta[b"iloc"] = _places(0, sizes)
    start = len(_box(b"ftyp", boxes[b"ftyp"])) + len(_box(b"meta", bytes(4) + _joined(meta))) + 8
    meta[b"iloc"] = _places(start, sizes)
    whole = {b"ftyp": boxes[b"ftyp"], b"meta": bytes(4) + _joined(meta), b"mdat": picture + exif + xmp}
    return _joined(whole)


def _places(start: int, sizes: tuple[int, ...]) -> bytes:
    """iloc: the items' data one behind the other, from `start` in the file."""
    offsets = [start + sum(sizes[:index]) for index in range(len(sizes))]
    places = zip(offsets, sizes, strict=True)
    rows = (struct.pack(">HHHII", PICTURE + index, 0, 1, *place) for index, place in enumerate(places))
    return struct.pack(">IHH", 0, 0x4400, len(sizes)) + b"".join(rows)


def _item(number: int, kind: bytes) -> bytes:
    """infe, version 2; XMP is a MIME type."""
    mime = b"application/rdf+xml\x00" if kind == b"mime" else b""
    return _box(b"infe", struct.pack(">IHH4sx", 2 << 24, number, 0, kind) + mime)


def _associated(ipma: bytes, index: int) -> bytes:
    """ipma of one item with one more property."""
    head, count, indices = ipma[:10], ipma[10], ipma[11:]
    return head + bytes([count + 1]) + indices + bytes([index])


def _boxes(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    place = 0
    while place < len(content):
        size, kind = struct.unpack_from(">I4s", content, place)
        yield kind, content[place + 8 : place + size]
        place += size


def _box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(content), kind) + content


def _joined(boxes: dict[bytes, bytes]) -> bytes:
    return b"".join(_box(kind, content) for kind, content in boxes.items())
