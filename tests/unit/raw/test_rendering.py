"""The white of the finished picture, beside LibRaw's own."""

from pathlib import Path

import numpy as np
import pytest

from darkdiff_cli.cfa import Cfa
from darkdiff_cli.raw import RawFrame, finish, read_raw, render_reference
from darkdiff_cli.raw.black_level import BlackLevel
from darkdiff_cli.synthesis import Sensor, unprocess, write_dng

GREY = np.eye(3), (1.0, 1.0, 1.0)


def grey_frame() -> RawFrame:
    matrix, balance = GREY
    return RawFrame(np.zeros((4, 4)), Cfa.bayer("RGGB"), BlackLevel.uniform(0.0), 1.0, balance, matrix)


def adjusted_white(made: np.ndarray, of: RawFrame, ratio: float) -> np.ndarray:
    return finish(made, of, ratio, "auto").srgb_01


def grey_picture(bright: float, share: float = 0.2) -> np.ndarray:
    """A ramp up to linear 0.5 with a flat area of linear `bright`, as sRGB."""
    linear = np.linspace(0.0, 0.5, 100 * 100)
    linear[: round(share * linear.size)] = bright
    srgb = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.repeat(srgb.reshape(100, 100, 1), 3, axis=2).astype(np.float32)


@pytest.fixture
def clean_frame(photograph: np.ndarray, sensor: Sensor, capture, tmp_path: Path):
    """clean_frame(exposure): a noise-free raw file of the photograph."""

    def make(exposure: float) -> RawFrame:
        path = tmp_path / f"{exposure}.dng"
        write_dng(path, np.rint(unprocess(photograph, sensor, exposure)).astype(np.uint16), sensor, capture)
        return read_raw(path)

    return make


def brightest(frame: RawFrame) -> float:
    return (float(frame.mosaic_dn.max()) - frame.black_level.mean) / (frame.white_level - frame.black_level.mean)


def test_white_is_libraws_adjusted_white(clean_frame) -> None:
    frame = clean_frame(1.0)
    assert 0.8 < brightest(frame) < 0.98
    by_levels, adjusted = render_reference(frame), render_reference(frame, adjust_maximum=True)
    assert np.abs(by_levels - adjusted).max() > 0.02
    for ratio in (1.0, 100.0):
        assert np.abs(adjusted_white(by_levels, frame, ratio) - adjusted).max() < 2e-3


@pytest.mark.parametrize("exposure", [0.8, 2.0])
def test_white_stays_where_libraw_leaves_it(clean_frame, exposure: float) -> None:
    frame = clean_frame(exposure)
    assert not 0.75 < brightest(frame) < 1.0
    picture = render_reference(frame, adjust_maximum=True)
    assert np.array_equal(picture, render_reference(frame))
    assert np.array_equal(adjusted_white(picture, frame, 1.0), picture)
    assert np.array_equal(adjusted_white(picture, frame, 100.0), picture)


def test_a_single_bright_pixel_is_white_only_where_nothing_was_amplified() -> None:
    picture = grey_picture(0.5)
    picture[50, 50] = 0.95
    assert np.array_equal(adjusted_white(picture, grey_frame(), 100.0), picture)
    assert adjusted_white(picture, grey_frame(), 1.0)[50, 50] == pytest.approx(1.0)


def test_a_spark_does_not_say_what_white_is() -> None:
    """Of an amplified picture whose brightest area is at 0.85, one pixel at 0.99: the area is shown as nearly white."""
    picture = grey_picture(0.85)
    area, spark = picture[0, 0, 0], picture.copy()
    spark[90, 90] = 0.995
    with_spark = adjusted_white(spark, grey_frame(), 100.0)[0, 0, 0]
    assert adjusted_white(picture, grey_frame(), 100.0)[0, 0, 0] == pytest.approx(1.0, abs=1e-3)
    assert with_spark > 0.98
    assert adjusted_white(spark, grey_frame(), 1.0)[0, 0, 0] < area + 0.01


def test_white_never_jumps_with_the_light() -> None:
    levels = np.linspace(0.70, 1.0, 301)
    shown = [adjusted_white(grey_picture(level), grey_frame(), 100.0)[0, 0, 0] for level in levels]
    assert np.diff(shown).max() < 0.006  # a thousandth more light, at most
    assert np.allclose([value for value, level in zip(shown, levels, strict=True) if level > 0.8], 1.0, atol=1e-3)


def test_nothing_gets_darker() -> None:
    picture = np.random.default_rng(0).uniform(0.0, 0.93, (64, 64, 3)).astype(np.float32)
    assert (adjusted_white(picture, grey_frame(), 100.0) >= picture - 1e-6).all()


def test_the_files_white_leaves_the_picture_alone() -> None:
    picture = grey_picture(0.85)
    assert np.array_equal(finish(picture, grey_frame(), 100.0, "file").srgb_01, picture)
    assert np.abs(finish(picture, grey_frame(), 100.0, "auto").srgb_01 - picture).max() > 0.05
