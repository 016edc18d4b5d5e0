"""What `darkdiff preview` is made of: ratios, the reduced frame, places of the crop, the layout."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from darkdiff_cli.cfa import Cfa
from darkdiff_cli.colour import srgb_decode
from darkdiff_cli.enhancer import Enhancer, EnhanceSettings
from darkdiff_cli.enhancer.values import Rendered
from darkdiff_cli.photo import upright
from darkdiff_cli.preview.crop import in_sensor, make_crop, window_size
from darkdiff_cli.preview.pictures import Small, reduced, small_picture
from darkdiff_cli.preview.sheet import Cell, Row, draw_sheet
from darkdiff_cli.preview.shown import Look, PreviewSettings, beside, shown
from darkdiff_cli.progress import Progress
from darkdiff_cli.raw import (
    Exposure,
    ExposureSettings,
    RawFrame,
    corrected,
    develop,
    estimate_ratio,
    read_exposures,
    read_raw,
)
from darkdiff_cli.raw.black_level import BlackLevel
from darkdiff_cli.raw.noise import measure_noise
from darkdiff_cli.synthesis.unprocess import QUAD_BAYER
from darkdiff_models import SamplingSettings
from darkdiff_models.detail import Detail
from tests.conftest import make_pipeline


def frame(mosaic: np.ndarray, **settings: object) -> RawFrame:
    values = {"cfa": Cfa.bayer("RGGB"), "black_level": BlackLevel.uniform(500.0), "white_level": 16000.0}
    return RawFrame(mosaic, **{**values, "white_balance": (2.0, 1.0, 1.5), **settings})


@pytest.mark.parametrize(
    ("auto", "given", "line"),
    [
        (120.0, (), [30.0, 60.0, "auto", 240.0, 480.0]),
        (1.0, (), [0.25, 0.5, "auto", 2.0, 4.0]),
        (120.0, (300.0, 50.0), [50.0, "auto", 300.0]),
        (120.0, (120.0,), ["auto"]),
        (120.0, (200.0, 150.0), ["auto", 150.0, 200.0]),
    ],
)
def test_ratios_rise_with_the_automatic_one_among_them(auto: float, given: tuple, line: list) -> None:
    assert beside(auto, given) == line


@pytest.mark.parametrize(("aspect", "size"), [(1.0, (213, 320)), (2.0, (106, 160)), (0.5, (160, 240))])
def test_a_reduced_frame_fits_a_cell_and_keeps_the_light(aspect: float, size: tuple[int, int]) -> None:
    light = np.random.default_rng(0).normal(500.0, 40.0, (800, 1200)).astype(np.float32)
    light[::2, ::2] += 300.0  # red
    whole = frame(light, pixel_aspect=aspect, orientation=6)
    small = reduced(whole)
    assert small.lrgb_shape == size
    assert (small.orientation, small.pixel_aspect, small.white_balance) == (6, aspect, whole.white_balance)
    means = develop(small, 4.0, "camera").pixels.mean(axis=(0, 1))
    assert means == pytest.approx(develop(whole, 4.0, "camera").pixels.mean(axis=(0, 1)), abs=1e-3)
    noise = small.mosaic_dn[..., 0].std() / 40.0
    assert noise < 0.75
    spread = small.mosaic_dn[..., 0].std(axis=0)  # the same in every column: no grid
    assert spread.max() / spread.min() < 1.6


def test_a_small_frame_keeps_its_size() -> None:
    assert reduced(frame(np.full((80, 112), 600.0, np.float32))).lrgb_shape == (40, 56)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_place_is_found_in_the_sensor(orientation: int) -> None:
    sensor = np.zeros((40, 60, 3), np.float32)
    sensor[10, 45] = 1
    turned = upright(sensor, orientation)
    row, column = np.unravel_index(turned[..., 0].argmax(), turned.shape[:2])
    down, across = in_sensor((column + 0.5) / turned.shape[1], (row + 0.5) / turned.shape[0], orientation)
    assert (down * 40, across * 60) == pytest.approx((10.5, 45.5), abs=1e-3)


def test_the_window_becomes_a_square() -> None:
    mosaic = np.full((1200, 1600), 600.0, np.float32)
    assert window_size(frame(mosaic), 256) == (256, 256)
    assert window_size(frame(mosaic, pixel_aspect=2.0), 256) == (256, 128)
    assert window_size(frame(mosaic, pixel_aspect=0.5), 256) == (128, 256)
    assert window_size(frame(mosaic[:300]), 256) == (150, 256)


def test_one_reading_gives_what_each_white_balance_would_get_alone(shared: Path) -> None:
    for name in ("defcrop", "reference_mcm12_x100"):
        path, balances = shared / f"raws/field/{name}.dng", ("auto", "camera", 3200.0)
        for balance, got in zip(balances, read_exposures(path, ExposureSettings(), balances), strict=True):
            alone = corrected(read_raw(path), ExposureSettings(wb=balance))
            assert (got.ratio, got.frame.white_balance) == (estimate_ratio(alone), alone.white_balance)
            assert np.array_equal(got.frame.mosaic_dn, alone.mosaic_dn)


def test_the_crop_is_as_bright_as_the_photo(shoot, tmp_path: Path) -> None:
    """The white level is that of the whole picture: in the crop alone nothing is near it."""
    path = shoot(tmp_path / "a.dng", 4.0, 0.1)
    settings = PreviewSettings(ExposureSettings(), SamplingSettings(steps=1, views=1), ratios=(3.5,))
    enhancer = Enhancer("tiny", "cpu")
    look = next(look for look in shown(enhancer, path, settings).ratios if look.exposure.ratio == 3.5)
    small = small_picture(enhancer, look, settings.sampling)
    assert 1.05 < small.gain < 1.4
    crop = make_crop(enhancer, look, small, settings)
    assert srgb_decode(crop.srgb_01).mean() == pytest.approx(srgb_decode(small.srgb_01).mean(), rel=0.02)
    plain = replace(look, settings=replace(look.settings, white="file"))
    darker = small_picture(enhancer, plain, settings.sampling)
    assert darker.gain == 1
    assert srgb_decode(small.srgb_01).mean() > 1.03 * srgb_decode(darker.srgb_01).mean()


def test_the_crop_is_told_the_photos_noise(shoot, tmp_path: Path, monkeypatch) -> None:
    """What is measured on a crop alone differs, and with it what the network for full size takes for noise."""

    class Recording(Enhancer):
        seen: Exposure

        def render(self, exposure: Exposure, settings: EnhanceSettings, report: Progress | None = None) -> Rendered:
            self.seen = exposure
            return super().render(exposure, settings, report)

    monkeypatch.setattr("darkdiff_cli.preview.crop.CROP", 64)
    enhancer = Recording(pipeline=make_pipeline().with_detail(Detail((8, 16), (1, 1))))
    settings = PreviewSettings(ExposureSettings(), SamplingSettings(steps=1, views=1), ratios=(3.5,))
    look = shown(enhancer, shoot(tmp_path / "a.dng", 4.0, 0.1), settings).ratios[0]
    make_crop(enhancer, look, small_picture(enhancer, look, settings.sampling), settings)
    assert enhancer.seen.frame.mosaic_dn.size < look.exposure.frame.mosaic_dn.size
    assert measure_noise(enhancer.seen.frame) != look.exposure.noise
    assert enhancer.seen.noise == look.exposure.noise


@pytest.mark.parametrize("cfa", [Cfa.bayer("RGGB"), QUAD_BAYER], ids=str)
@pytest.mark.parametrize(("halved", "size"), [(False, None), (True, None), (False, "paper")])
def test_the_crop_has_its_size_whatever_the_filter(cfa: Cfa, halved: bool, size, monkeypatch) -> None:
    monkeypatch.setattr("darkdiff_cli.preview.crop.CROP", 64)
    enhancer = Enhancer(pipeline=make_pipeline().with_detail(Detail((8, 16), (1, 1))))
    mosaic = np.random.default_rng(0).integers(500, 3000, (320, 480)).astype(np.uint16)
    settings = PreviewSettings(ExposureSettings(), SamplingSettings(steps=1, size=size), halved, at=(50.0, 50.0))
    look = Look(Exposure(frame(mosaic, cfa=cfa), 4.0), ExposureSettings(ratio=4.0))
    crop = make_crop(enhancer, look, Small(np.full((60, 90, 3), 0.5, np.float32), 1.0), settings)
    assert crop.srgb_01.shape == (64, 64, 3)


def test_rows_are_as_high_as_their_highest_picture() -> None:
    def red(high: int, wide: int, level: int) -> Cell:
        return Cell("x", np.full((high, wide, 3), (level, 0, 0), np.uint8))

    rows = [
        Row("first", ((red(100, 320, 100), red(320, 213, 110)), (red(50, 50, 120),)), red(256, 256, 130)),
        Row("second", ((red(213, 320, 140),),), red(256, 200, 150)),
    ]
    sheet = draw_sheet("title", rows)
    assert sheet.shape == (830, 928, 3)
    places = {100: (68, 8), 110: (68, 336), 130: (68, 664), 120: (418, 8), 140: (536, 8), 150: (536, 664)}
    for level, place in places.items():
        rows_of, columns_of = np.nonzero((sheet == (level, 0, 0)).all(axis=-1))
        assert (rows_of.min(), columns_of.min()) == place


def test_a_row_that_cannot_be_shown_is_as_high_as_its_reason() -> None:
    short, long = (draw_sheet("title", [Row("name", reasons=(words,))]) for words in ("why", "why " * 60))
    assert short.shape == (38 + 30 + 22 + 8, 600, 3)
    assert long.shape == (38 + 30 + 4 * 22 + 8, 600, 3)
    assert (long[:, -8:] == 38).all()
    assert [(long[top : top + 22] != 38).any() for top in (68, 90, 112, 134)] == [True] * 4
