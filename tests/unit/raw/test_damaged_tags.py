"""Tags that no camera writes: each kind is one sentence, or is left out, and no picture holds what is no number."""

import logging
import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tifffile

from darkdiff_cli.cfa import Cfa
from darkdiff_cli.errors import InputError, UnreadableError
from darkdiff_cli.raw import ExposureSettings, develop, read_exposure, read_raw
from darkdiff_cli.raw.binning import can_be_resampled
from darkdiff_cli.raw.dng_tags import ACTIVE_AREA, BLACK_LEVEL, WHITE_LEVEL, DngTags, read_dng_tags, read_float_samples
from darkdiff_cli.raw.lossy import lossy_samples
from darkdiff_cli.raw.unsupported import raw_compression
from darkdiff_cli.synthesis import Sensor, write_dng
from tests.unit.raw.lossy_dng import write_lossy_dng
from tests.unit.raw.opcodes.test_corrections import area, gain_map, opcodes
from tests.unit.raw.test_float_dng import write_float_dng
from tests.unit.raw.test_xtrans import QUAD, XTRANS

BYTE, ASCII, RATIONAL, SIGNED_RATIONAL, UNDEFINED, DOUBLE = 1, 2, 5, 10, 7, 12


def write(path: Path, sensor: Sensor, capture, more=(), size=(48, 64)) -> Path:
    mosaic = np.random.default_rng(0).integers(600, 9000, size).astype(np.uint16)
    write_dng(path, mosaic, sensor, capture, more=more)
    return path


def test_text_and_bytes_are_no_numbers() -> None:
    tags = DngTags({BLACK_LEVEL: (ASCII, "ILCE-7SM2"), WHITE_LEVEL: (UNDEFINED, b"\xff"), ACTIVE_AREA: (BYTE, b"\x01")})
    assert [tags.numbers(code).size for code in (BLACK_LEVEL, WHITE_LEVEL, ACTIVE_AREA)] == [0, 0, 0]
    assert tags.integers(BLACK_LEVEL, (1, 1)) == (1, 1)
    assert tags.active_corner == (0, 0)


def test_numbers_that_no_integer_holds_are_left_out() -> None:
    tags = DngTags({ACTIVE_AREA: (DOUBLE, (1e300, 0.0, 8.0, 8.0)), 1: (4, (0, 2**32 - 1))})
    assert tags.active_corner == (0, 0)
    assert tags.integers(1) == (0, 2**32 - 1)


@pytest.mark.parametrize("read", [read_dng_tags, raw_compression])
def test_damaged_tags_are_read_without_a_word(read, dark_dng: Path, tmp_path: Path, caplog) -> None:
    content, damaged = dark_dng.read_bytes(), tmp_path / "damaged.dng"
    strips = struct.pack("<HHI", 279, 4, 1)  # StripByteCounts, of a type that there is not
    assert content.count(strips) == 1
    damaged.write_bytes(content.replace(strips, struct.pack("<HHI", 279, 99, 1)))
    logging.getLogger("tifffile").setLevel(logging.NOTSET)
    with tifffile.TiffFile(damaged) as tiff:
        assert tiff.pages.first.tags.get(279) is None
    assert "TiffFileError" in caplog.text  # it does report it
    caplog.clear()
    read(damaged)
    assert caplog.text == ""


@pytest.mark.parametrize("values", [(3,), (3, 4, 5)])
def test_an_active_area_of_too_few_numbers_is_none(values) -> None:
    assert DngTags({ACTIVE_AREA: (4, values)}).active_corner == (0, 0)


def with_pattern(path: Path, rows: tuple[str, ...], sensor: Sensor, capture) -> Path:
    """A raw of a filter with a place for each letter, whose pattern says something else."""
    write(path, replace(sensor, cfa=QUAD), capture)
    with tifffile.TiffFile(path, mode="r+b") as tiff:
        tiff.pages.first.tags[33422].overwrite(bytes("RGB".index(letter) for row in rows for letter in row))
    return path


@pytest.mark.parametrize("rows", [("RRRR",) * 4, ("RGRG",) * 4, ("GBGB", "BGBG") * 2])
def test_a_filter_that_no_sensor_has_is_refused(rows, sensor: Sensor, capture, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"odd\.dng: (has a colour filter .* that no sensor has|not a raw)"):
        read_raw(with_pattern(tmp_path / "odd.dng", rows, sensor, capture))


def test_a_filter_of_a_hundred_columns_is_refused_at_once(sensor: Sensor, capture, tmp_path: Path) -> None:
    """To look for squares in it would take minutes."""
    columns = [(33421, "H", 2, (1, 400), True), (33422, "B", 400, bytes((0, 1, 2, 1)) * 99 + bytes(4), True)]
    path = write(tmp_path / "wide.dng", replace(sensor, cfa=Cfa.monochrome()), capture, columns)
    with tifffile.TiffFile(path, mode="r+b") as tiff:
        tiff.pages.first.tags[262].overwrite(32803)
    with pytest.raises(InputError, match=r"wide\.dng: "):
        read_raw(path)


def test_a_mosaic_without_a_filter_is_refused(sensor: Sensor, capture, tmp_path: Path) -> None:
    path = write(tmp_path / "bare.dng", replace(sensor, cfa=QUAD), capture)
    with tifffile.TiffFile(path) as tiff:
        entry = tiff.pages.first.tags[33422].offset
    content = bytearray(path.read_bytes())
    struct.pack_into("<H", content, entry, 65_000)
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"bare\.dng: does not say which colour filter it has"):
        read_raw(path)


def test_filters_with_a_colour_out_of_reach_cannot_be_resampled() -> None:
    assert all(can_be_resampled(cfa) for cfa in (XTRANS, XTRANS.seen_from(1, 2), QUAD, Cfa(("RGB",))))
    lonely = Cfa(("B" + "G" * 15, *["R" + "G" * 15] * 15))
    assert not can_be_resampled(lonely)


def test_float_samples_of_absurd_size_stay_numbers(tmp_path: Path) -> None:
    samples = np.random.default_rng(0).uniform(0.03, 0.4, (64, 64)).astype(np.float32)
    samples[3, 4:8] = (3e38, -3e38, np.inf, np.nan)
    write_float_dng(tmp_path / "float.dng", samples, (1, 32), 1)
    exposure = read_exposure(tmp_path / "float.dng", ExposureSettings())
    assert np.isfinite(develop(exposure.frame, exposure.ratio).pixels).all()
    assert read_raw(tmp_path / "float.dng").mosaic_dn[3, 4:8].tolist() == [16 * 16383, -16 * 16383, 16383, 0]


def test_a_page_of_another_shape_is_not_taken_for_the_picture(tmp_path: Path) -> None:
    write_float_dng(tmp_path / "float.dng", np.ones((64, 64)), (0, 1), 1)
    assert read_float_samples(tmp_path / "float.dng", (64, 64)) is not None
    assert read_float_samples(tmp_path / "float.dng", (64, 32)) is None
    assert lossy_samples(write_lossy_dng(tmp_path / "lossy.dng"), DngTags(), (64, 96, 3)) is not None
    assert lossy_samples(tmp_path / "lossy.dng", DngTags(), (6400, 96, 3)) is None


@pytest.mark.parametrize("white", [0.0, -1.537])
def test_a_lossy_dng_whose_white_is_not_above_black_is_libraws_to_decode(
    white: float, tmp_path: Path, recwarn: pytest.WarningsRecorder
) -> None:
    tags = DngTags({WHITE_LEVEL: (12, (255.0, white, 255.0))})
    assert lossy_samples(write_lossy_dng(tmp_path / "lossy.dng"), tags, (64, 96, 3)) is None
    assert [str(warning.message) for warning in recwarn] == []


def test_gains_of_absurd_size_are_left_out(sensor: Sensor, capture, tmp_path: Path) -> None:
    gains = opcodes(gain_map(area(bottom=48, right=64), np.full((1, 1, 1), 3e38), (1.0, 1.0)))
    path = write(tmp_path / "gains.dng", sensor, capture, [(51009, 7, len(gains), gains, True)])
    exposure = read_exposure(path, ExposureSettings())
    assert exposure.frame.notes == ("the GainMap that the DNG asks for suits no lens and no sensor, so it is left out",)
    assert np.isfinite(develop(exposure.frame, exposure.ratio).pixels).all()


def test_a_lossy_dng_whose_maps_are_damaged_is_refused_before_libraw_loops_over_them(tmp_path: Path) -> None:
    path = write_lossy_dng(tmp_path / "lossy.dng")
    with tifffile.TiffFile(path) as tiff:
        entry = tiff.pages.first.tags[50721].offset
    content = bytearray(path.read_bytes())
    struct.pack_into("<H", content, entry, 51009)  # a colour matrix as OpcodeList2
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"lossy\.dng: says wrongly how its values are to be mapped"):
        read_raw(path)


@pytest.mark.parametrize("table", [range(16383, -1, -1), [*range(8000), *range(8000, 0, -1)]])
def test_a_linearization_table_that_falls_is_refused(table, sensor: Sensor, capture, tmp_path: Path) -> None:
    path = write(tmp_path / "falls.dng", sensor, capture, [(50712, "H", len(table), tuple(table), True)])
    with pytest.raises(UnreadableError, match=r"falls\.dng: says wrongly .* \(its LinearizationTable falls\); copy"):
        read_raw(path)


def test_a_linearization_table_that_rises_and_stays_is_used(sensor: Sensor, capture, tmp_path: Path) -> None:
    table = tuple(min(2 * value, 12000) for value in range(16384))
    path = write(tmp_path / "rises.dng", sensor, capture, [(50712, "H", len(table), table, True)])
    plain = read_raw(write(tmp_path / "plain.dng", sensor, capture)).mosaic_dn
    np.testing.assert_array_equal(read_raw(path).mosaic_dn, np.minimum(2 * plain.astype(int), 12000))


@pytest.mark.parametrize("matrix", [np.ones((3, 3)), [[1, 1, 1], [1, 1.001, 1], [1, 1, 1.002]]])
def test_a_matrix_without_a_useful_inverse_is_not_taken(matrix, sensor: Sensor, capture, tmp_path: Path) -> None:
    singular = replace(sensor, camera_from_xyz=np.asarray(matrix, float))
    frame = read_exposure(write(tmp_path / "matrix.dng", singular, capture), ExposureSettings(wb="auto")).frame
    assert np.linalg.cond(frame.srgb_from_camera) < 5
    instead = "its colour matrix cannot be used, so LibRaw's for the camera is taken; copy it again from the card"
    assert [note for note in frame.notes if "matrix" in note] == [instead]


NO_LIGHT = {"green": (1, 0.05, 1), "magenta": (8, 1, 8), "yellow": (1, 1, 0.04), "cyan": (0.001, 1, 1)}
SOME_LIGHT = {"candle": (1, 0.6, 0.08), "sky": (0.23, 0.88, 1), "as measured": (1, 1, 1), "under water": (0.12, 1, 0.7)}


@pytest.mark.parametrize("neutral", [*NO_LIGHT.values(), *SOME_LIGHT.values()], ids=[*NO_LIGHT, *SOME_LIGHT])
def test_a_balance_for_a_light_that_there_is_not_gives_way_to_daylight(
    neutral, sensor: Sensor, capture, tmp_path: Path
) -> None:
    shot = replace(sensor, white_balance=tuple(1 / value for value in neutral))
    frame = read_raw(write(tmp_path / "light.dng", shot, capture))
    if neutral in NO_LIGHT.values():
        assert (frame.balance_source, frame.white_balance) == ("daylight", frame.daylight)
        assert frame.notes == ("its white balance cannot be used, so daylight is taken: choose one with --wb",)
    else:
        assert (frame.balance_source, frame.notes) == ("as shot", ())
        np.testing.assert_allclose(frame.white_balance, max(neutral) / np.array(neutral), rtol=1e-3)


def test_a_file_that_cannot_hold_its_picture_is_not_decoded(sensor: Sensor, capture, tmp_path: Path, capfd) -> None:
    path = write(tmp_path / "huge.dng", sensor, capture)
    with tifffile.TiffFile(path, mode="r+b") as tiff:
        for code in (256, 257, 278):
            tiff.pages.first.tags[code].overwrite(30_000)
    with pytest.raises(InputError, match="far too small for the picture that it claims"):
        read_raw(path)
