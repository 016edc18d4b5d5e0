"""Lost sectors have a note, whatever came in their place; what cameras write has none."""

from pathlib import Path

import numpy as np
import pytest

from darkdiff_cli.cfa import Cfa
from darkdiff_cli.raw import RawFrame, read_raw
from darkdiff_cli.raw.black_level import BlackLevel
from darkdiff_cli.raw.missing_parts import missing_parts
from darkdiff_cli.synthesis import Sensor, write_dng

RGGB = Cfa.bayer("RGGB")
WHITE = 16383.0


def frame(mosaic: np.ndarray, black: float = 64.0) -> RawFrame:
    return RawFrame(mosaic, RGGB, BlackLevel.uniform(black), WHITE, (1.0, 1.0, 1.0))


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
    assert "pieces of rows, 128 photosites each, hold one value or random ones" in note


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
    assert missing_parts(frame(clips, black=0.0)) == ()


def test_a_raw_with_lost_sectors_is_read_with_a_note(dark_dng: Path, sensor: Sensor, capture, tmp_path: Path) -> None:
    dn = read_raw(dark_dng).mosaic_dn
    dn[:32, :32] = 0
    write_dng(tmp_path / "lost.dng", dn, sensor, capture)
    assert "of its photosites are 0" in read_raw(tmp_path / "lost.dng").notes[-1]
    assert not any("are 0" in note for note in read_raw(tmp_path / "lost.dng", black=10.0).notes)
