"""What must hold for every value: tiles, framing, filters, black patterns, ratio, exposure, EXIF there and back."""

import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from darkdiff_cli.capture import EXIF, CaptureMetadata
from darkdiff_cli.capture.metadata import NAMED
from darkdiff_cli.cfa import Cfa
from darkdiff_cli.photo import Provenance
from darkdiff_cli.photo.exif import Pixels, exif_block
from darkdiff_cli.raw import ExposureSettings, RawFrame, develop, estimate_ratio
from darkdiff_cli.raw.black_level import BlackLevel
from darkdiff_cli.raw.exposure import exposed
from darkdiff_cli.raw.framing import Window
from darkdiff_cli.raw.metadata.exif import read_own
from darkdiff_cli.raw.metadata.values import clean
from darkdiff_models.tiling.framing import MARGIN, framed, unframed
from darkdiff_models.tiling.tiles import Blend, Tiles

quick = settings(max_examples=40, deadline=None, derandomize=True)
"""The same examples every time, so that a change of the code is all that can make a test fail."""
sides = st.integers(1, 60)
places = st.integers(0, 40)
bayer = st.sampled_from([Cfa.bayer(order) for order in ("RGGB", "BGGR", "GBRG", "GRBG")])


@st.composite
def filters(draw: st.DrawFn) -> Cfa:
    """A pattern of up to 6x6 photosites."""
    wide = draw(st.integers(1, 6))
    rows = draw(st.lists(st.text("RGB", min_size=wide, max_size=wide), min_size=1, max_size=6))
    return Cfa(tuple(rows))


@st.composite
def black_levels(draw: st.DrawFn, shape: tuple[int, int]) -> BlackLevel:
    """A pattern of up to 4x4 levels, with what rows and columns add."""
    repeat = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    level = st.integers(-2000, 2000).map(lambda value: value / 4)
    lines = [draw(st.just([]) | st.lists(level, min_size=side, max_size=side)) for side in shape]
    values = draw(st.lists(level, min_size=repeat[0] * repeat[1], max_size=repeat[0] * repeat[1]))
    return BlackLevel(tuple(values), repeat, tuple(lines[0]), tuple(lines[1]))


@quick
@given(sides, sides, st.integers(1, 40), st.integers(0, 20), st.sampled_from([1, 2, 4]))
def test_tiles_cover_each_pixel_and_blend_into_the_map_that_they_were_cut_from(high, wide, tile, overlap, grid) -> None:
    assume(overlap <= tile - grid and tile % grid == 0)
    tiles = Tiles.cover(high, wide, tile, overlap, grid)
    whole = torch.rand(1, 2, high, wide)
    blend = Blend(tiles, 2, whole)
    for index in range(len(tiles.corners)):
        blend.add((index,), tiles.crops(whole, (index,)))
    assert blend.weight.min() > 0
    assert torch.allclose(blend.result(), whole, atol=1e-5)
    assert max(tiles.tile_height, tiles.tile_width) <= max(tile, grid)


@quick
@given(sides, sides, st.sampled_from([8, 16, 24]))
def test_a_margin_is_taken_off_again(high: int, wide: int, multiple: int) -> None:
    image = torch.rand(3, high, wide)
    larger = framed(image, multiple)
    assert unframed(larger, high, wide).equal(image)
    assert [side % multiple for side in larger.shape[-2:]] == [0, 0]
    assert min(larger.shape[-2] - high, larger.shape[-1] - wide) >= 2 * MARGIN


@quick
@given(filters(), places, places, places, places)
def test_a_filter_turns_with_its_crop(cfa: Cfa, top: int, left: int, more: int, further: int) -> None:
    values = tuple(float(index) for index in range(len(cfa.sites)))
    whole, turned = cfa.spread(values, (60, 60)), cfa.seen_from(top, left)
    colours = {value: site.colour for value, site in zip(values, cfa.sites, strict=True)}
    seen = turned.spread(tuple(float(site.colour) for site in turned.sites), (60 - top, 60 - left))
    assert np.vectorize(colours.get)(whole[top:, left:]).tolist() == seen.tolist()
    assert turned.seen_from(more, further) == cfa.seen_from(top + more, left + further)
    assert cfa.transposed.seen_from(left, top) == turned.transposed
    assert cfa.transposed.transposed == cfa


@quick
@given(filters(), sides, sides)
def test_the_planes_of_a_filter_hold_each_photosite_once(cfa: Cfa, high: int, wide: int) -> None:
    mosaic = np.zeros((high, wide), np.int64)
    for site in cfa.sites:
        cfa.plane(mosaic, site)[...] += 1
    assert mosaic.min() == mosaic.max() == 1


@quick
@given(st.data(), st.integers(0, 20), st.integers(0, 20))
def test_a_black_level_is_that_of_each_crop(data: st.DataObject, top: int, left: int) -> None:
    black = data.draw(black_levels((32, 28)))
    mosaic = np.random.default_rng(0).integers(0, 4000, (32, 28)).astype(np.uint16)
    light = black.subtracted_from(mosaic)
    part = black.seen_from(top, left, 8, 7).subtracted_from(mosaic[top : top + 8, left : left + 7])
    assert part.tolist() == light[top : top + 8, left : left + 7].tolist()
    assert float((mosaic - light).max()) <= black.highest


@quick
@given(st.tuples(*[st.integers(-50, 100)] * 2, *[st.integers(0, 100)] * 2), st.tuples(*[st.integers(0, 100)] * 4))
def test_a_crop_lies_inside_the_frame(crop, frame) -> None:
    window, outer = Window(*crop), Window(*frame)
    part = window.inside(outer)
    if part is not None:
        assert min(part.top, part.left) >= 0
        assert part.top + part.height <= outer.height
        assert part.left + part.width <= outer.width
        assert outer.top + part.top >= window.top
        assert outer.left + part.left >= window.left
        assert outer.top + part.top + part.height <= window.top + window.height
        assert outer.left + part.left + part.width <= window.left + window.width


def wall(light: float, cfa: Cfa, black: float = 512.0, white: float = 16_000.0) -> RawFrame:
    """A lit wall in a gradient, of so much light at most; 1 is saturation. No noise."""
    y, x = np.mgrid[0:64, 0:96]
    share = light * (0.5 + 0.25 * (y / 64) + 0.25 * (x / 96))
    mosaic = (black + share * (white - black)).astype(np.float32)
    return RawFrame(mosaic, cfa, BlackLevel.uniform(black), white, (1.0, 1.0, 1.0))


@quick
@given(st.floats(0.02, 0.2), st.floats(1.1, 4.0), bayer)
def test_half_the_light_is_amplified_twice(light: float, times: float, cfa: Cfa) -> None:
    bright, dark = (estimate_ratio(wall(light / by, cfa)) for by in (1, times))
    assume(bright > 1)
    assert dark / bright == pytest.approx(times, rel=0.1)  # it has two digits


@quick
@given(st.floats(0.01, 0.2), st.integers(-500, 2000), bayer)
def test_a_ratio_knows_nothing_of_the_black_level(light: float, more: int, cfa: Cfa) -> None:
    plain, lifted = wall(light, cfa), wall(light, cfa, 512.0 + more, 16_000.0 + more)
    assert estimate_ratio(lifted) == pytest.approx(estimate_ratio(plain), rel=0.1)


@quick
@given(st.floats(0.1, 300.0), st.floats(-6.0, 6.0), st.sampled_from(["RGGB", "GBRG"]))
def test_a_stop_is_a_factor_of_two_on_everything_below_saturation(ratio: float, ev: float, order: str) -> None:
    frame = wall(0.01, Cfa.bayer(order))
    used = exposed(frame, ExposureSettings(ratio=ratio, ev=ev), 1, None).ratio
    assert used == pytest.approx(ratio * 2**ev)
    assume(used < 90)
    once, twice = develop(frame, used / 2, "camera").pixels, develop(frame, used, "camera").pixels
    assert twice == pytest.approx(2 * once, rel=1e-5)


names = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=30)
shots = st.builds(
    CaptureMetadata,
    make=st.none() | names,
    lens=st.none() | names,
    exposure_time=st.none() | st.floats(1e-4, 1e4),
    aperture=st.none() | st.floats(0.7, 64.0),
    iso=st.none() | st.integers(1, 65_535),
    focal_length=st.none() | st.floats(1.0, 2000.0),
)


@quick
@given(shots)
def test_exif_is_read_as_it_was_written(shot: CaptureMetadata) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "block.tif"
        path.write_bytes(exif_block(replace(shot, model="a model"), Provenance({"ratio": 2.0}), Pixels(6, 4, True)))
        found = read_own(path, None).exif
    for name in ("make", "lens", "exposure_time", "aperture", "iso", "focal_length"):
        number, value = NAMED[name], getattr(shot, name)
        read = clean(number, EXIF[number], found[number]) if number in found else None
        if isinstance(value, float):
            assert float(read) == pytest.approx(value, rel=1e-3)
        else:
            assert read == value
