"""Where the sensor stops counting, and what white is then."""

import tracemalloc

import numpy as np
import pytest

from darkdiff_cli.cfa import Cfa
from darkdiff_cli.raw.black_level import BlackLevel
from darkdiff_cli.raw.dng_tags import COMPRESSION, LOSSY_JPEG, WHITE_LEVEL, DngTags
from darkdiff_cli.raw.levels import Readout, white_level
from darkdiff_cli.raw.levels.clipping import clipping_level

BLACK, WHITE, CLIP = 512.0, 16383.0, 12500.0
RGGB = Cfa.bayer("RGGB")


def lamps(peak: float = 25_000.0, gain: float = 1.0, size: int = 160, seed: int = 0) -> np.ndarray:
    """(size, size) of one colour above black, not clipped: a lamp in each corner over a dim scene; shot noise."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:size, 0:size] / size - 0.5
    clean = 500 + peak * np.exp(-((np.abs(x) - 0.3) ** 2 + (np.abs(y) - 0.3) ** 2) / 0.02)
    return clean + np.sqrt(gain * clean) * rng.normal(0, 1, clean.shape)


def counted(light: np.ndarray, clip: float = CLIP) -> np.ndarray:
    return np.rint(np.minimum(light + BLACK, clip)).astype(np.uint16)


@pytest.mark.parametrize("clip", [8000.0, CLIP, 15_000.0])
def test_the_pile_is_found_to_the_dn(clip: float) -> None:
    assert clipping_level(counted(lamps(), clip), BLACK, WHITE) == clip


def test_stuck_pixels_above_it_do_not_hide_it() -> None:
    plane = counted(lamps())
    plane[np.random.default_rng(1).random(plane.shape) < 1e-3] = 16_383
    assert clipping_level(plane, BLACK, WHITE) == CLIP


@pytest.mark.parametrize(("spread", "tolerance"), [(2, 2.0), (8, 8.0)])
def test_a_pile_may_be_a_few_dn_wide(spread: int, tolerance: float) -> None:
    plane = counted(lamps(gain=6.0))
    full = plane == CLIP
    plane[full] -= np.random.default_rng(1).integers(0, spread, int(full.sum()), dtype=np.uint16)
    assert clipping_level(plane, BLACK, WHITE) == pytest.approx(CLIP - spread / 2, abs=tolerance)


def flat(level: float, gain: float = 1.0) -> np.ndarray:
    rng = np.random.default_rng(0)
    return np.full((160, 160), level) + np.sqrt(gain * level) * rng.normal(0, 1, (160, 160))


def patches() -> np.ndarray:
    """Squares of one value each, the brightest one the largest."""
    squares = np.kron(np.random.default_rng(0).uniform(500, 11_000, (16, 16)), np.ones((10, 10)))
    squares[:50, :50] = 11_000
    return squares


def ramp() -> np.ndarray:
    """Columns that get darker to the right, the first two alike."""
    return np.broadcast_to(11_000 - 30.0 * np.maximum(np.arange(160), 1), (160, 160))


@pytest.mark.parametrize(
    "plane",
    [
        counted(lamps(peak=10_000.0)),  # bright, not clipped
        counted(flat(10_000.0)),  # a white wall
        counted(flat(10_000.0, gain=0.02)),  # the same with little noise
        counted(flat(20.0)),  # dark
        counted(np.full((160, 160), 10_000.0)),  # no noise: nothing tells a wall from a lamp
        counted(patches()),  # likewise
        counted(ramp()),
        counted(lamps(peak=10_000.0)) // 512 * 512,  # coarse steps of a lossy compression
    ],
    ids=["bright", "wall", "quiet wall", "dark", "one value", "patches", "ramp", "steps"],
)
def test_what_is_not_clipped_has_no_such_level(plane: np.ndarray) -> None:
    assert clipping_level(plane, BLACK, WHITE) is None


def test_stuck_pixels_alone_are_no_pile() -> None:
    plane = counted(lamps(peak=9000.0))
    plane[np.random.default_rng(1).random(plane.shape) < 0.01] = 12_000
    assert clipping_level(plane, BLACK, WHITE) is None


def test_a_value_of_absurd_size_takes_no_memory() -> None:
    plane = np.random.default_rng(0).uniform(1000, 2000, (64, 64)).astype(np.float32)
    plane[5, 5] = 1e8
    tracemalloc.start()
    assert clipping_level(plane, 0.0, 2000.0) is None
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 20 * 2**20


def test_fewer_than_64_pixels_are_no_pile() -> None:
    plane = counted(lamps(peak=9000.0))
    plane[:8, :8] = 12_000
    assert clipping_level(plane, BLACK, WHITE) == 12_000
    plane[7, 7] = 600
    assert clipping_level(plane, BLACK, WHITE) is None


def sensor(red: float, green: float, blue: float, tags: dict | None = None, scale: float = 1.0) -> Readout:
    """A Bayer sensor under lamps; each colour clips where it says, 0 for one that does not."""
    full = np.zeros((320, 320), np.uint16)
    for site, clip in zip(RGGB.sites, (red, green, green, blue), strict=True):
        light = lamps(seed=site.row + 2 * site.column) if clip else lamps(4000.0)
        RGGB.plane(full, site)[...] = counted(light, clip or WHITE)
    return Readout(full, 0, 0, 320, 320, RGGB, (BLACK,) * 4, WHITE, DngTags(tags or {}), scale)


@pytest.mark.parametrize(
    ("clips", "balance", "white"),
    [
        ((CLIP, CLIP, CLIP), (2.0, 1.0, 1.5), CLIP),
        ((9000.0, CLIP, 10_000.0), (1.3, 1.0, 1.5), BLACK + 8488 * 1.3),  # red reaches white first
        ((9000.0, 0, 0), (1.3, 1.0, 1.5), BLACK + 8488 * 1.3),
        ((CLIP, 0, 0), (2.0, 1.0, 1.5), WHITE),  # red is white at 24488 above black: no need
        ((0, 0, 0), (2.0, 1.0, 1.5), WHITE),
    ],
)
def test_white_is_what_every_clipped_colour_reaches(clips, balance, white: float) -> None:
    assert white_level(sensor(*clips), BlackLevel.uniform(BLACK), balance) == pytest.approx(white, abs=0.01)


def test_one_green_that_clips_first_counts() -> None:
    readout = sensor(0, CLIP, 0)
    RGGB.plane(readout.full_dn, RGGB.sites[2])[...] = counted(lamps(), 12_000.0)
    assert white_level(readout, BlackLevel.uniform(BLACK), (2.0, 1.0, 1.5)) == pytest.approx(12_000.0)


@pytest.mark.parametrize(
    ("tags", "scale", "white"),
    [
        ({WHITE_LEVEL: (4, (16_000,))}, 1.0, 16_000.0),
        ({WHITE_LEVEL: (4, (16_000, 15_000, 15_500))}, 1.0, 15_000.0),
        ({WHITE_LEVEL: (5, (31_000, 2))}, 1.0, 15_500.0),
        ({WHITE_LEVEL: (4, (1,))}, 16_000.0, 16_000.0),
        ({WHITE_LEVEL: (4, (2**32 - 1,))}, 1.0, WHITE),
        ({WHITE_LEVEL: (4, (0,))}, 1.0, WHITE),
        ({WHITE_LEVEL: (4, (255,)), COMPRESSION: (3, (LOSSY_JPEG,))}, 1.0, WHITE),
        ({}, 1.0, WHITE),
    ],
)
def test_the_tag_is_the_white_level_else_libraws(tags, scale: float, white: float) -> None:
    assert white_level(sensor(0, 0, 0, tags, scale), BlackLevel.uniform(BLACK), (2.0, 1.0, 1.5)) == white


def test_samples_of_a_linear_raw_are_its_colours() -> None:
    full = np.stack([counted(lamps(4000.0), WHITE), counted(lamps()), counted(lamps(4000.0), WHITE)], axis=-1)
    readout = Readout(full, 0, 0, 160, 160, None, (BLACK,) * 3, WHITE)
    assert white_level(readout, BlackLevel.uniform(BLACK), (1.0, 1.1, 1.2)) == pytest.approx(BLACK + 11_988 * 1.1)
