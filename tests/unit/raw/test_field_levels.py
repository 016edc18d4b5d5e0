"""Black and white level of raws as cameras write them, each beside its healthy twin."""

from pathlib import Path

import numpy as np
import pytest

from darkdiff_cli.raw import RawFrame, develop, read_raw
from darkdiff_cli.raw.black_level import BlackLevel
from darkdiff_cli.raw.clipped_black import without_clipped_noise
from darkdiff_cli.raw.settings import ExposureSettings


@pytest.fixture
def field(shared: Path):
    def read(name: str) -> RawFrame:
        return read_raw(shared / "raws" / "field" / f"{name}.dng")

    return read


def colour_means(frame: RawFrame) -> list[float]:
    """Means of red, green and blue above black."""
    light = frame.light_dn()
    return [
        float(np.mean([frame.cfa.plane(light, site).mean() for site in frame.cfa.sites if site.colour == colour]))
        for colour in range(3)
    ]


def phase_means(frame: RawFrame, period: int) -> np.ndarray:
    """(period, period) means above black of every photosite of a pattern, each against its own colour's mean."""
    light = frame.light_dn()
    means = np.array([[light[row::period, column::period].mean() for column in range(period)] for row in range(period)])
    for row, column in np.ndindex(2, 2):
        means[row::2, column::2] /= means[row::2, column::2].mean()
    return means


def test_lit_borders_are_no_optical_black(field) -> None:
    frame, twin = field("active_x100"), field("reference_full_x100")
    assert frame.black_level == BlackLevel.uniform(512.0)
    assert colour_means(frame) == pytest.approx(colour_means(twin), rel=1e-6)


@pytest.mark.parametrize("name", ["ob_bad150", "ob_bad1000"])
def test_bad_columns_do_not_count(field, name: str) -> None:
    black = field(name).black_level
    assert black.pattern.ravel() == pytest.approx([512.0] * 4, abs=0.15)


@pytest.mark.parametrize(
    ("name", "cfa", "levels"),
    [("odd_diff", "BGGR", (518, 512, 512, 508)), ("oddleft_diff", "GRBG", (512, 508, 518, 512))],
)
def test_levels_turn_with_an_odd_active_area(field, name: str, cfa: str, levels: tuple[int, ...]) -> None:
    frame, twin = field(name), field("reference_even_diff")
    assert str(frame.cfa) == cfa
    assert frame.black_level == BlackLevel(tuple(map(float, levels)), (2, 2))
    assert colour_means(frame) == pytest.approx(colour_means(twin), rel=0.005)


@pytest.mark.parametrize("name", ["black8x8", "black4x4", "deltaV", "deltaH", "float32_black"])
def test_every_part_of_the_level_is_subtracted(field, name: str) -> None:
    frame = field(name)
    assert colour_means(frame) == pytest.approx([14.9, 21.3, 7.4], rel=0.04)
    assert phase_means(frame, 8) == pytest.approx(np.ones((8, 8)), abs=0.04)


@pytest.mark.parametrize("name", ["deltaV", "deltaH", "float32_black"])
def test_the_light_is_that_of_the_twin(field, name: str) -> None:
    difference = field(name).light_dn() - field("reference_mcm12_x100").light_dn()
    assert np.abs(difference).max() <= (0.51 if name == "float32_black" else 1e-4)  # the twin is of whole numbers
    assert difference.mean() == pytest.approx(0, abs=0.002)


def test_deltas_and_masked_pixels_agree(field) -> None:
    """BlackLevel 0 and 256 in each of 400 rows; the masked columns have a mean of 255.98."""
    black = field("deltaV400d").black_level
    assert black.rows == (256.0,) * 400
    assert black.pattern.ravel() == pytest.approx([0.0] * 4, abs=0.05)


@pytest.mark.parametrize("name", ["sat12500_x1", "sat15000_x1"])
def test_clipped_lamps_are_white(field, name: str) -> None:
    frame = field(name)
    assert frame.white_level == float(name[3:8])
    lamp = (frame.mosaic_dn == frame.mosaic_dn.max())[:512, :512].reshape(256, 2, 256, 2).all(axis=(1, 3))
    assert lamp.sum() > 2000
    assert develop(frame, lrgb_space="camera").pixels[lamp] == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize("name", ["stars_x1", "moon_x1", "fish200_x1", "hot_x10", "stars_x8", "reference_wall", "lin8"])
def test_what_does_not_clip_below_white_keeps_it(field, name: str) -> None:
    assert field(name).white_level == 16_383.0


def test_shadows_clipped_at_zero_are_those_of_the_twin(field) -> None:
    clipped, twin = field("clip0"), field("reference_noclip")
    repaired = without_clipped_noise(clipped, ExposureSettings())

    def blocks(frame: RawFrame) -> np.ndarray:
        return develop(frame, 300.0).pixels.reshape(16, 16, 16, 16, 3).mean(axis=(1, 3))

    truth = blocks(twin)
    dark = truth.mean(axis=-1) < np.quantile(truth.mean(axis=-1), 0.2)
    cast, left = ((blocks(frame) - truth)[dark].mean(axis=0) for frame in (clipped, repaired))
    assert cast.max() > 0.06  # red and blue: 1.5 DN at balances of 2.3 and 1.7
    assert np.abs(left).max() < 0.006
    assert np.sqrt(np.mean((blocks(repaired) - truth) ** 2)) < 0.01


@pytest.mark.parametrize("name", ["reference_noclip", "lin8", "dead_x10", "fish200_x20", "moon_x1", "black8x8"])
def test_what_was_not_clipped_at_zero_is_not_touched(field, name: str) -> None:
    frame = field(name)
    assert without_clipped_noise(frame, ExposureSettings()) is frame
