"""What the opcodes of a DNG ask for is read and done, by value."""

import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from darkdiff_cli.capture import CaptureMetadata
from darkdiff_cli.cfa import Cfa
from darkdiff_cli.raw import ExposureSettings, RawFrame, develop, read_exposure, read_raw
from darkdiff_cli.raw.black_level import BlackLevel
from darkdiff_cli.raw.dng_tags import DngTags
from darkdiff_cli.raw.opcodes.corrections import with_opcodes, without_listed_defects
from darkdiff_cli.raw.opcodes.kinds import BadPixels, GainMap, Other, RadialGain, ValueMap
from darkdiff_cli.raw.opcodes.lists import OpcodeError, parse_opcodes
from darkdiff_cli.synthesis import Sensor, write_dng

BLACK, WHITE = 512.0, 16383.0
PLAIN = ExposureSettings(hot_pixels="off", line_noise="off")
HEIGHT, WIDTH = 40, 60
BAYER = Cfa.bayer("RGGB")


def opcode(code: int, content: bytes, flags: int = 0) -> bytes:
    return struct.pack(">4I", code, 0x01030000, flags, len(content)) + content


def opcodes(*each: bytes) -> bytes:
    return struct.pack(">I", len(each)) + b"".join(each)


def area(top=0, left=0, bottom=HEIGHT, right=WIDTH, plane=0, planes=1, down=1, across=1) -> bytes:
    return struct.pack(">8I", top, left, bottom, right, plane, planes, down, across)


def gain_map(where: bytes, gains: np.ndarray, spacing=(1.0, 1.0), origin=(0.0, 0.0)) -> bytes:
    rows, columns, planes = gains.shape
    header = where + struct.pack(">2I4dI", rows, columns, *spacing, *origin, planes)
    return opcode(9, header + gains.astype(">f4").tobytes(), 1)


def line_values(code: int, where: bytes, values: list[float]) -> bytes:
    return opcode(code, where + struct.pack(f">I{len(values)}f", len(values), *values))


def frame(light: np.ndarray, cfa: Cfa | None = BAYER, **lists: bytes) -> RawFrame:
    """A frame of light in DN above black whose DNG has these opcode lists: first, second, third."""
    codes = {"first": 51008, "second": 51009, "third": 51022}
    tags = DngTags({codes[name]: (7, content) for name, content in lists.items()})
    mosaic = np.rint(light + BLACK).astype(np.uint16)
    return RawFrame(mosaic, cfa, BlackLevel.uniform(BLACK), WHITE, (1.0, 1.0, 1.0), dng=tags)


def flat(value: float = 100.0) -> np.ndarray:
    return np.full((HEIGHT, WIDTH), value)


def applied(read: RawFrame) -> np.ndarray:
    return with_opcodes(read, PLAIN).light_dn()


def test_a_list_is_parsed_into_values() -> None:
    found = parse_opcodes(
        opcodes(
            gain_map(
                area(1, 0, 39, 60, down=2, across=2), np.arange(1.0, 7.0).reshape(2, 3, 1), (0.5, 0.25), (0.1, 0.2)
            ),
            opcode(4, struct.pack(">2I", 0, 1)),
            opcode(5, struct.pack(">9I", 1, 1, 1, 3, 4, 10, 11, 12, 13)),
            opcode(8, area() + struct.pack(">I2d", 1, 0.25, 0.75)),
            opcode(3, struct.pack(">7d", 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7)),
            opcode(14, b"1234", 1),
        )
    )
    shading, constant, listed, curve, vignette, warp = found
    assert isinstance(shading, GainMap)
    assert (shading.area.top, shading.area.row_pitch, shading.spacing, shading.origin) == (
        1,
        2,
        (0.5, 0.25),
        (0.1, 0.2),
    )
    np.testing.assert_array_equal(shading.gains[..., 0], [[1, 2, 3], [4, 5, 6]])
    assert isinstance(constant, BadPixels)
    assert constant.constant == 0
    assert isinstance(listed, BadPixels)
    assert listed.points.tolist() == [[3, 4]]
    assert listed.rectangles.tolist() == [[10, 11, 12, 13]]
    assert isinstance(curve, ValueMap)
    assert curve.coefficients == (0.25, 0.75)
    assert vignette == RadialGain((0.1, 0.2, 0.3, 0.4, 0.5), (0.6, 0.7))
    assert warp == Other("WarpRectilinear2", optional=True)
    assert parse_opcodes(b"") == []


@pytest.mark.parametrize("cut", [3, 10, 40, 100])
def test_a_damaged_list_is_said_and_left_out(cut: int) -> None:
    whole = opcodes(gain_map(area(), np.full((2, 2, 1), 2.0)))
    with pytest.raises(OpcodeError):
        parse_opcodes(whole[:cut])
    read = with_opcodes(frame(flat(), second=whole[:cut]), PLAIN)
    assert read.notes == ("the corrections that the DNG asks for (opcodes) are damaged and left out",)
    np.testing.assert_array_equal(read.light_dn(), flat())


def test_a_gain_map_is_linear_between_its_points_and_constant_beyond() -> None:
    gains = np.array([1.0, 3.0]).reshape(1, 2, 1)
    light = applied(frame(flat(), second=opcodes(gain_map(area(), gains, (1.0, 0.5), (0.0, 0.25)))))
    across = (np.arange(WIDTH) + 0.5) / WIDTH
    np.testing.assert_allclose(light[0], 100 * np.interp(across, [0.25, 0.75], [1, 3]), rtol=1e-5)
    np.testing.assert_array_equal(light, np.broadcast_to(light[0], light.shape))


def test_each_place_of_the_filter_has_its_own_map() -> None:
    maps = [
        gain_map(area(row, column, down=2, across=2), np.full((1, 1, 1), 1 + row + 2 * column))
        for row in (0, 1)
        for column in (0, 1)
    ]
    light = applied(frame(flat(), second=opcodes(*maps)))
    assert [light[row::2, column::2].mean() for row in (0, 1) for column in (0, 1)] == [100, 300, 200, 400]


def test_black_is_subtracted_before_the_gain_and_noise_stays_negative() -> None:
    light = flat(0.0)
    light[::2] = -10
    after = applied(frame(light, second=opcodes(gain_map(area(), np.full((1, 1, 1), 2.0)))))
    np.testing.assert_array_equal(after, 2 * light)


def test_a_saturated_lamp_stays_saturated_under_a_gain_below_one() -> None:
    light = flat()
    light[5, 5] = WHITE - BLACK
    read = with_opcodes(frame(light, second=opcodes(gain_map(area(), np.full((1, 1, 1), 0.5)))), PLAIN)
    assert read.light_dn()[5, 5] == read.white_level == WHITE - BLACK
    assert read.light_dn()[5, 6] == 50


def test_rows_and_columns_are_scaled_and_shifted() -> None:
    full = WHITE - BLACK
    second = opcodes(
        line_values(12, area(bottom=4), [1, 2, 3, 4]),
        line_values(13, area(left=2, across=2), [0.5] * 29),
        line_values(10, area(top=10, bottom=12), [1 / full, -2 / full]),
        line_values(11, area(right=1), [5 / full]),
    )
    light = applied(frame(flat(), second=second))
    assert light[:5, 1].tolist() == [100, 200, 300, 400, 100]
    assert light[0, 2:6].tolist() == [50, 100, 50, 100]
    np.testing.assert_allclose(light[[9, 10, 11, 12], 1], [100, 101, 98, 100], rtol=1e-5)
    np.testing.assert_allclose(light[20, :2], [105, 100], rtol=1e-5)


def test_a_polynomial_and_a_table_map_light_and_keep_noise_below_black() -> None:
    full = WHITE - BLACK
    light = flat(full / 2)
    light[0] = -10
    curve = applied(frame(light, second=opcodes(opcode(8, area() + struct.pack(">I3d", 2, 0.0, 0.5, 0.5)))))
    np.testing.assert_allclose(curve[[0, 1], 0], [-5, full * 0.375], rtol=1e-3)
    table = opcode(7, area() + struct.pack(">I65536H", 65536, *(min(2 * value, 65535) for value in range(65536))))
    np.testing.assert_allclose(applied(frame(light, second=opcodes(table)))[[0, 1], 0], [-20, full], rtol=1e-3)


def test_vignetting_is_one_in_the_centre_and_full_in_the_farthest_corner() -> None:
    gain = opcodes(opcode(3, struct.pack(">7d", 0.5, 0.25, 0, 0, 0, 0.5, 0.5)))
    light = applied(frame(flat(), third=gain))
    assert light[20, 30] == pytest.approx(100, rel=1e-3)
    squared = ((HEIGHT / 2 - 0.5) ** 2 + (WIDTH / 2 - 0.5) ** 2) / (20**2 + 30**2)
    np.testing.assert_allclose(
        light[[0, 0, -1, -1], [0, -1, 0, -1]], 100 * (1 + 0.5 * squared + 0.25 * squared**2), rtol=1e-5
    )


def test_planes_after_demosaicing_are_the_photosites_of_a_colour() -> None:
    maps = [gain_map(area(plane=plane), np.full((1, 1, 1), 2.0 + plane)) for plane in range(3)]
    light = applied(frame(flat(), third=opcodes(*maps)))
    assert [light[0, 0], light[0, 1], light[1, 0], light[1, 1]] == [200, 300, 300, 400]
    linear = applied(frame(np.full((HEIGHT, WIDTH, 3), 100.0), None, third=opcodes(*maps)))
    assert linear[7, 9].tolist() == [200, 300, 400]


def test_what_is_not_done_is_said() -> None:
    distortion = "the distortion of the lens is left as it is (the DNG asks for WarpRectilinear2)"
    read = frame(flat(), second=opcodes(opcode(99, b"", 0), opcode(98, b"", 1)), third=opcodes(opcode(14, b"1234", 1)))
    assert with_opcodes(read, PLAIN).notes == ("the DNG asks for opcode 99, which is not done", distortion)
    assert with_opcodes(read, PLAIN).mosaic_dn is read.mosaic_dn


def test_listed_bad_pixels_are_interpolated_from_their_own_colour() -> None:
    light = np.arange(HEIGHT)[:, None] * 10.0 + np.arange(WIDTH) * 4 + 200
    light[1::2, 1::2] += 1000  # blue
    damaged = light.copy()
    damaged[11, 21], damaged[20:23, 30:32] = 9000, -BLACK
    listed = opcodes(opcode(5, struct.pack(">9I", 0, 1, 1, 11, 21, 20, 30, 23, 32)))
    read = without_listed_defects(frame(damaged, second=listed), PLAIN)
    np.testing.assert_allclose(read.light_dn(), light, atol=6)  # the other colours differ by 1000
    assert read.mosaic_dn.dtype == np.uint16


def test_bad_pixels_are_marked_by_a_value_and_listed_from_the_sensors_corner() -> None:
    light = flat()
    light[8, 8], light[9, 31] = -BLACK, 7000
    first = opcodes(opcode(4, struct.pack(">2I", 0, 0)), opcode(5, struct.pack(">5I", 0, 1, 0, 9 + 3, 31 + 5)))
    read = frame(light, first=first)
    assert read.dng is not None
    tags = DngTags({**read.dng.values, 50829: (4, (3, 5, 3 + HEIGHT, 5 + WIDTH))})
    np.testing.assert_array_equal(without_listed_defects(replace(read, dng=tags), PLAIN).light_dn(), flat())


def test_a_written_dng_is_corrected_when_it_is_read(tmp_path: Path, sensor: Sensor, capture: CaptureMetadata) -> None:
    mosaic = np.random.default_rng(0).integers(600, 700, (HEIGHT, WIDTH)).astype(np.uint16)
    content = opcodes(gain_map(area(), np.full((1, 1, 1), 2.0)))
    write_dng(tmp_path / "phone.dng", mosaic, sensor, capture, more=[(51009, 7, len(content), content, True)])
    read = read_exposure(tmp_path / "phone.dng", PLAIN).frame
    np.testing.assert_allclose(read.light_dn(), 2 * (mosaic - sensor.black), rtol=1e-5)


def test_a_phones_wall_is_one_grey_from_corner_to_corner(shared: Path) -> None:
    field = shared / "raws" / "field"
    wall, twin = (read_exposure(field / f"{name}.dng", ExposureSettings()) for name in ("gain_wall", "reference_wall"))
    assert wall.ratio == pytest.approx(twin.ratio, rel=0.06)
    corners = (np.s_[:48, :48], np.s_[:48, -48:], np.s_[-48:, :48], np.s_[-48:, -48:], np.s_[104:152, 104:152])
    greys = np.array([develop(wall.frame, 25.0).pixels[part].mean(axis=(0, 1)) for part in corners])
    expected = develop(twin.frame, 25.0).pixels.mean(axis=(0, 1))
    np.testing.assert_allclose(greys, np.broadcast_to(expected, greys.shape), rtol=0.03)
    plain = read_raw(field / "gain_wall.dng").light_dn()
    assert plain[:32, :32].mean() < 0.45 * plain[240:272, 240:272].mean()  # LibRaw leaves it to us


@pytest.mark.parametrize("name", ["photoprism_canon_eos_6d.dng", "magicknet_DSC8695.dng"])
def test_the_maps_of_lossy_dngs_are_part_of_decoding_and_not_done_twice(name: str, shared: Path) -> None:
    read = read_raw(shared / "raws" / "ok" / name)
    assert read.dng is not None
    assert [type(each) for each in parse_opcodes(read.dng.content(51009))] == [ValueMap] * 3
    assert with_opcodes(read, PLAIN) is read


@pytest.mark.parametrize("gain", [0.0, -1.0, np.nan, np.inf])
def test_gains_that_are_none_are_damage(gain: float) -> None:
    gains = np.full((2, 2, 1), 1.5)
    gains[1, 0] = gain
    damaged = gain_map(area(0, 0, HEIGHT, WIDTH), gains, (1.0, 1.0), (0.0, 0.0))
    light = np.full((HEIGHT, WIDTH), 300.0)
    made = with_opcodes(frame(light, second=opcodes(damaged)), ExposureSettings())
    np.testing.assert_array_equal(made.light_dn(), light)
    assert len(made.notes) == 1
    assert "damaged and left out" in made.notes[0]


def sized_map(rows: int, columns: int, planes: int, gains: int) -> bytes:
    """A gain map that claims a size and holds some number of gains."""
    header = area() + struct.pack(">2I4dI", rows, columns, 1, 1, 0, 0, planes)
    return opcode(9, header + np.ones(gains, ">f4").tobytes(), 1)


SENSELESS = {
    "offsets of no rows": line_values(10, area(), []),
    "offsets of no columns": line_values(11, area(), []),
    "scales of no rows": line_values(12, area(), []),
    "scales of no columns": line_values(13, area(), []),
    "a map of no planes": sized_map(1, 1, 0, 4),
    "a map of 0x0": sized_map(0, 0, 1, 4),
    "a map of 0x5": sized_map(0, 5, 1, 4),
    "a map of endless sides": sized_map(2**16, 2**16, 2**31, 1),
    "a map wider than the picture": sized_map(1, WIDTH + 1, 1, WIDTH + 1),
    "a map higher than the picture": sized_map(HEIGHT + 1, 1, 1, HEIGHT + 1),
    "an empty table": opcode(7, area() + struct.pack(">I", 0) + bytes(8)),
    "a lens far away": opcode(3, struct.pack(">7d", 1, 1, 1, 1, 1, 1e300, 1e300)),
}


@pytest.mark.parametrize("damaged", SENSELESS.values(), ids=SENSELESS.keys())
def test_sizes_and_values_of_no_sense_cost_the_corrections_and_not_the_photo(damaged: bytes) -> None:
    light = flat()
    light[5, 5], light[6, 6] = WHITE - BLACK, -10  # a saturated lamp stays one, and is no light that is left
    made = with_opcodes(frame(light, second=opcodes(damaged)), PLAIN)
    assert made.notes == ("the corrections that the DNG asks for (opcodes) are damaged and left out",)
    np.testing.assert_array_equal(made.light_dn(), light)
