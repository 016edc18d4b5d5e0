"""Linear DNGs of lossy JPEG, whose black level LibRaw does not take into account."""

import io
from itertools import product
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from darkdiff_cli.raw.dng_tags import BLACK_LEVEL, LENGTH, WHITE_LEVEL, WIDTH, DngTags, raw_page
from darkdiff_cli.raw.opcodes.kinds import LINEAR, ValueMap
from darkdiff_cli.raw.opcodes.limits import is_plausible
from darkdiff_cli.raw.opcodes.lists import OpcodeError, parse_opcodes
from darkdiff_cli.raw.tiff import open_tiff

MARGIN = 16  # pixels by which a JPEG may be larger than its tile: a block of halved colours
FULL = 65535.0  # what the brightest light becomes


def lossy_samples(path: Path, dng: DngTags, shape: tuple[int, ...]) -> NDArray[np.float32] | None:
    """Decode the raw picture of a linear DNG of lossy JPEG: black, white, then OpcodeList2 (DNG 1.4, chapter 5).

    Args:
        path: a DNG whose tags say that it `is_recoded`.
        dng: its tags.
        shape: (H, W, 3) that LibRaw has decoded; a damaged file may claim any other.

    Returns:
        Linear light of this shape, 0 at black and 65535 at white, LibRaw's scale; values below black are negative. None
        where the file is built in another way, so that LibRaw's own decoding has to do.
    """
    try:
        light = _tiles(path, shape)
        black, white = dng.numbers(BLACK_LEVEL), dng.numbers(WHITE_LEVEL)
        black, white = (black if black.size else np.zeros(1)), (white if white.size else np.full(1, 255.0))
        if not (white > black).all():
            return None
        light -= black.astype(np.float32)
        light /= (white - black).astype(np.float32)
        for opcode in parse_opcodes(dng.content(LINEAR)):
            if isinstance(opcode, ValueMap):
                planes = slice(opcode.area.plane, opcode.area.plane + opcode.area.planes)
                light[..., planes] = opcode.mapped(light[..., planes])
    except Exception:  # tifffile and Pillow raise errors of many kinds on damaged files
        return None
    light *= np.float32(FULL)
    return light if np.isfinite(light).all() else None


def has_whole_maps(dng: DngTags) -> bool:
    """Whether the OpcodeList2 of a DNG of lossy JPEG is whole, or there is none: LibRaw loops over a damaged one.

    A map of values that no lens and no sensor can need is damage too, since nothing can be decoded without it.
    """
    if LINEAR not in dng.values:
        return True
    try:
        opcodes = parse_opcodes(dng.content(LINEAR))
    except OpcodeError:
        return False
    shape = tuple(dng.integers(code, (0,))[0] for code in (LENGTH, WIDTH))
    return bool(opcodes) and all(is_plausible(opcode, shape) for opcode in opcodes if isinstance(opcode, ValueMap))


def _tiles(path: Path, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """(H, W, 3) the stored values, 0 to 255. Pillow decodes each tile, as LibRaw would, without a change of colours."""
    with open_tiff(path) as tiff:
        page = raw_page(tiff.pages.first)
        if page.shape != shape:
            raise ValueError(f"{page.shape} instead of {shape}")
        high, wide, _ = shape
        down, across = (page.tilelength, page.tilewidth) if page.is_tiled else (min(page.rowsperstrip, high), wide)
        stored = np.empty((high, wide, 3), dtype=np.float32)
        starts = product(range(0, high, down), range(0, wide, across))
        for (top, left), offset, size in zip(starts, page.dataoffsets, page.databytecounts, strict=True):
            tiff.filehandle.seek(offset)
            with Image.open(io.BytesIO(tiff.filehandle.read(size))) as tile:
                if tile.width * tile.height > (down + MARGIN) * (across + MARGIN):
                    raise ValueError(f"a tile of {tile.size}")
                part = stored[top : top + down, left : left + across]
                part[:] = np.asarray(tile)[: part.shape[0], : part.shape[1]]
    return stored
