"""The smallest raws of every kind that the project's own writers and tests make: what the fuzzer damages."""

import io
import struct
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from PIL import Image

from darkdiff_cli.capture import CaptureMetadata
from darkdiff_cli.cfa import Cfa
from darkdiff_cli.photo import PhotoSettings, Provenance, write_photo
from darkdiff_cli.synthesis import Sensor, write_dng
from tests.unit.raw.lossy_dng import write_lossy_dng
from tests.unit.raw.opcodes.test_corrections import area, gain_map, line_values, opcode, opcodes
from tests.unit.raw.test_float_dng import write_float_dng
from tests.unit.raw.test_xtrans import QUAD, XTRANS

HEIGHT, WIDTH = 48, 64
CAPTURE = CaptureMetadata(
    make="Sony", model="ILCE-7SM2", lens="FE 55mm F1.8 ZA", exposure_time=1 / 30, aperture=1.8, iso=3200,
    focal_length=55.0, date="2024:01:02 03:04:05",
)  # fmt: skip
SENSOR = Sensor(camera_from_xyz=np.diag([0.6, 1.0, 0.8]), white_balance=(2.1, 1.0, 1.8))
FILTER = ((33421, "H", 2, (2, 2), True), (33422, "B", 4, bytes((0, 1, 1, 2)), True))
DNG = (
    (50706, "B", 4, bytes((1, 4, 0, 0)), True),
    (50708, "s", 0, "darkdiff test", True),
    (50728, "2I", 3, (1, 2, 1, 1, 1, 2), True),
)
JPEG, PUT_IN_LATER = 7, 8  # Compression, and one under which tifffile writes a segment as it is


def mosaic(shape: tuple[int, ...] = (HEIGHT, WIDTH)) -> np.ndarray:
    """A dark picture in DN, black 512: a gradient with a bright square and noise."""
    rng = np.random.default_rng(5)
    dn = 512 + np.linspace(0, 400, shape[1])[None, :] + rng.normal(0, 12, shape[:2])
    dn[10:16, 20:30] += 9000
    return np.broadcast_to(dn[..., None] if len(shape) == 3 else dn, shape).astype(np.uint16)


def write_raws(folder: Path) -> tuple[Path, ...]:
    """Write one raw of each kind into a folder; the same bytes every time."""
    corrections = opcodes(
        gain_map(area(bottom=HEIGHT, right=WIDTH), np.full((3, 4, 1), 1.5), (0.5, 1 / 3)),
        opcode(5, struct.pack(">9I", 1, 1, 1, 3, 4, 10, 11, 12, 13)),
        opcode(3, struct.pack(">7d", 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7)),
        opcode(1, struct.pack(">I8d", 1, 1.02, -0.06, 0.01, 0.0, 0.002, -0.003, 0.5, 0.5)),
        opcode(2, struct.pack(">I6d", 1, 1.02, 0.06, 0.01, 0.0, 0.5, 0.5)),
        line_values(12, area(bottom=HEIGHT, right=WIDTH), [1.1] * HEIGHT),
        opcode(8, area(bottom=HEIGHT, right=WIDTH) + struct.pack(">I2d", 1, 0.0, 0.75)),
    )
    _dng(folder / "bayer.dng")
    _dng(folder / "quad.dng", replace(SENSOR, cfa=QUAD))
    _dng(folder / "xtrans.dng", replace(SENSOR, cfa=XTRANS))
    _dng(folder / "mono.dng", replace(SENSOR, cfa=Cfa.monochrome()))
    write_dng(folder / "linear.dng", mosaic((HEIGHT, WIDTH, 3)), SENSOR, CAPTURE, orientation=6)
    lists: list[Any] = [(tag, 7, len(corrections), corrections, True) for tag in (51008, 51009, 51022)]
    _dng(folder / "opcodes.dng", more=lists)
    tags = (*FILTER, *DNG, *_levels())
    tifffile.imwrite(folder / "levels.dng", mosaic(), photometric=32803, metadata=None, extratags=tags)
    write_float_dng(folder / "float.dng", mosaic() / np.float32(16_383), (1, 32), 1)
    write_lossy_dng(folder / "lossy.dng")
    _compressed(folder / "tiles.dng")
    _raf(folder / "bayer.raf")
    picture = np.random.default_rng(2).uniform(0.1, 0.3, (HEIGHT, WIDTH, 3)).astype(np.float32)
    write_photo(folder / "ours.dng", picture, CAPTURE, Provenance({"ratio": 300.0}), PhotoSettings("dng", 16))
    return tuple(sorted(folder.iterdir()))


def _dng(path: Path, sensor: Sensor = SENSOR, more: Sequence[Any] = ()) -> None:
    write_dng(path, mosaic(), sensor, CAPTURE, more=more)


def _levels() -> list[Any]:
    """Black levels of 4x4 photosites with deltas, an active area, masked photosites, and a crop."""
    deltas = tuple(n for value in range(HEIGHT) for n in (value % 3, 1))
    return [
        (50713, "H", 2, (4, 4), True),
        (50714, "2I", 16, tuple(n for value in range(16) for n in (510 + value % 4, 1)), True),
        (50716, "2i", HEIGHT, deltas, True),
        (50829, "I", 4, (0, 8, HEIGHT, WIDTH), True),
        (50830, "I", 4, (0, 0, HEIGHT, 8), True),
        (50719, "I", 2, (2, 2), True),
        (50720, "I", 2, (WIDTH - 12, HEIGHT - 4), True),
        (50717, "H", 1, 16383, True),
    ]


def _compressed(path: Path) -> None:
    """A Bayer DNG of lossless JPEG in tiles, after a preview as the first picture."""
    import imagecodecs

    tags = [*FILTER, (50714, "H", 1, 512, True), (50717, "H", 1, 16383, True)]
    side, whole = 16, mosaic()
    places = [(top, left) for top in range(0, HEIGHT, side) for left in range(0, WIDTH, side)]
    tiles = [np.ascontiguousarray(whole[top : top + side, left : left + side]) for top, left in places]
    coded = [imagecodecs.ljpeg_encode(tile, bitspersample=16) for tile in tiles]
    preview = io.BytesIO()
    Image.fromarray(np.full((8, 8, 3), 90, np.uint8)).save(preview, "JPEG")
    with tifffile.TiffWriter(path, byteorder=">") as tiff:
        tiff.write(
            iter([preview.getvalue()]), shape=(8, 8, 3), dtype=np.uint8, photometric="ycbcr", compression=PUT_IN_LATER,
            rowsperstrip=8, subfiletype=1, subifds=1, metadata=None, extratags=DNG,
        )  # fmt: skip
        tiff.write(
            iter(coded), shape=whole.shape, dtype=np.uint16, photometric=32803, compression=PUT_IN_LATER,
            tile=(side, side), subfiletype=0, metadata=None, extratags=tags,
        )  # fmt: skip
    with tifffile.TiffFile(path, mode="r+") as file:
        for page in (file.pages.first, *(file.pages.first.pages or ())):
            page.tags[259].overwrite(JPEG)


def _raf(path: Path) -> None:
    """A raw of Fujifilm: a head with places, a JPEG, big-endian tags, and 16 bits a photosite."""
    preview = io.BytesIO()
    Image.fromarray(np.full((8, 8, 3), 90, np.uint8)).save(preview, "JPEG")
    jpeg = preview.getvalue()
    size = struct.pack(">2H", HEIGHT, WIDTH)
    tags = [(0x100, size), (0x110, bytes(4)), (0x111, size), (0x121, size), (0x130, struct.pack(">I", 0x80000))]
    tags.append((0x2FF0, struct.pack(">4H", 302, 695, 302, 513)))
    meta = struct.pack(">I", len(tags)) + b"".join(struct.pack(">2H", tag, len(data)) + data for tag, data in tags)
    data = mosaic().clip(max=4000).astype("<u2").tobytes()  # LibRaw takes this model for one of 12 bits
    head = b"FUJIFILMCCD-RAW 0201FF383501" + b"FinePix X100".ljust(32, b"\0") + b"0100" + bytes(20)
    at = len(head) + 24
    places = (at, len(jpeg), at + len(jpeg), len(meta), at + len(jpeg) + len(meta), len(data))
    path.write_bytes(head + struct.pack(">6I", *places) + jpeg + meta + data)
