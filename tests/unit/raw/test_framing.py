"""What the camera shows of its sensor: crops, pixels that are not square, orientation."""

from pathlib import Path

import numpy as np
import pytest

from darkdiff_cli.cfa import Cfa
from darkdiff_cli.raw import ExposureSettings, RawFrame, corrected, develop, finish, read_exposure, read_raw
from darkdiff_cli.raw.black_level import BlackLevel
from darkdiff_cli.raw.framing import Window, decoder_crop
from darkdiff_cli.raw.libraw_rendering import render_reference
from darkdiff_cli.raw.resizing import with_square_pixels
from darkdiff_cli.synthesis import Sensor, write_dng

OFF = {"line_noise": "off", "hot_pixels": "off"}


@pytest.fixture
def written(sensor: Sensor, capture, tmp_path: Path):
    """written(*tags): a raw file of 80x112 random values with these tags."""
    dn = np.random.default_rng(0).integers(600, 9000, (80, 112)).astype(np.uint16)

    def write(*more, orientation: int = 1) -> tuple[np.ndarray, RawFrame]:
        path = tmp_path / "crop.dng"
        write_dng(path, dn, sensor, capture, orientation, more)
        return dn, read_raw(path)

    return write


def crop_tags(left: int, top: int, width: int, height: int) -> tuple[tuple, tuple]:
    return (50719, "I", 2, (left, top), True), (50720, "I", 2, (width, height), True)


@pytest.mark.parametrize(
    ("tags", "rows", "columns"),
    [
        (crop_tags(8, 4, 90, 70), (4, 74), (8, 98)),
        (crop_tags(7, 3, 91, 71), (3, 74), (7, 98)),
        (((50829, "I", 4, (2, 4, 78, 110), True), *crop_tags(8, 4, 90, 60)), (6, 66), (12, 102)),
        (((50829, "I", 4, (3, 5, 79, 111), True), *crop_tags(8, 4, 90, 60)), (7, 67), (13, 103)),
        (((51125, "2I", 4, (1, 4, 0, 1, 3, 4, 1, 1), True),), (20, 60), (0, 112)),  # DefaultUserCrop
        ((*crop_tags(0, 0, 112, 40), (51125, "2I", 4, (0, 1, 1, 2, 1, 1, 1, 1), True)), (0, 40), (56, 112)),
    ],
)
def test_the_cameras_framing_of_a_dng(written, tags, rows, columns) -> None:
    dn, frame = written(*tags)
    shown = corrected(frame, ExposureSettings(**OFF))
    assert shown.mosaic_dn.tolist() == dn[slice(*rows), slice(*columns)].tolist()
    area = next((tag[3] for tag in tags if tag[0] == 50829), (0, 0))
    assert shown.cfa == Cfa.bayer("RGGB").seen_from(rows[0] - area[0], columns[0] - area[1])
    assert corrected(frame, ExposureSettings(crop="sensor", **OFF)).mosaic_dn.shape == frame.mosaic_dn.shape


@pytest.mark.parametrize(
    "tags",
    [
        (),
        crop_tags(0, 0, 112, 80),
        crop_tags(0, 0, 500, 500),
        crop_tags(100, 70, 90, 60),
        crop_tags(0, 0, 0, 0),
        ((50719, "2I", 2, (0, 0, 0, 0), True), (50720, "2I", 2, (90, 0, 60, 0), True)),
        ((51125, "2I", 4, (3, 4, 0, 1, 1, 4, 1, 1), True),),
    ],
)
def test_a_crop_of_everything_or_of_nothing_leaves_the_frame(written, tags) -> None:
    dn, frame = written(*tags)
    assert corrected(frame, ExposureSettings(**OFF)).mosaic_dn.tolist() == dn.tolist()


@pytest.mark.parametrize(
    ("crop", "shown"),
    [
        (Window(10, 20, 100, 150), Window(4, 8, 100, 150)),
        (Window(6, 12, 110, 160), None),  # all of it
        (Window(0, 0, 110, 160), Window(0, 0, 104, 148)),  # begins in the masked border
        (Window(0, 0, 0, 0), None),
        (Window(10, 20, 50, 150), None),  # of another mode of the camera
    ],
)
def test_crops_that_libraw_knows(crop: Window, shown: Window | None) -> None:
    assert decoder_crop(Window(6, 12, 110, 160), crop) == shown


def test_the_camera_frame_is_cut_after_all_corrections(shared: Path) -> None:
    path = shared / "raws" / "field" / "defcrop.dng"
    shown, whole = (read_exposure(path, ExposureSettings(ratio=90.0, crop=crop)).frame for crop in ("camera", "sensor"))
    assert (shown.mosaic_dn.shape, whole.mosaic_dn.shape) == ((384, 256), (512, 512))
    assert shown.mosaic_dn.tolist() == whole.mosaic_dn[64:448, 128:384].tolist()


def test_pixels_that_are_not_square(shared: Path) -> None:
    frame = read_exposure(shared / "raws" / "field" / "aspect.dng", ExposureSettings(ratio=90.0)).frame
    assert frame.pixel_aspect == 2.0
    narrow = np.clip(develop(frame, 90.0).pixels, 0, 1)
    assert narrow.shape == (256, 128, 3)
    picture = finish(narrow, frame, 90.0, "file").srgb_01
    assert picture.shape == (256, 256, 3) == render_reference(frame).shape
    assert picture.reshape(256, 128, 2, 3).mean(axis=2) == pytest.approx(narrow, abs=0.3)


@pytest.mark.parametrize(("aspect", "shape"), [(2.0, (6, 16, 3)), (0.5, (12, 8, 3)), (1.001, (6, 8, 3))])
def test_the_longer_side_of_a_pixel_is_filled_up(aspect: float, shape: tuple[int, int, int]) -> None:
    ramp = np.linspace(0.2, 0.8, 8, dtype=np.float32)[None, :, None] * np.ones((6, 1, 3), np.float32)
    stretched = with_square_pixels(ramp, aspect)
    assert stretched.shape == shape
    assert (stretched.min(), stretched.max()) == pytest.approx((0.2, 0.8), abs=0.03)
    assert (np.diff(stretched[:, :, 0], axis=1) > -0.01).all()
    assert np.abs(np.diff(stretched[:, :, 0], axis=0)).max() < 1e-6


@pytest.mark.parametrize("orientation", [0, 9, 65_535])
def test_an_orientation_that_exif_does_not_know_turns_nothing(written, orientation: int) -> None:
    _, frame = written(orientation=orientation)
    assert frame.orientation == 1


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_is_read(written, orientation: int) -> None:
    _, frame = written(orientation=orientation)
    assert frame.orientation == orientation


def test_mirrored_field_raws(shared: Path) -> None:
    assert [read_raw(shared / "raws" / "field" / f"ori{n}.dng").orientation for n in (2, 5)] == [2, 5]


def test_a_window_forgets_the_crop_of_the_whole() -> None:
    whole = RawFrame(
        np.zeros((40, 40)), Cfa.bayer("RGGB"), BlackLevel.uniform(0.0), 1.0, (1.0,) * 3, camera_crop=(2, 2, 20, 20)
    )
    assert whole.window(4, 4, 10, 10).camera_crop is None
