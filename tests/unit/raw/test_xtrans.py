"""X-Trans and other filters onto the half-size grid, and squares of one colour to Bayer."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from darkdiff_cli.cfa import Cfa
from darkdiff_cli.colour import srgb_decode, srgb_encode
from darkdiff_cli.raw import RawFrame, develop, network_input, read_raw, render_reference
from darkdiff_cli.raw.binning import SIGMA, binned, kernel, resampled
from darkdiff_cli.raw.black_level import BlackLevel
from darkdiff_cli.raw.rendering import render_linear
from darkdiff_cli.synthesis import Sensor, write_dng
from tests.conftest import psnr

XTRANS = Cfa(("GGRGGB", "GGBGGR", "BRGRBG", "GGBGGR", "GGRGGB", "RBGBRG"))
QUAD = Cfa(("RRGG", "RRGG", "GGBB", "GGBB"))
DIAGONAL = Cfa(("RGB", "GBR", "BRG"))
FILTERS = [XTRANS, XTRANS.seen_from(1, 2), DIAGONAL, Cfa(("RGB",)), Cfa(("RG", "BR"))]
COLOUR = (0.1, 0.25, 0.7)


def mosaic(cfa: Cfa, shape: tuple[int, int], values: tuple[float, float, float] = COLOUR) -> np.ndarray:
    return cfa.spread(tuple(values[site.colour] for site in cfa.sites), shape)


def frame(dn: np.ndarray, cfa: Cfa | None, **changes: object) -> RawFrame:
    return replace(RawFrame(dn, cfa, BlackLevel.uniform(0.0), 1.0, (1.0, 1.0, 1.0)), **changes)


@pytest.mark.parametrize("shape", [(36, 48), (31, 47), (12, 13)])
@pytest.mark.parametrize("cfa", FILTERS, ids=str)
def test_one_colour_stays_that_colour_to_the_edges(cfa: Cfa, shape: tuple[int, int]) -> None:
    """Weights add up to 1 at every place, and no photosite is taken for one of another colour."""
    pixels = develop(frame(mosaic(cfa, shape), cfa)).pixels
    assert pixels.shape == (shape[0] // 2, shape[1] // 2, 3)
    assert np.abs(pixels - np.array(COLOUR, np.float32)).max() < 1e-6


def test_a_pixel_is_the_weighted_mean_of_its_colours_photosites() -> None:
    dn = np.random.default_rng(0).uniform(-1, 1, (24, 24)).astype(np.float32)
    pixels = resampled(dn, XTRANS)
    colours = np.array([[["RGB".index(XTRANS.pattern[y % 6][x % 6])] for x in range(24)] for y in range(24)])[..., 0]
    y, x = np.mgrid[0:24, 0:24]
    for row, column in ((5, 5), (4, 6), (6, 4)):
        for colour in range(3):
            distance = (y - 2 * row - 0.5) ** 2 + (x - 2 * column - 0.5) ** 2
            weight = np.exp(-distance / (2 * SIGMA**2)) * (colours == colour)
            assert pixels[row, column, colour] == pytest.approx((weight * dn).sum() / weight.sum(), abs=1e-4)


def test_noise_keeps_zero_mean_and_negative_values() -> None:
    dark = np.random.default_rng(0).normal(0, 0.01, (600, 600)).astype(np.float32)
    pixels = binned(frame(dark, XTRANS))
    assert np.abs(pixels.mean(axis=(0, 1))).max() < 1e-4
    assert 0.45 < (pixels < 0).mean() < 0.55
    other = np.random.default_rng(1).normal(0, 0.01, (600, 600)).astype(np.float32)
    assert binned(frame(dark + other, XTRANS)) == pytest.approx(pixels + binned(frame(other, XTRANS)), abs=1e-6)


def test_colours_do_not_move_against_each_other() -> None:
    """The mean place of the photosites of a colour, over the pixels of a period, is the middle of the pixels."""
    for colour in range(3):
        sites = [site for row in (0, 2, 4) for column in (0, 2, 4) for site in kernel(XTRANS, colour, row, column)]
        down = sum(float(site.weight) * (site.down - 0.5) for site in sites) / 9
        across = sum(float(site.weight) * (site.across - 0.5) for site in sites) / 9
        assert (down, across) == pytest.approx((0.0, 0.0), abs=0.02)


def test_quad_bayer_is_averaged_to_bayer() -> None:
    dn = np.random.default_rng(0).uniform(0, 1, (16, 24)).astype(np.float32)
    small = dn.reshape(8, 2, 12, 2).mean(axis=(1, 3))
    expected = develop(frame(small, Cfa.bayer("RGGB"))).pixels
    assert develop(frame(dn, QUAD)).pixels == pytest.approx(expected)
    assert network_input(frame(dn, QUAD), 1.0, "camera", "raw-raw").shape == (4, 6, 4)


@pytest.mark.parametrize("start", [(1, 0), (0, 1), (3, 2)])
def test_a_quad_bayer_frame_may_begin_within_a_square(start: tuple[int, int]) -> None:
    turned = QUAD.seen_from(*start)
    pixels = develop(frame(mosaic(turned, (19, 22)), turned)).pixels
    assert pixels.shape[:2] == frame(np.zeros((19, 22)), turned).lrgb_shape
    assert np.abs(pixels - np.array(COLOUR, np.float32)).max() < 1e-6


@pytest.mark.parametrize("cfa", [XTRANS, QUAD.seen_from(1, 1), Cfa.bayer("GBRG"), None])
def test_a_crop_in_lrgb_pixels_is_the_crop_of_lrgb(cfa: Cfa | None) -> None:
    shape = (49, 61, 3) if cfa is None else (49, 61)
    whole = frame(np.random.default_rng(0).uniform(0, 1, shape).astype(np.float32), cfa)
    part = develop(whole.crop(3, 4, 7, 8)).pixels
    assert part.shape == (7, 8, 3)
    inner = slice(2, -2)  # X-Trans looks two pixels around
    assert part[inner, inner] == pytest.approx(develop(whole).pixels[3:10, 4:12][inner, inner], abs=1e-6)


def test_models_of_bayer_planes_refuse_other_filters_by_name() -> None:
    for dn, cfa, name in ((np.zeros((12, 12)), XTRANS, "X-Trans"), (np.zeros((12, 12, 3)), None, "demosaiced already")):
        with pytest.raises(ValueError, match=name):
            network_input(frame(dn, cfa), 1.0, "camera", "raw-srgb")


@pytest.mark.parametrize("area", [None, (0, 0, 96, 120), (5, 2, 95, 119), (3, 7, 96, 120)])
def test_the_pattern_of_a_file_begins_where_its_picture_does(area, sensor: Sensor, capture, tmp_path: Path) -> None:
    """Whatever the ActiveArea, a surface of one colour is read as that colour."""
    top, left = area[:2] if area else (0, 0)
    camera = replace(sensor, cfa=XTRANS)
    whole = mosaic(XTRANS.seen_from(-top, -left), (96, 120)) * 10_000 + 512
    whole[40, 40] += 1
    more = [] if area is None else [(50829, "I", 4, area, True)]
    write_dng(tmp_path / "xt.dng", whole.astype(np.uint16), camera, capture, more=more)
    read = read_raw(tmp_path / "xt.dng")
    assert read.cfa is not None
    assert read.cfa.name == "X-Trans"
    middle = develop(read, 1.0, "camera").pixels[4:-4, 4:-4]
    expected = np.array(COLOUR) * 10_000 / (16383 - 512) * np.array(sensor.white_balance)
    assert np.median(middle, axis=(0, 1)) == pytest.approx(expected, rel=2e-3)


@pytest.mark.parametrize("corner", [(0, 0), (1, 0), (3, 6)])
def test_a_quad_bayer_file_is_read_by_its_tag(corner, sensor: Sensor, capture, tmp_path: Path) -> None:
    """LibRaw's picture begins a row or a column later where the ActiveArea begins at an odd place."""
    camera = replace(sensor, cfa=QUAD)
    whole = np.rint(mosaic(QUAD.seen_from(-corner[0], -corner[1]), (64, 64)) * 10_000 + 512).astype(np.uint16)
    write_dng(tmp_path / "quad.dng", whole, camera, capture, more=[(50829, "I", 4, (*corner, 64, 64), True)])
    read = read_raw(tmp_path / "quad.dng")
    assert read.cfa is not None
    assert read.cfa.name.startswith("quad Bayer")
    expected = np.array(COLOUR) * 10_000 / (16383 - 512) * np.array(sensor.white_balance)
    assert develop(read, 1.0, "camera").pixels[3, 3] == pytest.approx(expected, rel=1e-3)


def test_clean_scenes_are_nearer_to_the_truth_than_libraws_half_size(shared: Path) -> None:
    import imageio.v3 as iio

    for name in ("kodim05", "kodim22", "mcm12"):
        folder = shared / "scenes_full"
        truth = srgb_decode(iio.imread(folder / f"{name}_truth.png").astype(np.float32) / 255)
        truth = srgb_encode(truth.reshape(246, 2, 246, 2, 3).mean(axis=(1, 3)))
        clean = read_raw(folder / f"{name}_xt_x1.dng")
        ours = psnr(render_linear(develop(clean)), truth)
        assert ours > psnr(render_reference(clean), truth) + 1
