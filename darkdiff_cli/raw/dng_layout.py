"""A DNG whose raw pictures are not laid out as it says: a size that does not fit the data, or two raws of two sizes."""

from collections.abc import Iterator

from darkdiff_cli.raw.dng_tags import COMPRESSION, LENGTH, WIDTH, DngTags

BITS, SAMPLES, STRIP_SIZES, TILE_WIDTH = 258, 277, 279, 322  # TIFF tags
UNCOMPRESSED = 1


def layout_doubts(dng: DngTags, decoded: tuple[int, int]) -> Iterator[str]:
    """Notes on what is probably not the picture that was taken.

    Args:
        dng: the tags of the largest raw of the file.
        decoded: (H, W) of the whole sensor as LibRaw has decoded it.
    """
    high, wide = max(dng.raws, key=lambda size: size[0] * size[1], default=(0, 0))
    if high * wide > decoded[0] * decoded[1]:
        yield (
            f"another, larger raw ({wide}x{high}) is in it, and the one of {decoded[1]}x{decoded[0]} is taken: "
            "look whether that is the photo"
        )
    wide, high = (dng.integers(code, (0,))[0] for code in (WIDTH, LENGTH))
    if dng.integers(COMPRESSION) != (UNCOMPRESSED,) or TILE_WIDTH in dng.values or STRIP_SIZES not in dng.values:
        return
    row = -(-wide * dng.integers(SAMPLES, (1,))[0] * dng.integers(BITS, (0,))[0] // 8)  # bytes
    there = sum(dng.integers(STRIP_SIZES))
    if row > 0 and there > 0 and not 0 <= there - row * high < high:  # less than a byte a row more fills up a sector
        yield (
            f"its size ({wide}x{high}, which makes {row * high:,} bytes) does not fit its data ({there:,} bytes), so "
            "that the picture may be sheared or cut off: copy it again from the card"
        )
