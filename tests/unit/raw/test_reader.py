import os
from pathlib import Path

import numpy as np
import pytest

from darkdiff_cli.cfa import Cfa
from darkdiff_cli.colour import srgb_from_camera
from darkdiff_cli.commands.options import PictureOptions
from darkdiff_cli.errors import InputError, SettingsError, UnreadableError
from darkdiff_cli.raw import read_raw
from darkdiff_cli.raw.black_level import BlackLevel
from darkdiff_cli.synthesis import Sensor, write_dng

BROKEN = [
    "Nikon_D70s_truncated_1.nef",
    "exiftool_CanonRaw.cr2",
    "exiftool_CanonRaw.cr3",
    "exiftool_DNG.dng",
    "exiftool_FujiFilm.raf",
    "exiftool_Minolta.mrw",
    "exiftool_Nikon.nef",
    "exiftool_SigmaDP2.x3f",
    "exiv2_canon_r6_pruned.cr3",
    "exiv2_issue_839_poc.rw2",
    "serptools.dng",
]

RGGB = Cfa.bayer("RGGB")


def test_frame_carries_what_was_written(dark_dng: Path, sensor: Sensor, capture) -> None:
    frame = read_raw(dark_dng)
    assert frame.mosaic_dn.shape == (80, 112)
    assert str(frame.cfa) == "RGGB"
    assert frame.black_level == BlackLevel((512.0,) * 4, (2, 2))
    assert frame.white_level == 16383
    assert frame.white_balance == pytest.approx(sensor.white_balance, abs=1e-4)
    assert frame.srgb_from_camera == pytest.approx(srgb_from_camera(sensor.camera_from_xyz), abs=1e-3)
    assert frame.metadata.exposure_time == pytest.approx(1 / 30)
    assert (frame.metadata.make, frame.metadata.model, frame.metadata.iso) == ("Sony", "ILCE-7SM2", 3200)
    assert (frame.metadata.lens, frame.metadata.date) == (capture.lens, capture.date)


def test_mosaic_outlives_the_file(dark_dng: Path) -> None:
    frame = read_raw(dark_dng)
    assert frame.mosaic_dn.flags.owndata
    assert 500 < frame.mosaic_dn.mean() < 700


@pytest.mark.parametrize(("exif", "expected"), [(1, 1), (3, 3), (6, 6), (8, 8)])
def test_orientation_is_kept(exif: int, expected: int, dark_dng: Path, sensor: Sensor, capture, tmp_path: Path) -> None:
    write_dng(tmp_path / "turned.dng", read_raw(dark_dng).mosaic_dn, sensor, capture, orientation=exif)
    assert read_raw(tmp_path / "turned.dng").orientation == expected


def test_black_level_can_be_given(dark_dng: Path) -> None:
    assert read_raw(dark_dng, black=500).black_level == BlackLevel.uniform(500.0)


def test_black_above_white_is_refused(dark_dng: Path) -> None:
    with pytest.raises(InputError, match="--black"):
        read_raw(dark_dng, black=20_000)


def test_magic_lantern_borders_are_used(shared: Path) -> None:
    frame = read_raw(shared / "raws" / "ok" / "tinydng_colorchart.dng")
    assert all(2040 < level < 2056 for level in frame.black_level.values)  # the tag says 2056


@pytest.mark.parametrize("name", BROKEN)
def test_broken_file_is_one_sentence(shared: Path, name: str) -> None:
    with pytest.raises(InputError) as failure:
        read_raw(shared / "raws" / "broken" / name)
    message = str(failure.value)
    assert name in message
    assert "\n" not in message


def test_missing_data_is_found_whatever_the_memory_held(shared: Path) -> None:
    """LibRaw leaves the mosaic of this file as it got the memory: zeros in a fresh process, anything in an old one."""
    with pytest.raises(InputError, match="far too small"):
        read_raw(shared / "raws" / "broken" / "exiftool_DNG.dng")


def test_every_broken_file_is_listed(shared: Path) -> None:
    assert sorted(p.name for p in (shared / "raws" / "broken").iterdir()) == sorted(BROKEN)


@pytest.mark.parametrize("name", ["kodak_dc50.kdc", "minhtcai_test.dng"])
def test_odd_old_cameras_can_be_read(shared: Path, name: str) -> None:
    frame = read_raw(shared / "raws" / "ok" / name)
    assert frame.white_balance == (1.0, 1.0, 1.0)
    assert frame.srgb_from_camera is None


def test_missing_empty_text_and_folder(tmp_path: Path) -> None:
    (tmp_path / "empty.arw").touch()
    (tmp_path / "text.dng").write_text("this is no raw file, " * 100)
    for path, words in (
        (tmp_path / "missing.arw", "no such file"),
        (tmp_path / "empty.arw", "empty"),
        (tmp_path / "text.dng", "text.dng"),
        (tmp_path, "folder"),
    ):
        with pytest.raises(InputError, match=words):
            read_raw(path)


@pytest.mark.skipif(os.name == "nt", reason="links need a permission there")
def test_a_link_that_leads_to_nothing_is_said_to_be_one(tmp_path: Path) -> None:
    (tmp_path / "loop.dng").symlink_to("loop.dng")
    (tmp_path / "lost.dng").symlink_to("gone.dng")
    for name, words in (
        ("loop", "is a link that leads back to itself; give the file"),
        ("lost", "is a link that leads to no file; check where it leads"),
    ):
        path = tmp_path / f"{name}.dng"
        with pytest.raises(InputError, match=rf"{name}\.dng: {words}\.$"):
            read_raw(path)
        with pytest.raises(SettingsError, match=rf"--dark .*{name}\.dng: {words}\.$"):
            PictureOptions(dark=[path]).settings()


@pytest.mark.skipif(os.name == "nt", reason="its file systems have no holes")
def test_a_raw_that_is_followed_by_gigabytes_is_too_large(dark_dng: Path, tmp_path: Path) -> None:
    path = tmp_path / "long.dng"
    path.write_bytes(dark_dng.read_bytes())
    os.truncate(path, 3 << 30)  # a hole, which takes no place
    with pytest.raises(UnreadableError) as error:
        read_raw(path)
    limits = "3.2 GB, and no raw that LibRaw reads has more than 2.1"
    assert str(error.value) == f"{path}: is too large ({limits}); copy it again from the card."


def test_truncated_dng_is_noticed(dark_dng: Path, tmp_path: Path) -> None:
    short = tmp_path / "short.dng"
    short.write_bytes(dark_dng.read_bytes()[:6000])
    with pytest.raises(InputError, match=r"short\.dng"):
        read_raw(short)


def test_frame_of_one_value_is_noticed(sensor: Sensor, capture, tmp_path: Path) -> None:
    flat = tmp_path / "flat.dng"
    for value, cause in {
        0: "no light has reached it",
        512: "no light has reached it",
        513: "all of it is overexposed",
        16383: "all of it is overexposed",
    }.items():
        write_dng(flat, np.full((32, 32), value, dtype=np.uint16), sensor, capture)
        with pytest.raises(UnreadableError) as error:
            read_raw(flat)
        assert str(error.value) == (
            f"{flat}: has the value {value} at every photosite: {cause}, or its picture is lost; try a backup."
        )
