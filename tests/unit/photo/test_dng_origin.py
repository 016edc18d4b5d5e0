"""Which raw and which camera a DNG of a photo says that it comes from."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tifffile

from darkdiff_cli.capture import CaptureMetadata
from darkdiff_cli.photo import PhotoSettings, Provenance, write_photo
from darkdiff_cli.raw import RawFrame, read_raw
from darkdiff_cli.raw.dng_tags import read_dng_tags
from darkdiff_cli.raw.white_balance import camera_colours
from darkdiff_cli.synthesis import Sensor
from darkdiff_cli.synthesis import write_dng as write_raw

NAME, BYTE, ASCII = 50827, 1, 2  # OriginalRawFileName, and the two types that it may have
WHOLE, MODEL = 50828, 50708  # OriginalRawFileData, UniqueCameraModel


@pytest.fixture
def raw(sensor: Sensor, capture: CaptureMetadata, tmp_path: Path):
    """raw(name, tags): a small DNG of that name with further tags."""

    def write(name: str, tags: tuple = ()) -> Path:
        mosaic = np.random.default_rng(0).integers(600, 3000, (64, 64)).astype(np.uint16)
        write_raw(tmp_path / name, mosaic, sensor, capture, more=tags)
        return tmp_path / name

    return write


def of(path: Path, frame: RawFrame) -> Path:
    """The DNG of a photo of this frame."""
    picture, settings = np.full((32, 32, 3), 0.5, np.float32), PhotoSettings("dng", 16)
    write_photo(path, picture, frame.metadata, Provenance({"seed": 7}), settings, camera_colours(frame))
    return path


def tag(path: Path, code: int) -> tuple[int, object] | None:
    """Its TIFF type and value."""
    with tifffile.TiffFile(path) as tiff:
        found = tiff.pages.first.tags.get(code)
        return None if found is None else (int(found.dtype), found.value)


@pytest.mark.parametrize(
    ("name", "stored"),
    [("IMG 1.dng", (ASCII, "IMG 1.dng")), ("Brücke.dng", (BYTE, "Brücke.dng\x00".encode()))],
)
def test_it_names_the_raw(name: str, stored: tuple, raw, tmp_path: Path) -> None:
    assert tag(of(tmp_path / "a", read_raw(raw(name))), NAME) == stored


def test_a_name_that_is_no_utf8_is_no_failure(raw, tmp_path: Path) -> None:
    path = Path(os.fsdecode(b"%s/n\xe4cht.dng" % os.fsencode(tmp_path)))
    raw("IMG.dng").rename(path)
    assert tag(of(tmp_path / "a", read_raw(path)), NAME) == (BYTE, b"n?cht.dng\x00")


@pytest.mark.parametrize(
    ("own", "stored"),
    [
        ((NAME, "s", 0, "DSC_1.NEF", True), (ASCII, "DSC_1.NEF")),
        ((NAME, "B", 10, "Fluß.NEF\x00".encode(), True), (BYTE, "Fluß.NEF\x00".encode())),
    ],
)
def test_the_raw_that_a_dng_was_made_of_stays(own: tuple, stored: tuple, raw, tmp_path: Path) -> None:
    first = of(tmp_path / "first.dng", read_raw(raw("IMG.dng", (own,))))
    assert tag(first, NAME) == stored
    assert tag(of(tmp_path / "again", read_raw(first)), NAME) == stored  # and of our own DNG


def test_a_raw_inside_a_dng_is_not_held_in_memory(raw) -> None:
    tags = read_dng_tags(raw("IMG.dng", ((NAME, "s", 0, "DSC_1.NEF", True), (WHOLE, "B", 5000, bytes(5000), True))))
    assert (NAME in tags.values, WHOLE in tags.values) == (True, False)


@pytest.mark.parametrize("known", [True, False])
def test_the_name_that_a_dng_gives_its_camera_stays(known: bool, raw, tmp_path: Path) -> None:
    """Whether or not the colours of the DNG can be used."""
    frame = read_raw(raw("IMG.dng"))
    frame = frame if known else replace(frame, srgb_from_camera=None)
    assert tag(of(tmp_path / "a", frame), MODEL) == (ASCII, "ILCE-7SM2")  # its UniqueCameraModel; make: Sony
    assert tag(of(tmp_path / "b", replace(frame, dng=None)), MODEL) == (ASCII, "Sony ILCE-7SM2")


def test_a_photo_of_ours_is_no_raw(raw, tmp_path: Path) -> None:
    ours = raw("ours.dng")
    with tifffile.TiffFile(ours, mode="r+") as tiff:  # as ours of old
        tiff.pages.first.tags[305].overwrite("darkdiff 0.1.0")
    assert read_raw(ours).metadata.raw_name is None
    assert tag(of(tmp_path / "a", read_raw(ours)), NAME) is None
