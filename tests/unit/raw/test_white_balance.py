"""White balance: what the file says, what a light's colour gives, and what the picture shows."""

from dataclasses import replace
from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pytest
import tifffile

from darkdiff_cli.capture import CaptureMetadata
from darkdiff_cli.cfa import Cfa
from darkdiff_cli.colour import XYZ_FROM_SRGB, illuminant_xyz, srgb_from_camera
from darkdiff_cli.commands.options import PictureOptions
from darkdiff_cli.errors import InputError, SettingsError
from darkdiff_cli.raw import ExposureSettings, RawFrame, corrected, read_raw
from darkdiff_cli.raw.black_level import BlackLevel
from darkdiff_cli.raw.develop import develop
from darkdiff_cli.raw.dng_tags import DngTags
from darkdiff_cli.raw.white_balance import TYPICAL_DAYLIGHT, estimated_balance, light_balance, white_balanced
from darkdiff_cli.synthesis import Sensor, SensorNoise, expose, unprocess, write_dng
from darkdiff_cli.synthesis.unprocess import CAMERA_MATRICES

AS_SHOT_NEUTRAL, COLOR_MATRIX = 50728, 50721
OFF = {"line_noise": "off", "hot_pixels": "off"}


def xy(kelvin: float) -> np.ndarray:
    xyz = illuminant_xyz(kelvin)
    return xyz[:2] / xyz.sum()


def degrees(balance: tuple[float, ...], true: tuple[float, ...]) -> float:
    """Angle between the colours of two lights."""
    one, other = (1 / np.array(multipliers) for multipliers in (balance, true))
    return float(np.degrees(np.arccos(one @ other / np.linalg.norm(one) / np.linalg.norm(other))))


def shot(path: Path, photograph: np.ndarray, sensor: Sensor, without: tuple[int, ...] = (), ratio: float = 8.0) -> Path:
    """A raw of the photograph without some of its tags."""
    noise = SensorNoise(gain=0.5, shape=0.1, read_scale=0.5, row_scale=0.0)
    large = np.kron(photograph, np.ones((4, 4, 1), np.float32))
    mosaic = expose(unprocess(large, sensor), ratio, noise, sensor.black, sensor.white, np.random.default_rng(1))
    write_dng(path, mosaic, sensor, CaptureMetadata(model="nobody knows it"))
    for code in without:
        with tifffile.TiffFile(path, mode="r+") as file:
            tag = file.pages.first.tags[code]
            file.filehandle.seek(tag.offset)
            file.filehandle.write((65000 + code % 100).to_bytes(2, "little"))  # a tag that nobody reads
    return path


# CIE 15: A, D50, D55, D65, D75.
@pytest.mark.parametrize(
    ("kelvin", "expected"),
    [
        (2855.5, (0.44758, 0.40745)),
        (5003.0, (0.34567, 0.35850)),
        (5503.0, (0.33242, 0.34743)),
        (6504.0, (0.31271, 0.32902)),
        (7504.0, (0.29902, 0.31485)),
    ],
)
def test_lights_have_the_colours_of_the_standard(kelvin: float, expected: tuple[float, float]) -> None:
    np.testing.assert_allclose(xy(kelvin), expected, atol=6e-4)


def test_the_locus_has_no_gap_but_the_known_one() -> None:
    """Between its pieces; at 4000 K daylight is a little greener than a glowing body."""
    for kelvin, most in ((2222.0, 1e-3), (7000.0, 1e-3), (4000.0, 7.1e-3)):
        assert np.abs(xy(kelvin - 0.5) - xy(kelvin + 0.5)).max() < most
    for wrong in (1600.0, 26_000.0, float("nan")):
        with pytest.raises(ValueError, match="a light must have 1667 to 25000 K"):
            illuminant_xyz(wrong)


def test_a_missing_tag_is_daylight_of_the_matrix(tmp_path: Path, photograph, sensor: Sensor) -> None:
    frame = read_raw(shot(tmp_path / "day.dng", photograph, sensor, without=(AS_SHOT_NEUTRAL,)))
    daylight = 1 / (sensor.camera_from_xyz @ XYZ_FROM_SRGB.sum(axis=1))
    np.testing.assert_allclose(frame.white_balance, daylight / daylight.min(), rtol=1e-4)
    assert frame.balance_source == "daylight"
    assert white_balanced(frame, ExposureSettings()) is frame


def test_without_tag_and_matrix_the_picture_decides_and_it_is_said(tmp_path: Path, photograph, sensor: Sensor) -> None:
    path = shot(tmp_path / "none.dng", photograph, sensor, without=(AS_SHOT_NEUTRAL, COLOR_MATRIX))
    frame = read_raw(path)
    assert (frame.white_balance, frame.balance_source, frame.daylight) == ((1.0, 1.0, 1.0), "none", None)
    done = corrected(frame, ExposureSettings())
    assert done.balance_source == "estimated"
    assert done.white_balance == estimated_balance(frame)
    note = "no white balance is known, so it is estimated from the picture; set one if its colours are off"
    assert done.notes == (note,)
    assert degrees(done.white_balance, sensor.white_balance) < 8 < degrees((1, 1, 1), sensor.white_balance)
    assert corrected(frame, ExposureSettings(wb="auto")).notes == ()
    with pytest.raises(InputError, match=r"none\.dng: --wb 3200 needs a colour matrix, .*; give --wb auto or three"):
        corrected(frame, ExposureSettings(wb=3200.0))
    with pytest.raises(InputError, match="--wb daylight needs"):
        corrected(frame, ExposureSettings(wb="daylight"))


@pytest.mark.parametrize("kelvin", [2000.0, 2856.0, 3999.0, 4500.0, 6504.0, 12_000.0])
def test_kelvin_goes_through_the_cameras_matrix(tmp_path: Path, photograph, sensor: Sensor, kelvin: float) -> None:
    frame = read_raw(shot(tmp_path / "a.dng", photograph, sensor))
    expected = 1 / (sensor.camera_from_xyz @ illuminant_xyz(kelvin))
    for dng in (frame.dng, None):  # from the file's own matrix; from LibRaw's, as in every other format
        balance = light_balance(replace(frame, dng=dng), kelvin)
        assert balance is not None
        assert min(balance) == 1
        np.testing.assert_allclose(balance, expected / expected.min(), rtol=1e-3)


def test_presets_are_lights_and_three_numbers_are_multipliers(tmp_path: Path, photograph, sensor: Sensor) -> None:
    frame = read_raw(shot(tmp_path / "a.dng", photograph, sensor))
    settings = ExposureSettings(**OFF)
    for preset, kelvin in (("daylight", 6504.0), ("tungsten", 2856.0)):
        done = corrected(frame, replace(settings, wb=preset))
        assert done.white_balance == light_balance(frame, kelvin)
        assert done.balance_source == "given"
        assert corrected(frame, replace(settings, wb=kelvin)).white_balance == done.white_balance
    assert corrected(frame, replace(settings, wb=(1.0, 0.5, 0.75))).white_balance == (2.0, 1.0, 1.5)
    kept = corrected(frame, settings)
    np.testing.assert_allclose(kept.white_balance, sensor.white_balance, rtol=1e-5)
    assert kept.balance_source == "as shot"


def test_a_grey_wall_under_a_lamp_is_grey_with_its_kelvin(sensor: Sensor) -> None:
    """By value, from the light to developed LRGB."""
    seen = sensor.camera_from_xyz @ illuminant_xyz(3200.0)
    camera = replace(sensor, white_balance=tuple(seen.max() / seen))
    wall = unprocess(np.full((16, 16, 3), 0.4, np.float32), camera)
    frame = _frame(None, wall, sensor.camera_from_xyz)
    red, green, blue = develop(white_balanced(frame, ExposureSettings(wb=3200.0))).pixels.mean(axis=(0, 1))
    assert red == pytest.approx(green, rel=2e-3)
    assert blue == pytest.approx(green, rel=2e-3)
    lit = develop(white_balanced(frame, ExposureSettings(wb="daylight"))).pixels.mean(axis=(0, 1))
    assert lit[0] > 1.5 * lit[2]


def test_a_dng_of_two_lights_gives_a_matrix_between_them() -> None:
    cool, warm = np.diag([0.5, 1.0, 0.8]), np.diag([1.0, 1.0, 0.4])

    def rationals(matrix: np.ndarray) -> tuple[int, ...]:
        return tuple(n for value in matrix.ravel() for n in (round(value * 1000), 1000))

    tags = {
        50721: (10, rationals(warm)),
        50722: (10, rationals(cool)),
        50778: (3, 17),
        50779: (3, 21),
    }
    frame = _frame(DngTags(tags))
    for kelvin, matrix in ((2856.0, warm), (2000.0, warm), (6504.0, cool), (20_000.0, cool)):
        expected = 1 / (matrix @ illuminant_xyz(kelvin))
        np.testing.assert_allclose(light_balance(frame, kelvin), expected / expected.min(), rtol=1e-6)
    middle = 2 / (1 / 2856.0 + 1 / 6504.0)
    expected = 1 / ((warm + cool) / 2 @ illuminant_xyz(middle))
    np.testing.assert_allclose(light_balance(frame, middle), expected / expected.min(), rtol=1e-6)
    calibrated = DngTags({**tags, 50724: (10, rationals(np.diag([2.0, 1.0, 1.0]))), 50727: (5, (1, 1, 1, 1, 2, 1))})
    expected = 1 / (np.diag([2.0, 1.0, 2.0]) @ cool @ illuminant_xyz(6504.0))
    np.testing.assert_allclose(light_balance(_frame(calibrated), 6504.0), expected / expected.min(), rtol=1e-6)


def test_a_white_point_in_the_file_is_as_shot(shared: Path) -> None:
    """AsShotWhiteXY of D50; daylight stays the matrix's own."""
    frame = read_raw(shared / "raws/field/whitexy.dng")
    assert frame.balance_source == "as shot"
    np.testing.assert_allclose(frame.white_balance, light_balance(frame, 5003.0), rtol=2e-3)
    np.testing.assert_allclose(light_balance(frame, 6504.0), (2.767, 1.0, 1.428), rtol=1e-3)


def test_a_file_that_names_one_for_all_is_not_believed_unless_it_is_a_dng(shared: Path) -> None:
    assert read_raw(shared / "raws/ok/kodak_dc50.kdc").balance_source == "none"
    assert corrected(read_raw(shared / "raws/ok/minhtcai_test.dng"), ExposureSettings()).balance_source == "estimated"


def test_what_has_no_colours_or_is_demosaiced_stays_as_it_is(shared: Path) -> None:
    grey = read_raw(shared / "raws/field/mono.dng")
    for wanted in ("camera", "auto", 3200.0):
        assert white_balanced(grey, ExposureSettings(wb=wanted)).white_balance == (1.0, 1.0, 1.0)
    assert read_raw(shared / "raws/ok/kodak_c330_yrgb.raw").balance_source == "as shot"


@pytest.mark.parametrize("kelvin", [2500.0, 4000.0, 6504.0])
@pytest.mark.parametrize("ratio", [1.0, 100.0])
def test_auto_finds_the_light_in_noise(shared: Path, kelvin: float, ratio: float) -> None:
    """Nine photographs of known balance: the median error is far below that of daylight for lamps."""
    noise = SensorNoise(gain=2.0, shape=0.1, read_scale=2.0, row_scale=0.0)
    matrix = np.array(CAMERA_MATRICES["Nikon D850"]).reshape(3, 3) / 10_000.0
    seen = matrix @ illuminant_xyz(kelvin)
    camera = Sensor(matrix, tuple(seen.max() / seen))
    errors, others = [], []
    for number, photo in enumerate(sorted((shared / "photos").glob("cq100_*.jpg"))[:36:4]):
        picture = iio.imread(photo)[::4, ::4].astype(np.float32) / 255
        rng = np.random.default_rng(number)
        mosaic = expose(unprocess(picture, camera), ratio, noise, camera.black, camera.white, rng)
        frame = _frame(None, mosaic, matrix)
        errors.append(degrees(estimated_balance(frame), camera.white_balance))
        others.append(degrees(light_balance(frame, 6504.0), camera.white_balance))
    assert np.median(errors) < 6.5
    assert max(errors) < 20
    if kelvin < 4000:
        assert np.median(errors) < 0.4 * np.median(others)


def test_where_nothing_is_lit_auto_is_daylight() -> None:
    rng = np.random.default_rng(0)
    dark = np.rint(rng.normal(512, 3, (128, 128)))
    np.testing.assert_allclose(estimated_balance(_frame(None, dark)), TYPICAL_DAYLIGHT, rtol=1e-12)
    full = np.full((128, 128), 16383.0)
    np.testing.assert_allclose(estimated_balance(_frame(None, full)), TYPICAL_DAYLIGHT, rtol=1e-12)


@pytest.mark.parametrize(
    ("text", "value"),
    [("camera", "camera"), ("3200", 3200.0), ("2.0, 1, 1.5", (2.0, 1.0, 1.5)), ("25000", 25_000.0)],
)
def test_the_option_takes_names_kelvin_and_multipliers(text: str, value: object) -> None:
    assert PictureOptions(wb=text).settings().wb == value


@pytest.mark.parametrize(
    "text", ["sunny", "", "0", "1500", "30000", "nan", "1,2", "0,1,1", "1,-1,1", "nan,1,1", "1,1,inf"]
)
def test_the_option_refuses_the_rest_in_one_sentence(text: str) -> None:
    with pytest.raises(SettingsError, match=r"must be camera, auto, .*, or three multipliers above 0 such as 2,1,1\.5"):
        PictureOptions(wb=text).settings()


def _frame(dng: DngTags | None, mosaic: np.ndarray | None = None, matrix: np.ndarray | None = None) -> RawFrame:
    """A frame without white balance, of a camera that nobody knows unless a matrix is given."""
    daylight = None if matrix is None else 1 / (matrix @ XYZ_FROM_SRGB.sum(axis=1))
    return RawFrame(
        np.full((4, 4), 512.0) if mosaic is None else mosaic,
        Cfa.bayer("RGGB"),
        BlackLevel.uniform(512.0),
        16383.0,
        (1.0, 1.0, 1.0),
        None if matrix is None else srgb_from_camera(matrix),
        dng=dng,
        balance_source="none",
        daylight=None if daylight is None else tuple(daylight / daylight.min()),
    )


@pytest.mark.parametrize("damage", [np.inf, np.nan, 1e308])
@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_numbers_of_a_matrix_that_are_none_are_left_out(damage: float) -> None:
    """A calibration or an analog balance alone; without the matrix itself the camera is not known."""
    identity = tuple(np.eye(3).ravel())
    known = light_balance(_frame(DngTags({50722: (12, identity)})), 5003.0)
    for code, size in ((50724, 9), (50727, 3)):
        assert light_balance(_frame(DngTags({50722: (12, identity), code: (12, (damage,) * size)})), 5003.0) == known
    both = DngTags({50721: (12, (damage,) * 9), 50722: (12, (-damage,) * 9), 50778: (3, 17), 50779: (3, 21)})
    assert light_balance(_frame(both), 5003.0) is None
