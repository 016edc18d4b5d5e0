"""Lost sectors have a note, whatever came in their place; what cameras write has none."""

from pathlib import Path

import numpy as np
import pytest

from darkdiff_cli.cfa import Cfa
from darkdiff_cli.raw import RawFrame, read_raw
from darkdiff_cli.raw.black_level import BlackLevel
from darkdiff_cli.raw.missing_parts import missing_parts
from darkdiff_cli.synthesis import Sensor, write_dng
from tests.unit.raw.test_xtrans import QUAD, XTRANS

RGGB = Cfa.bayer("RGGB")
MONO = Cfa.monochrome()
WHITE = 16383.0


def frame(mosaic: np.ndarray, black: float = 64.0, cfa: Cfa | None = RGGB, white: float = WHITE) -> RawFrame:
    return RawFrame(mosaic, cfa, BlackLevel.uniform(black), white, (1.0, 1.0, 1.0))


def scene(rows: int = 160, columns: int = 600, light: float = 300.0) -> np.ndarray:
    return np.random.default_rng(0).poisson(light + 64, (rows, columns)).astype(np.uint16)


def test_lost_sectors_and_scattered_zeros_have_a_note() -> None:
    why = "parts of the picture are missing or wrong ({} of its photosites are 0, and its black level is 64): "
    whole = np.full((64, 96), 70, np.uint16)
    assert missing_parts(frame(whole)) == ()
    sectors, scattered = whole.copy(), whole.copy()
    sectors[8:24, 16:32] = 0
    scattered[::4, ::4] = 0
    assert missing_parts(frame(sectors))[0].startswith(why.format("256"))
    assert missing_parts(frame(scattered))[0].startswith(why.format("384"))
    assert missing_parts(frame(sectors, black=0.0)) == ()  # a sensor without a black level counts 0 where it is dark
    scattered[::8] = 70  # as many dead photosites are not damage
    assert missing_parts(frame(scattered)) == ()


@pytest.mark.parametrize("kind", ["zeros", "0xff", "spaces", "random"])
def test_a_lost_cluster_within_a_row_has_a_note(kind: str) -> None:
    """4 kB of 16-bit values begin in the middle of a row and end in the middle of another."""
    mosaic = scene()
    lost = {
        "zeros": b"\0" * 4096,
        "0xff": b"\xff" * 4096,
        "spaces": b" " * 4096,
        "random": np.random.default_rng(1).bytes(4096),
    }[kind]
    mosaic.ravel()[1234 : 1234 + 2048] = np.frombuffer(lost, np.uint16)
    (note,) = missing_parts(frame(mosaic))
    assert "pieces of rows, 64 samples each, hold one value or random ones" in note


def test_bright_packed_values_of_chance_have_a_note() -> None:
    mosaic = scene()
    mosaic[5, 100:500] = np.random.default_rng(1).integers(0, 2**14, 400)
    assert missing_parts(frame(mosaic))


def test_what_a_sensor_writes_has_none() -> None:
    clipped, dark, fence = scene(), scene(light=0.0), scene()
    clipped[:, 100:500] = 15000
    dark[:] = 64  # less noise than one DN
    fence[:, ::8] = 9000
    for mosaic in (scene(), clipped, dark, fence):
        assert missing_parts(frame(mosaic)) == ()
    clips = scene()
    clips[10:14, 100:500] = 0
    clips[8:16, 80:520:2] = 0  # the shade around it
    assert missing_parts(frame(clips, black=0.0)) == ()


@pytest.mark.parametrize("lost", ["0x00", "0x01", "0x20", "random"])
@pytest.mark.parametrize("cfa", [RGGB, XTRANS, None], ids=["Bayer", "X-Trans", "demosaiced"])
def test_one_lost_sector_anywhere_in_a_row_has_a_note(cfa: Cfa | None, lost: str) -> None:
    mosaic = scene(columns=612, light=300.0) + np.uint16(448)
    if cfa is None:
        mosaic = mosaic.reshape(160, -1, 3)
    sector = np.random.default_rng(1).integers(0, 2**14, 256) if lost == "random" else int(lost, 16) * 257
    mosaic.ravel()[4321 : 4321 + 256] = sector
    (note,) = missing_parts(frame(mosaic, 512.0, cfa))
    assert "copy it again" in note


def test_zeros_where_black_is_zero_have_a_note_between_rows_of_light() -> None:
    mosaic = scene()
    mosaic[10:14] = 0
    assert missing_parts(frame(mosaic, black=0.0))
    mosaic[:14] = 0  # a border may be black
    assert missing_parts(frame(mosaic, black=0.0)) == ()


@pytest.mark.parametrize("cfa", [RGGB, XTRANS, QUAD, MONO], ids=["Bayer", "X-Trans", "quad", "mono"])
@pytest.mark.parametrize("period", [4, 6, 8, 12, 16, 24])
def test_stripes_and_chequers_are_a_picture(period: int, cfa: Cfa) -> None:
    y, x = np.mgrid[:144, :600]  # whole squares at the edges
    rng = np.random.default_rng(0)
    for bright in (
        x % period < period / 2,
        (2 * x // period + 2 * y // period) % 2 == 0,
        (x + y) % period < period / 2,
    ):
        assert missing_parts(frame(rng.poisson(64 + 14000 * bright), cfa=cfa)) == ()


@pytest.mark.parametrize("white", [WHITE, 65535.0])
@pytest.mark.parametrize("cfa", [RGGB, XTRANS])
def test_lamps_that_clip_below_white_are_light(cfa: Cfa, white: float) -> None:
    y, x = np.mgrid[:400, :600]
    light = 20000 * np.exp(-np.maximum(np.hypot(y - 200, x - 300) - 110, 0) / 4)
    lamp = np.random.default_rng(0).poisson(light + 64).clip(0, 4095).astype(np.uint16)
    assert missing_parts(frame(lamp, cfa=cfa, white=white)) == ()
    assert missing_parts(frame(np.where(x < 400, 4095, 70), cfa=cfa, white=white)) == ()


def test_even_areas_without_noise_are_light() -> None:
    y, x = np.mgrid[:400, :600]
    assert missing_parts(frame((np.rint((x / 40 + y) / 4) * 62 + 2000).astype(np.uint16))) == ()


def test_a_picture_beyond_a_wrong_white_level_is_not_lost() -> None:
    """Its edges are as sharp as those of what is lost, and there is much more of it."""
    picture = 5000 + 8 * scene()
    picture[:, 300:] += 3000
    picture[80:] -= 4500
    assert missing_parts(frame(picture, white=1023.0)) == ()


def test_a_raw_with_lost_sectors_is_read_with_a_note(dark_dng: Path, sensor: Sensor, capture, tmp_path: Path) -> None:
    dn = read_raw(dark_dng).mosaic_dn
    dn[:32, :32] = 0
    write_dng(tmp_path / "lost.dng", dn, sensor, capture)
    assert "of its photosites are 0" in read_raw(tmp_path / "lost.dng").notes[-1]
    assert not any("are 0" in note for note in read_raw(tmp_path / "lost.dng", black=10.0).notes)
