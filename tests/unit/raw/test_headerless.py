"""A file of noise becomes no photo, and a dump without a header is doubted."""

from pathlib import Path

import numpy as np
import pytest

from darkdiff_cli.errors import InputError
from darkdiff_cli.raw import read_raw
from darkdiff_cli.raw.headerless import NOTE

STV680, F_080C, IMX135 = 311_696, 786_432, 16_424_960  # bytes; 8 bits, 8 bits, packed 10 bits a photosite


@pytest.mark.parametrize("size", [STV680, F_080C, IMX135])
def test_noise_of_a_size_that_libraw_knows_is_refused(size: int, tmp_path: Path) -> None:
    (tmp_path / "noise.raw").write_bytes(np.random.default_rng(0).bytes(size))
    with pytest.raises(InputError, match=r"noise\.raw: holds nothing but noise"):
        read_raw(tmp_path / "noise.raw")


def test_a_dump_with_a_picture_is_doubted(tmp_path: Path) -> None:
    y, x = np.mgrid[0:768, 0:1024]
    light = 90 + 60 * np.sin(x / 40) * np.cos(y / 30) + np.random.default_rng(0).normal(0, 5, x.shape)
    (tmp_path / "dump.raw").write_bytes(light.clip(0, 255).astype(np.uint8).tobytes())
    assert NOTE in read_raw(tmp_path / "dump.raw").notes


def test_raws_with_a_header_are_not_doubted(shared: Path, dark_dng: Path) -> None:
    for path in (dark_dng, shared / "raws" / "ok" / "kodak_dc50.kdc", shared / "raws" / "ok" / "minhtcai_test.dng"):
        assert NOTE not in read_raw(path).notes
    assert NOTE in read_raw(shared / "raws" / "ok" / "kodak_c330_yrgb.raw").notes  # a raw, but nothing in it says so
