"""Quad Bayer and larger squares of one colour: whole ones, and the Bayer sensor that they make up."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from darkdiff_cli.cfa import Cfa
from darkdiff_cli.raw import ExposureSettings, read_exposure, read_raw
from darkdiff_cli.raw.black_level import BlackLevel
from darkdiff_cli.raw.distortion import Distortion
from darkdiff_cli.raw.frame import NO_BLACK, RawFrame
from darkdiff_cli.raw.noise import MeasuredNoise
from darkdiff_cli.raw.report.reading import read_report
from darkdiff_cli.raw.sparse import noise_of_colours, sparse_colours
from darkdiff_cli.raw.squares import as_bayer, in_whole_squares
from darkdiff_cli.synthesis import Sensor, write_dng
from darkdiff_cli.synthesis.unprocess import QUAD_BAYER as QUAD
from darkdiff_models.detail import Samples

NONA = Cfa(("GGGRRR",) * 3 + ("BBBGGG",) * 3)


def frame(shape: tuple[int, int], cfa: Cfa, **more: object) -> RawFrame:
    dn = np.arange(shape[0] * shape[1], dtype=np.uint16).reshape(shape) + 100
    return RawFrame(dn, cfa, BlackLevel.uniform(100.0), 60_100.0, (2.0, 1.0, 1.5), **more)


@pytest.mark.parametrize(("cfa", "side", "order"), [(QUAD, 2, "RGGB"), (NONA, 3, "GRBG")])
def test_a_square_becomes_its_mean_above_black(cfa: Cfa, side: int, order: str) -> None:
    small = as_bayer(frame((12, 24), cfa))
    light = np.arange(12 * 24, dtype=np.float32).reshape(12 // side, side, 24 // side, side)
    assert small.cfa == Cfa.bayer(order)
    assert np.array_equal(small.mosaic_dn, light.mean(axis=(1, 3)))
    assert (small.black_level, small.white_level) == (NO_BLACK, 60_000.0)


def test_what_fills_no_whole_square_is_dropped() -> None:
    small = as_bayer(frame((13, 16), QUAD.seen_from(1, 2)))
    assert small.cfa == Cfa.bayer("BGGR")
    assert small.mosaic_dn.shape == (6, 8)
    assert small.mosaic_dn[0, 0] == np.mean([16, 17, 32, 33])  # the second row begins a square


@pytest.mark.parametrize(
    ("start", "crop", "squares"),
    [
        ((0, 0), (4, 8, 8, 12), (2, 4, 4, 6)),
        ((0, 0), (3, 7, 8, 12), (2, 4, 3, 5)),  # from within a square to within another: whole ones alone
        ((1, 1), (0, 0, 16, 20), (0, 0, 7, 9)),
        ((1, 1), (5, 3, 6, 8), (2, 1, 3, 4)),
    ],
)
def test_the_cameras_crop_is_counted_in_squares(start, crop, squares) -> None:
    whole = frame((16, 24), QUAD.seen_from(*start), camera_crop=crop)
    assert as_bayer(whole).camera_crop == squares


def test_a_lens_stays_where_it_was() -> None:
    """The middle of the first square of a frame that begins within one lies at photosite 1.5."""
    lens = Distortion((1.0, 0.1, 0.0, 0.0, 0.0, 0.0), False, (7.5, 11.5), 14.0)
    bent = as_bayer(frame((17, 25), QUAD.seen_from(1, 1), distortion=lens)).distortion
    assert bent == replace(lens, centre=(3.0, 5.0), radius=7.0)


def test_other_filters_stay_as_they_are() -> None:
    for cfa in (Cfa.bayer("RGGB"), Cfa.monochrome(), Cfa(("RGB", "GBR", "BRG"))):
        whole = frame((12, 12), cfa)
        assert as_bayer(whole) is whole


def test_quad_bayer_keeps_its_whole_squares_and_larger_ones_become_bayer() -> None:
    whole = frame((17, 26), QUAD.seen_from(1, 2), camera_crop=(2, 1, 11, 21))
    kept = in_whole_squares(whole, ExposureSettings())
    assert kept.cfa == QUAD.seen_from(2, 2)
    assert np.array_equal(kept.mosaic_dn, whole.mosaic_dn[1:17, :])
    assert kept.camera_crop == (2, 2, 10, 20)  # whole squares alone
    assert np.array_equal(as_bayer(kept).mosaic_dn, as_bayer(whole).mosaic_dn)
    nona = frame((12, 24), NONA)
    assert np.array_equal(in_whole_squares(nona, ExposureSettings()).mosaic_dn, as_bayer(nona).mosaic_dn)
    bayer = frame((12, 12), Cfa.bayer("RGGB"))
    assert in_whole_squares(bayer, ExposureSettings()) is bayer


def test_squares_are_joined_on_the_mosaic_as_in_its_samples() -> None:
    whole = frame((16, 24), QUAD.seen_from(2, 0))
    noise, quarter = MeasuredNoise(3.0, 20.0), MeasuredNoise(3.0 / 4, 20.0 / 2)
    seen, joined = (
        Samples.of_arrays(*sparse_colours(one, 4.0), noise_of_colours(one, 4.0, known), np.eye(3))
        for one, known in ((whole, noise), (as_bayer(whole), quarter))
    )
    assert seen.in_squares.tolist() == [True]
    assert joined.in_squares.tolist() == [False]
    made = seen.of_squares()
    for name in ("colours", "mask", "noise"):
        torch.testing.assert_close(getattr(made, name), getattr(joined, name))


def test_a_photo_of_quad_bayer_has_the_sensors_size(sensor: Sensor, capture, tmp_path: Path) -> None:
    dn = np.random.default_rng(0).integers(600, 700, (64, 96), dtype=np.uint16)
    write_dng(tmp_path / "quad.dng", dn, replace(sensor, cfa=QUAD), capture)
    assert read_raw(tmp_path / "quad.dng").cfa == QUAD
    seen = read_exposure(tmp_path / "quad.dng", ExposureSettings(line_noise="off", hot_pixels="off")).frame
    assert seen.cfa == QUAD
    assert seen.light_dn() == pytest.approx(dn.astype(np.float32) - 512, abs=1e-3)
    report = read_report(tmp_path / "quad.dng")
    assert (report.sensor.size, report.sensor.picture) == ((96, 64), (96, 64))
