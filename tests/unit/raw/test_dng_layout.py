"""A size that does not fit a DNG's data, and a second raw in it, have a note."""

from pathlib import Path

import numpy as np
import pytest
import tifffile

from darkdiff_cli.raw import read_raw
from darkdiff_cli.raw.dng_tags import CFA, read_dng_tags
from darkdiff_cli.synthesis import Sensor, write_dng

HEIGHT, WIDTH = 48, 64
FILTER = [(33421, "H", 2, (2, 2), True), (33422, "B", 4, bytes((0, 1, 1, 2)), True)]
LEVELS = [(50714, "H", 1, 512, True), (50717, "H", 1, 16383, True)]
DNG = [(50706, "B", 4, bytes((1, 4, 0, 0)), True), (50708, "s", 0, "X", True), (272, "s", 0, "X", True)]


def mosaic(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).integers(600, 9000, (height, width)).astype(np.uint16)


def notes_of(path: Path, word: str) -> list[str]:
    return [note for note in read_raw(path).notes if word in note]


def claiming(path: Path, width: int, height: int) -> Path:
    with tifffile.TiffFile(path, mode="r+b") as tiff:
        for code, value in ((256, width), (257, height), (278, height)):
            if code in tiff.pages.first.tags:
                tiff.pages.first.tags[code].overwrite(value)
    return path


@pytest.mark.parametrize(("width", "height"), [(WIDTH - 1, HEIGHT), (WIDTH - 2, HEIGHT), (WIDTH, HEIGHT - 1)])
def test_a_size_that_does_not_fit_the_data_is_said(width, height, sensor: Sensor, capture, tmp_path: Path) -> None:
    path = tmp_path / "sheared.dng"
    write_dng(path, mosaic(HEIGHT, WIDTH), sensor, capture)
    assert notes_of(path, "size") == []
    assert notes_of(claiming(path, width, height), "size") == [
        f"its size ({width}x{height}, which makes {2 * width * height:,} bytes) does not fit its data (6,144 bytes), "
        "so that the picture may be sheared or cut off: copy it again from the card"
    ]


@pytest.mark.parametrize(("filled", "said"), [(HEIGHT - 1, 0), (HEIGHT, 1)])
def test_less_than_a_byte_a_row_more_may_fill_up_a_strip(
    filled: int, said: int, sensor: Sensor, capture, tmp_path: Path
) -> None:
    path = tmp_path / "filled.dng"
    write_dng(path, mosaic(HEIGHT, WIDTH), sensor, capture)
    with tifffile.TiffFile(path, mode="r+b") as tiff:
        tiff.pages.first.tags[279].overwrite(2 * HEIGHT * WIDTH + filled)
    assert len(notes_of(path, "does not fit its data")) == said


def two_raws(path: Path, *sizes: tuple[int, int]) -> Path:
    with tifffile.TiffWriter(path) as tiff:
        for number, size in enumerate(sizes):
            tags = [*FILTER, *LEVELS, *(DNG if number == 0 else [])]
            tiff.write(mosaic(*size), photometric=CFA, metadata=None, extratags=tags)
    return path


def test_a_larger_raw_beside_the_first_is_said(tmp_path: Path) -> None:
    path = two_raws(tmp_path / "two.dng", (40, 50), (HEIGHT, WIDTH))
    assert read_raw(path).mosaic_dn.shape == (40, 50)
    assert notes_of(path, "raw") == [
        "another, larger raw (64x48) is in it, and the one of 50x40 is taken: look whether that is the photo"
    ]
    for sizes in (((HEIGHT, WIDTH), (40, 50)), ((HEIGHT, WIDTH), (HEIGHT, WIDTH))):
        assert notes_of(two_raws(path, *sizes), "raw") == []


@pytest.mark.parametrize("where", ["itself", "pixels", "name", "beyond the end"])
def test_a_broken_chain_of_directories_costs_no_tag(where: str, sensor: Sensor, capture, tmp_path: Path) -> None:
    path = tmp_path / "chain.dng"
    write_dng(path, mosaic(HEIGHT, WIDTH), sensor, capture)
    whole = read_dng_tags(path)
    content = bytearray(path.read_bytes())
    first = int.from_bytes(content[4:8], "little")
    end = first + 2 + 12 * int.from_bytes(content[first : first + 2], "little")
    after = {"itself": first, "pixels": len(content) - 300, "name": 9, "beyond the end": 1 << 30}[where]
    content[end : end + 4] = after.to_bytes(4, "little")
    path.write_bytes(content)
    broken = read_dng_tags(path)
    assert whole is not None
    assert broken is not None
    assert broken.values == whole.values
    assert set(broken.raws) == set(whole.raws) == {(HEIGHT, WIDTH)}


def test_a_second_directory_that_is_damaged_costs_no_tag(tmp_path: Path) -> None:
    path = two_raws(tmp_path / "two.dng", (HEIGHT, WIDTH), (40, 50))
    whole = read_dng_tags(path)
    with tifffile.TiffFile(path) as tiff:
        entry = tiff.pages[1].tags[262].offset
    content = bytearray(path.read_bytes())
    content[entry + 2 : entry + 12] = bytes((2, 0, 3, 0, 0, 0)) + b"ab\0\0"  # a text for PhotometricInterpretation
    path.write_bytes(content)
    damaged = read_dng_tags(path)
    assert whole is not None
    assert damaged is not None
    assert damaged.values == whole.values
    assert damaged.raws == ((HEIGHT, WIDTH),)
