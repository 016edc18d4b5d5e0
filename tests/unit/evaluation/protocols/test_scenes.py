"""Folders of pictures of the truth with dark raws beside them."""

import os
import struct
import zlib
from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pytest

from darkdiff_cli.errors import InputError
from darkdiff_cli.evaluation.protocols.protocol import get_protocol
from darkdiff_cli.evaluation.protocols.scenes import left_out, scene_pairs, truth_pairs
from darkdiff_cli.evaluation.quality.files import read_truth


def test_a_raw_has_the_truth_of_the_longest_name(tmp_path: Path) -> None:
    names = ("a_truth.png", "a_b_truth.tif", "a_x1.dng", "a_x2.5.ARW", "a_xt_x16.raf", "a_b_c_x4.dng", "ab_x4.dng",
             "a.dng", "a_x4.K", "c_truth.png", "sub/a_x8.dng")  # fmt: skip
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    for protocol in ("full-scenes", "full-scenes-halved"):
        found = get_protocol(protocol).find(tmp_path)
        assert {pair.scene: (pair.clean.name, pair.ratio) for pair in found} == {
            "a_x1": ("a_truth.png", 1.0),
            "a_x2.5": ("a_truth.png", 2.5),
            "a_xt_x16": ("a_truth.png", 16.0),
            "a_b_c_x4": ("a_b_truth.tif", 4.0),
        }
    with pytest.raises(InputError, match=r"holds no NAME_truth.png with NAME_xN\.\* beside it"):
        get_protocol("full-scenes").find(tmp_path / "sub")
    with pytest.raises(InputError, match="no such folder"):
        get_protocol("full-scenes").find(tmp_path / "nowhere")


def touched(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


def test_raws_that_are_in_no_pair_are_said(tmp_path: Path) -> None:
    names = ("s_clean.dng", "s_x100.dng", "t_x100.dng", "sub/u_clean.dng", "s_x1.2.3.dng", "s_x0.dng", "s.jpg")
    scenes = touched(tmp_path / "a", *names)
    pairs = scene_pairs(scenes)
    assert [(pair.noisy.name, pair.ratio) for pair in pairs] == [("s_x100.dng", 100.0)]
    assert left_out(scenes, pairs) == [
        f"{scenes}: 4 raws are in no pair and are left out: s_x0.dng, s_x1.2.3.dng, sub/u_clean.dng, t_x100.dng."
    ]
    for name in ("t_x100.dng", "sub/u_clean.dng", "s_x1.2.3.dng"):
        (scenes / name).unlink()
    assert left_out(scenes, pairs) == [f"{scenes}: 1 raw is in no pair and is left out: s_x0.dng."]
    (scenes / "s_x0.dng").unlink()
    assert left_out(scenes, pairs) == []


def test_twins_are_raws_and_those_without_one_are_said(tmp_path: Path) -> None:
    folder = touched(tmp_path, *(f"noisy/{n}.dng" for n in range(8)), "noisy/0.xmp", "clean/0.arw", "clean/0.jpg")
    pairs = scene_pairs(folder)
    assert [(pair.noisy.name, pair.clean.name) for pair in pairs] == [("0.dng", "0.arw")]
    some = ", ".join(f"noisy/{number}.dng" for number in range(1, 6))
    assert left_out(folder, pairs) == [f"{folder}: 7 raws are in no pair and are left out: {some} and 2 more."]


def test_clean_raws_beside_pictures_of_the_truth_are_nobodys(tmp_path: Path) -> None:
    folder = touched(tmp_path, "a_truth.png", "a_x4.dng", "a_clean.dng", "b_x4.dng")
    assert left_out(folder, truth_pairs(folder)) == [f"{folder}: 1 raw is in no pair and is left out: b_x4.dng."]


@pytest.mark.parametrize(("name", "dtype"), [("a.png", np.uint8), ("a.tif", np.uint8), ("a.tif", np.uint16)])
def test_truths_of_8_and_16_bits_are_read_in_full(name: str, dtype: type, tmp_path: Path) -> None:
    top = np.iinfo(dtype).max
    levels = np.linspace(0, top, 5 * 7 * 3).reshape(5, 7, 3).astype(dtype)
    iio.imwrite(tmp_path / name, levels)
    assert read_truth(tmp_path / name) == pytest.approx(levels / top, abs=1e-7)


def test_what_is_no_truth_is_one_sentence(tmp_path: Path) -> None:
    iio.imwrite(tmp_path / "grey.png", np.zeros((5, 7), np.uint8))
    iio.imwrite(tmp_path / "float.tif", np.zeros((5, 7, 3), np.float32))
    (tmp_path / "none.png").write_bytes(b"nothing")
    for name, words in (
        ("grey.png", "no colour picture of 8 or 16 bits"),
        ("float.tif", "no colour picture of 8 or 16 bits"),
        ("none.png", "cannot be decoded as a picture"),
        ("missing.png", "cannot be decoded as a picture"),
    ):
        with pytest.raises(InputError, match=words):
            read_truth(tmp_path / name)


def test_a_png_of_16_bits_is_refused_since_pillow_cuts_it_to_8(tmp_path: Path) -> None:
    """Written here chunk by chunk, as no library at hand writes one."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + bytes(7 * 6) for _ in range(5))
    header = struct.pack(">IIBBBBB", 7, 5, 16, 2, 0, 0, 0)
    parts = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    (tmp_path / "deep.png").write_bytes(b"\x89PNG\r\n\x1a\n" + parts)
    with pytest.raises(InputError, match="PNG of 16 bits, of which only 8 can be read; save it as TIFF"):
        read_truth(tmp_path / "deep.png")


@pytest.mark.skipif(os.name == "nt", reason="there are no named pipes in folders")
def test_a_pipe_in_the_place_of_a_truth_is_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a_truth.png")
    with pytest.raises(InputError, match=r"a_truth\.png: is "):
        read_truth(tmp_path / "a_truth.png")
