"""What cannot be decoded is named, with what to do."""

from pathlib import Path

import numpy as np
import pytest
import tifffile

from darkdiff_cli.errors import InputError
from darkdiff_cli.raw import read_raw
from darkdiff_cli.raw.unsupported import COMPRESSIONS, why_not_decoded
from darkdiff_cli.synthesis import Sensor, write_dng


@pytest.fixture
def compressed(sensor: Sensor, capture, tmp_path: Path):
    """compressed(code): a raw file that claims this compression."""

    def write(code: int) -> Path:
        path = tmp_path / f"{code}.dng"
        write_dng(path, np.random.default_rng(0).integers(600, 9000, (64, 64)).astype(np.uint16), sensor, capture)
        with tifffile.TiffFile(path, mode="r+b") as tiff:
            tiff.pages.first.tags[259].overwrite(code)
        return path

    return write


@pytest.mark.parametrize(
    ("code", "name", "remedy"),
    [
        (34713, "high-efficiency", "lossless compressed"),
        (52546, "JPEG XL", "without JPEG XL"),
        (9, "VC-5", "Adobe DNG Converter"),
        (50002, "JPEG XL", "without JPEG XL"),
    ],
)
def test_compressions_are_named(compressed, code: int, name: str, remedy: str) -> None:
    with pytest.raises(InputError, match=f"{name}.*{remedy}") as failure:
        read_raw(compressed(code))
    assert "\n" not in str(failure.value)


@pytest.mark.parametrize("code", COMPRESSIONS)
def test_every_compression_has_a_sentence(compressed, code: int) -> None:
    sentence = why_not_decoded(compressed(code), unsupported=True)
    assert sentence is not None
    assert sentence.startswith("is ")
    assert "cannot be decoded; " in sentence


@pytest.mark.parametrize(
    ("start", "words"),
    [
        (b"FOVb\x00\x00\x02\x00", "Foveon X3F"),
        (b"\xff\xd8\xff\xe1", "JPEG picture and no raw"),
        (b"\x89PNG\r\n", "PNG picture and no raw"),
        (b"\x00\x00\x00\x18ftypheix", "HEIF picture .*HDR PQ"),
        (b"\x00\x00\x00\x18ftypcrx ", "CR3 of an unusual mode"),
        (b"\x00\x00\x01\x00RED2", "not a raw file"),
    ],
)
def test_files_are_named_by_their_first_bytes(start: bytes, words: str, tmp_path: Path) -> None:
    path = tmp_path / "some.arw"
    path.write_bytes(start + b"\0" * 20_000)
    with pytest.raises(InputError, match=words):
        read_raw(path)


def test_a_damaged_file_is_not_called_unsupported(compressed, shared: Path) -> None:
    assert why_not_decoded(compressed(34713), unsupported=False) is None
    assert why_not_decoded(shared / "raws" / "broken" / "exiftool_CanonRaw.cr3", unsupported=False) is None
    assert why_not_decoded(shared / "raws" / "broken" / "exiftool_SigmaDP2.x3f", unsupported=False) is not None


@pytest.mark.parametrize(("name", "words"), [("jxl.dng", "JPEG XL"), ("nefhe.dng", "high-efficiency")])
def test_field_raws_that_libraw_cannot_decode(shared: Path, name: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        read_raw(shared / "raws" / "field" / name)
