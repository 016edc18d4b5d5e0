"""A lens' distortion is straightened in the picture as a DNG asks for it."""

import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from darkdiff_cli.capture import CaptureMetadata
from darkdiff_cli.cfa import Cfa
from darkdiff_cli.colour import srgb_encode
from darkdiff_cli.preview.pictures import reduced
from darkdiff_cli.raw import RawFrame, read_exposure
from darkdiff_cli.raw.black_level import BlackLevel
from darkdiff_cli.raw.distortion import Distortion, straightened
from darkdiff_cli.raw.opcodes.corrections import DAMAGED
from darkdiff_cli.raw.rendering import finish
from darkdiff_cli.synthesis import Sensor, write_dng
from tests.unit.raw.opcodes.test_corrections import PLAIN, frame, opcode, opcodes

HEIGHT, WIDTH = 240, 320
MATRIX = np.array([[1.6, -0.4, -0.2], [-0.2, 1.5, -0.3], [0.0, -0.5, 1.5]])
BARREL = (1.06, -0.12, 0.01, 0.0, 0.004, -0.006)
INNER = np.s_[24:-24, 24:-24]


def bent(terms: tuple[float, ...], is_fisheye: bool = False) -> Distortion:
    centre = (0.45 * (HEIGHT - 1), 0.55 * (WIDTH - 1))
    return Distortion(terms, is_fisheye, centre, float(np.hypot(0.55 * (HEIGHT - 1), 0.55 * (WIDTH - 1))))


def light_at(rows: np.ndarray, columns: np.ndarray, colour: int) -> np.ndarray:
    """A scene of soft waves that is known everywhere, rows and columns in photosites."""
    return 0.4 + 0.1 * np.sin(rows * 0.11 + colour) * np.cos(columns * 0.09 - colour)


def seen_through(lens: Distortion, step: int = 1) -> np.ndarray:
    """(h, w, 3) light in the sensor's colours as the lens bends it: at each place, that of the place it comes from."""
    rows, columns = np.mgrid[0 : HEIGHT // step, 0 : WIDTH // step] * step + (step - 1) / 2
    seen = []
    for colour in range(3):
        down, across = rows.copy(), columns.copy()
        for _ in range(40):  # the inverse, by fixed points
            found = lens.sources(down, across)
            down, across = down - (found[0] - rows), across - (found[1] - columns)
        seen.append(light_at(down, across, colour))
    return np.stack(seen, axis=-1)


def with_lens(lens: Distortion | None, cfa: Cfa | None = None) -> RawFrame:
    shape = (HEIGHT, WIDTH, 3) if cfa is None else (HEIGHT, WIDTH)
    raw = RawFrame(np.zeros(shape, np.float32), cfa, BlackLevel.uniform(0.0), 1.0, (2.0, 1.0, 1.5), MATRIX)
    return replace(raw, distortion=lens)


def shown(light: np.ndarray) -> np.ndarray:
    return srgb_encode((light @ MATRIX.T).astype(np.float32))


def test_places_are_those_of_the_standard() -> None:
    """By hand: at twice the radius' half down and a quarter across."""
    lens = Distortion((1.1, 0.2, 0.3, 0.4, 0.05, 0.06), False, (100.0, 50.0), 200.0)
    y, x = 0.5, 0.25
    r2 = y * y + x * x
    factor = 1.1 + 0.2 * r2 + 0.3 * r2**2 + 0.4 * r2**3
    down = 100 + 200 * (factor * y + 0.06 * 2 * x * y + 0.05 * (r2 + 2 * y * y))
    across = 50 + 200 * (factor * x + 0.05 * 2 * x * y + 0.06 * (r2 + 2 * x * x))
    rows, columns = lens.sources(np.array([200.0]), np.array([100.0]))
    assert (rows[0], columns[0]) == (pytest.approx(down), pytest.approx(across))
    fish = Distortion((1.1, 0.2, 0.3, 0.4), True, (100.0, 50.0), 200.0)
    angle = np.arctan(r2**0.5)
    factor = (1.1 * angle + 0.2 * angle**3 + 0.3 * angle**5 + 0.4 * angle**7) / r2**0.5
    rows, columns = fish.sources(np.array([200.0]), np.array([100.0]))
    assert (rows[0], columns[0]) == (pytest.approx(100 + 100 * factor), pytest.approx(50 + 50 * factor))


@pytest.mark.parametrize("step", [1, 2])
@pytest.mark.parametrize(
    "lens",
    [
        bent(BARREL),
        bent((1.05, 0.2, 0.0, 0.0), is_fisheye=True),
    ],
)
def test_what_a_lens_bends_is_straight_again(lens: Distortion, step: int) -> None:
    """At the sensor's size and at half of it."""
    light = seen_through(lens, step)
    rows, columns = np.mgrid[0 : HEIGHT // step, 0 : WIDTH // step] * step + (step - 1) / 2
    truth = shown(np.stack([light_at(rows, columns, colour) for colour in range(3)], axis=-1))
    made = straightened(shown(light), with_lens(lens, Cfa.bayer("RGGB")))
    assert np.abs(made - truth)[INNER].max() < 0.01
    assert np.abs(shown(light) - truth)[INNER].max() > 0.02


def test_a_part_of_the_frame_is_straightened_about_the_same_centre() -> None:
    lens = bent(BARREL)
    picture = shown(seen_through(lens))
    whole = straightened(picture, with_lens(lens))
    part = straightened(picture[30:210, 40:300], with_lens(lens).window(30, 40, 180, 260))
    assert np.abs(part[INNER] - whole[30:210, 40:300][INNER]).max() < 1e-3


def test_a_smaller_frame_of_the_same_scene_is_straightened_alike() -> None:
    lens = bent(BARREL)
    small = reduced(with_lens(lens), WIDTH // 4)
    assert small.mosaic_dn.shape[:2] == (HEIGHT // 4, WIDTH // 4)
    assert small.distortion is not None
    rows, columns = np.mgrid[0:60, 0:80]
    found = small.distortion.sources(rows, columns)
    expected = lens.sources(rows * 4 + 1.5, columns * 4 + 1.5)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one * 4 + 1.5, other, atol=1e-9)


def test_maps_follow_the_picture() -> None:
    lens = bent(BARREL)
    frame = with_lens(lens, Cfa.bayer("RGGB"))
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH]
    spot = np.exp(-(((rows - 200) / 8) ** 2) - ((columns - 280) / 8) ** 2).astype(np.float32)
    picture = straightened(np.repeat(spot[..., None], 3, axis=-1), frame)[..., 1]
    blocks = straightened(spot.reshape(HEIGHT // 4, 4, WIDTH // 4, 4).mean(axis=(1, 3)), frame)
    middles = [np.average(axis, weights=picture) for axis in (rows, columns)]
    small = np.mgrid[0 : HEIGHT // 4, 0 : WIDTH // 4] * 4 + 1.5
    assert [np.average(axis, weights=blocks) for axis in small] == pytest.approx(middles, abs=0.3)
    assert max(np.abs(np.array(middles) - [200, 280])) > 1


def test_a_picture_without_distortion_is_left_as_it_is() -> None:
    picture = np.random.default_rng(0).random((HEIGHT, WIDTH, 3)).astype(np.float32)
    for lens in (None, bent((1.0, 0.0, 0.0, 0.0, 0.0, 0.0))):
        assert straightened(picture, with_lens(lens)) is picture
        assert finish(picture, with_lens(lens), 2.0, "file").srgb_01 is picture


def warp(*planes: tuple[float, ...], centre: tuple[float, float] = (0.5, 0.5)) -> bytes:
    numbers = [value for plane in planes for value in plane]
    return opcode(1, struct.pack(f">I{len(numbers)}d2d", len(planes), *numbers, *centre))


def test_a_written_dng_keeps_it_for_the_picture(tmp_path: Path, sensor: Sensor, capture: CaptureMetadata) -> None:
    mosaic = np.random.default_rng(0).integers(600, 700, (40, 60)).astype(np.uint16)
    content = opcodes(warp((1.0, 0, 0, 0, 0, 0), BARREL, (1.0, 0, 0, 0, 0, 0), centre=(0.25, 1.0)))
    more = [(51022, 7, len(content), content, True), (50719, "I", 2, (6, 4), True), (50720, "I", 2, (48, 32), True)]
    write_dng(tmp_path / "phone.dng", mosaic, sensor, capture, more=more)
    read = read_exposure(tmp_path / "phone.dng", PLAIN).frame
    assert read.mosaic_dn.shape == (32, 48)
    lens = read.distortion
    assert lens is not None
    assert lens.terms == BARREL
    assert lens.centre == (pytest.approx(39 - 4), pytest.approx(0.25 * 59 - 6))
    assert lens.radius == pytest.approx(np.hypot(39, 0.75 * 59))
    assert read.notes == ()


@pytest.mark.parametrize(
    "third",
    [
        opcodes(warp((1e300, 0, 0, 0, 0, 0))),
        opcodes(warp((0.0, 0, 0, 0, 0, 0))),
        opcodes(warp((1.0, 0, 0, 1e9, 0, 0))),
        opcodes(warp(BARREL, BARREL)),
        opcodes(warp(BARREL, centre=(1e9, 0.5))),
    ],
)
def test_a_distortion_that_no_lens_has_is_damage(third: bytes) -> None:
    from darkdiff_cli.raw.opcodes.corrections import with_opcodes

    read = with_opcodes(frame(np.full((40, 60), 100.0), third=third), PLAIN)
    assert read.distortion is None
    assert read.notes == (DAMAGED,)
