"""Defective photosites are replaced; stars, texture and noise stay."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from scipy.special import erf

from darkdiff_cli.cfa import Cfa
from darkdiff_cli.raw import ExposureSettings, RawFrame, read_raw
from darkdiff_cli.raw.black_level import BlackLevel
from darkdiff_cli.raw.defects import find_defects, without_defects
from darkdiff_cli.raw.neighbours import MARGIN, interpolated, padded, same_colour

BAYER = Cfa.bayer("RGGB")
QUAD = Cfa(("RRGG", "RRGG", "GGBB", "GGBB"))
XTRANS = Cfa(("GGRGGB", "GGBGGR", "BRGRBG", "GGBGGR", "GGRGGB", "RBGBRG"))
FILTERS = {"bayer": BAYER, "quad": QUAD, "xtrans": XTRANS}
BALANCE = (2.2, 1.0, 1.7)
SIDE = 240
BLACK, WHITE = 512.0, 16383.0


def colours(cfa: Cfa) -> np.ndarray:
    """(SIDE, SIDE) how much of white light a photosite sees."""
    return cfa.spread(tuple(1 / BALANCE[site.colour] for site in cfa.sites), (SIDE, SIDE))


def frame(light: np.ndarray, cfa: Cfa, dtype: str = "uint16") -> RawFrame:
    mosaic = light + BLACK
    mosaic = np.rint(mosaic).clip(0, WHITE) if dtype == "uint16" else mosaic
    return RawFrame(mosaic.astype(dtype), cfa, BlackLevel.uniform(BLACK), WHITE, BALANCE)


def noisy(light: np.ndarray, rng: np.random.Generator, read: float = 4.0) -> np.ndarray:
    return rng.poisson(light.clip(0) / 2.0) * 2.0 + rng.normal(0, read, light.shape)


def broken(rng: np.random.Generator, share: float = 1e-3) -> np.ndarray:
    return rng.random((SIDE, SIDE)) < share


@pytest.mark.parametrize("name", FILTERS)
@pytest.mark.parametrize("dtype", ["uint16", "float32"])
@pytest.mark.parametrize("kind", ["hot", "dead", "stuck"])
def test_defects_are_found_and_nothing_else(name: str, dtype: str, kind: str) -> None:
    cfa, rng = FILTERS[name], np.random.default_rng(1)
    slope = np.linspace(60, 400, SIDE)
    light = noisy(colours(cfa) * slope, rng)
    where = broken(rng)
    light[where] = {"hot": light[where] + 700, "dead": -BLACK, "stuck": 9000}[kind]
    found = find_defects(frame(light, cfa, dtype).above_black())
    assert (found & where).sum() >= 0.94 * where.sum()  # some lie side by side
    assert (found & ~where).sum() <= 1


@pytest.mark.parametrize("name", FILTERS)
def test_they_are_replaced_by_their_own_colour(name: str) -> None:
    cfa, rng = FILTERS[name], np.random.default_rng(2)
    clean = colours(cfa) * 300
    damaged, where = clean.copy(), broken(rng)
    damaged[where] += 3000
    mended = without_defects(frame(damaged, cfa, "float32"), ExposureSettings()).light_dn()
    assert np.abs(mended - clean).max() < 1e-3


def test_off_leaves_the_frame_as_it_is() -> None:
    light = colours(BAYER) * 300
    light[100, 100] = 9000
    read = frame(light, BAYER)
    assert without_defects(read, ExposureSettings(hot_pixels="off")) is read
    assert without_defects(read, ExposureSettings()) is not read
    clean = frame(colours(BAYER) * 300, BAYER)
    assert without_defects(clean, ExposureSettings()) is clean


@pytest.mark.parametrize("place", [(0, 0), (0, 5), (1, 0), (SIDE - 1, SIDE - 1), (SIDE - 2, 7), (9, SIDE - 1)])
@pytest.mark.parametrize("name", FILTERS)
def test_defects_at_the_border_are_found(name: str, place: tuple[int, int]) -> None:
    light = noisy(colours(FILTERS[name]) * 200, np.random.default_rng(3))
    light[place] += 4000
    found = find_defects(frame(light, FILTERS[name]).above_black())
    assert found[place]
    assert found.sum() == 1


def stars(rng: np.random.Generator, cfa: Cfa, blur: float, peak: float) -> tuple[np.ndarray, list[tuple[int, int]]]:
    """100 stars of several colours and magnitudes between photosites, and the photosites nearest to them."""
    light, places = np.zeros((SIDE, SIDE)), []
    for row in range(12, SIDE - 12, 22):
        for column in range(12, SIDE - 12, 22):
            y, x = row + rng.uniform(-0.5, 0.5), column + rng.uniform(-0.5, 0.5)
            down, across = (np.diff(erf((np.arange(SIDE + 1) - 0.5 - at) / (np.sqrt(2) * blur))) / 2 for at in (y, x))
            warmth = rng.uniform(0.7, 1.4)
            tint = cfa.spread(tuple((warmth, 1.0, 1 / warmth)[site.colour] for site in cfa.sites), (SIDE, SIDE))
            light += peak * 10 ** rng.uniform(-1.5, 0) * np.outer(down, across) * tint
            places.append((row, column))
    return light, places


@pytest.mark.parametrize("blur", [0.5, 0.7, 1.0])
@pytest.mark.parametrize("name", FILTERS)
def test_no_star_is_lost(name: str, blur: float) -> None:
    cfa, rng = FILTERS[name], np.random.default_rng(4)
    spread, places = stars(rng, cfa, blur, 40_000.0)
    clean = colours(cfa) * (spread + 40)
    light = noisy(clean, rng).clip(-BLACK, WHITE - BLACK)
    mended = without_defects(frame(light, cfa, "float32"), ExposureSettings()).light_dn()
    assert len(places) == 100
    for row, column in places:
        around = np.s_[row - 3 : row + 4, column - 3 : column + 4]
        sky = clean[around].min() * light[around].size
        assert mended[around].sum() - sky > 0.95 * (light[around].sum() - sky)


def test_a_hot_pixel_is_told_from_a_star_of_its_own_brightness() -> None:
    rng = np.random.default_rng(5)
    spread, places = stars(rng, BAYER, 0.8, 20_000.0)
    light = noisy(colours(BAYER) * (spread + 40), rng)
    for row, column in places[::4]:
        light[row + 9, column + 9] += light[row - 1 : row + 2, column - 1 : column + 2].max() + 300
    found = find_defects(frame(light, BAYER).above_black())
    assert {(row + 9, column + 9) for row, column in places[::4]} == set(
        zip(*map(list, np.nonzero(found)), strict=True)
    )


@pytest.mark.parametrize("level", [0.0, 2.0, 20.0, 2000.0])
@pytest.mark.parametrize("name", FILTERS)
def test_noise_is_no_defect(name: str, level: float) -> None:
    """Also where single electrons are many DN, and where the tail of read noise is heavy."""
    rng = np.random.default_rng(6)
    light = rng.poisson(colours(FILTERS[name]) * level / 8) * 8.0 + 2 * rng.laplace(size=(SIDE, SIDE))
    assert find_defects(frame(light, FILTERS[name]).above_black()).sum() == 0


def test_lines_and_edges_of_the_scene_stay() -> None:
    rng = np.random.default_rng(7)
    scene = np.full((SIDE, SIDE), 400.0)
    scene[:, 60] = scene[90] = 3000  # wires
    scene[np.arange(SIDE), np.arange(SIDE)] = 3000
    scene[150:, 150:] = 20
    light = noisy(colours(BAYER) * gaussian_filter(scene, 0.5), rng)
    assert find_defects(frame(light, BAYER).above_black()).sum() == 0


def test_neighbours_have_the_same_colour_and_go_on_beyond_the_border() -> None:
    for cfa in FILTERS.values():
        letters = np.array([[ord(letter) for letter in row] for row in cfa.pattern])
        tiled = np.tile(letters, (6, 6))
        wide = padded(tiled, cfa)
        index = padded(np.arange(tiled.size).reshape(tiled.shape), cfa)
        for row, column in np.ndindex(tiled.shape):
            offsets = same_colour(cfa, row, column, 8)
            assert len(set(offsets)) == 8
            for down, across in offsets:
                assert wide[MARGIN + row + down, MARGIN + column + across] == tiled[row, column]
                assert index[MARGIN + row + down, MARGIN + column + across] != row * tiled.shape[1] + column


def test_a_hole_is_filled_from_its_rim() -> None:
    light = np.full((40, 40), 50.0, np.float32)
    lost = np.zeros((40, 40), bool)
    lost[5:35, 8:36] = True
    lost[0] = True
    np.testing.assert_allclose(
        interpolated(np.where(lost, 1e6, light).astype(np.float32), lost, BAYER), light, rtol=1e-5
    )
    assert interpolated(light, np.ones_like(lost), BAYER).shape == (40, 40)  # nothing to fill it from


@pytest.mark.parametrize(("name", "left"), [("hot_x10", 10), ("dead_x10", 10)])
def test_hardly_any_defect_of_a_real_scene_stays_visible(name: str, left: int, shared: Path) -> None:
    """Two frames that differ in their 377 defects alone, in 376 quads."""
    field = shared / "raws" / "field"
    frames = {other: read_raw(field / f"{other}.dng") for other in ("hot_x10", "dead_x10")}
    where = frames["hot_x10"].mosaic_dn != frames["dead_x10"].mosaic_dn
    read = frames[name].above_black()
    truth = interpolated(read.light_dn(), where, BAYER)
    mended = without_defects(read, ExposureSettings()).light_dn()
    quads = np.abs(mended - truth).reshape(256, 2, 256, 2).max(axis=(1, 3)) > 0.1 * truth.mean()
    assert where.reshape(256, 2, 256, 2).any(axis=(1, 3)).sum() == 376
    assert quads.sum() < left


@pytest.mark.parametrize("name", ["stars_x1", "stars_x8"])
def test_no_star_of_a_real_sky_is_touched(name: str, shared: Path) -> None:
    read = read_raw(shared / "raws" / "field" / f"{name}.dng").above_black()
    rows, columns = np.nonzero(find_defects(read))
    assert len(rows) <= 1
    assert all(read.light_dn()[row, column] < 100 for row, column in zip(rows, columns, strict=True))  # no star


@pytest.mark.parametrize("folder", ["scenes_dev", "raws/field"])
def test_clean_noisy_frames_stay_as_they_are(folder: str, shared: Path) -> None:
    names = [
        *(shared / folder).glob("*_x250.dng"),
        *(shared / folder).glob("*_x300.dng"),
        *(shared / folder).glob("reference_*.dng"),
    ]
    changed = pixels = 0
    for path in names:
        read = read_raw(path)
        changed += int(find_defects(read.above_black()).sum())
        pixels += read.mosaic_dn.size
    assert len(names) > 3
    assert changed < 1e-5 * pixels


def test_a_demosaiced_frame_is_left_alone() -> None:
    light = np.full((60, 60, 3), 700, np.uint16)
    light[30, 30] = 9000
    read = replace(frame(colours(BAYER), BAYER), mosaic_dn=light, cfa=None)
    assert without_defects(read, ExposureSettings()) is read


def test_a_step_of_a_coarse_table_is_no_defect() -> None:
    """8 bit spread over 14, as a linearization table does: a dark frame has three values, 23 DN apart."""
    rng = np.random.default_rng(6)
    values = 23.0 * (rng.random((SIDE, SIDE)) < 0.08) + 23.0 * (rng.random((SIDE, SIDE)) < 0.002)
    values[50, 60] = 2300.0
    found = find_defects(frame(values, BAYER).above_black())
    assert np.argwhere(found).tolist() == [[50, 60]]
