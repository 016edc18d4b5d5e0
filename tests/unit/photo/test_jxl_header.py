"""A JPEG XL looks as its picture does, with colour management and without."""

from pathlib import Path

import numpy as np
import pytest

from darkdiff_cli.capture import CaptureMetadata
from darkdiff_cli.colour import srgb_decode
from darkdiff_cli.photo import PhotoSettings, write_photo
from darkdiff_cli.photo.jxl_header import called_srgb
from darkdiff_cli.photo.provenance import Provenance

imagecodecs = pytest.importorskip("imagecodecs")
NOTE = Provenance({"model": "tiny", "seed": 7})
GREY = np.linspace(0.05, 0.95, 256, dtype=np.float32)[None, :, None].repeat(64, 0).repeat(3, 2)


def encoded(light: np.ndarray) -> bytes:
    return bytes(imagecodecs.jpegxl_encode(np.rint(light * 65535).astype(np.uint16), distance=0.5, usecontainer=False))


def decoded(file: bytes) -> np.ndarray:
    return imagecodecs.jpegxl_decode(file) / 65535


def test_the_same_light_is_given_under_srgbs_curve() -> None:
    file = encoded(srgb_decode(GREY))
    assert np.allclose(decoded(file), srgb_decode(GREY), atol=0.012)
    assert np.allclose(decoded(called_srgb(file)), GREY, atol=0.012)


# Sides up to 256 in steps of 8, others in four lengths, and widths that follow from the height.
@pytest.mark.parametrize(
    "size", [(8, 8), (64, 96), (256, 256), (30, 50), (700, 1001), (1200, 1800), (3, 9000), (9000, 3)]
)
def test_any_size_keeps_all_but_the_four_bits(size: tuple[int, int]) -> None:
    file = encoded(np.full((*size, 3), 0.2))
    changed = called_srgb(file)
    differing = [(a ^ b).bit_count() for a, b in zip(file, changed, strict=True)]
    assert sum(differing) == 3  # 8 - 2 = 0110, 13 - 2 = 1011
    assert imagecodecs.jpegxl_decode(changed).shape == (*size, 3)
    assert abs(decoded(changed).mean() - 0.4845) < 0.005


def test_a_photo_is_written_so(tmp_path: Path, capture: CaptureMetadata) -> None:
    write_photo(tmp_path / "a.jxl", GREY, capture, NOTE, PhotoSettings("jxl", 16))
    file = (tmp_path / "a.jxl").read_bytes()
    assert np.allclose(decoded(file), GREY, atol=0.012)
    with pytest.raises(ValueError, match="unknown header"):  # it is no linear one
        called_srgb(file[file.index(b"jxlc") + 4 :])


@pytest.mark.parametrize("file", [b"", b"\xff\x0a", bytes(64), b"\xff\x0a" + b"\xff" * 62])
def test_another_header_is_refused(file: bytes) -> None:
    with pytest.raises(ValueError, match="unknown header"):
        called_srgb(file)


def test_eight_bits_are_srgb_already() -> None:
    with pytest.raises(ValueError, match="unknown header"):
        called_srgb(bytes(imagecodecs.jpegxl_encode(np.zeros((8, 8, 3), np.uint8), distance=0.5)))
