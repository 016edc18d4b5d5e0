"""Colours outside sRGB, measured on the raw and put back into files that can hold them."""

from dataclasses import replace

import numpy as np
import pytest
from skimage.color import deltaE_ciede2000, xyz2lab

from darkdiff_cli.cfa import Cfa
from darkdiff_cli.colour import XYZ_FROM_SRGB, srgb_encode
from darkdiff_cli.gamut import OutsideSrgb
from darkdiff_cli.raw import RawFrame
from darkdiff_cli.raw.black_level import BlackLevel
from darkdiff_cli.raw.outside_srgb import outside_srgb

WHITE = 16000.0
CAMERA = np.array([[0.7, 0.2, 0.1], [0.15, 0.7, 0.15], [0.05, 0.25, 0.7]])  # from linear sRGB
BALANCE = (2.0, 1.0, 1.5)
PATCHES = np.array(
    [
        [[0.5, -0.06, 0.02], [-0.07, 0.3, 0.05], [0.03, -0.04, 0.4]],  # below 0
        [[1.2, 0.4, 0.1], [0.5, 0.5, 0.5], [0.3, 0.02, 0.1]],  # above 1, grey, and deep but inside
        [[0.002, 0.002, 0.002], [0.0, 0.0, 0.0], [0.9, 0.93, 0.9]],  # black, and almost white
    ],
    dtype=np.float32,
)  # linear sRGB
OUTSIDE = np.array([[True, True, True], [True, False, False], [False, False, False]])
SIDE = 64  # pixels of LRGB


def scene() -> np.ndarray:
    """(h, w, 3) linear light of the patches, each with some texture."""
    large = PATCHES.repeat(SIDE, axis=0).repeat(SIDE, axis=1)
    texture = 1 + 0.1 * np.sin(np.arange(3 * SIDE))[:, None, None] * np.cos(np.arange(3 * SIDE))[None, :, None]
    return (large * texture.astype(np.float32)).astype(np.float32)


def exposed(light: np.ndarray, ratio: float, seed: int = 0) -> RawFrame:
    """A Bayer raw of it, `ratio` times too dark, one electron a DN, read noise of 2 DN."""
    sensor = (light @ CAMERA.T / np.array(BALANCE)).repeat(2, axis=0).repeat(2, axis=1)
    cfa = Cfa.bayer("RGGB")
    mosaic = np.zeros(sensor.shape[:2])
    for site in cfa.sites:
        cfa.plane(mosaic, site)[:] = cfa.plane(sensor[..., site.colour], site)
    electrons = mosaic.clip(0, 1) * WHITE / ratio
    if ratio > 1:
        rng = np.random.default_rng(seed)
        electrons = rng.poisson(electrons) + rng.normal(0, 2, electrons.shape)
    black = BlackLevel.uniform(0.0)
    return RawFrame(electrons.astype(np.float32), cfa, black, WHITE, BALANCE, np.linalg.inv(CAMERA))


def difference(light: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """CIEDE2000 of the patches' means, their borders left out."""

    def lab(values: np.ndarray) -> np.ndarray:
        parts = values.reshape(3, SIDE, 3, SIDE, 3)[:, 12:-12, :, 12:-12].mean(axis=(1, 3))
        return xyz2lab(np.clip(parts @ XYZ_FROM_SRGB.T, 0, None))

    return deltaE_ciede2000(lab(light), lab(truth))


@pytest.mark.parametrize(("ratio", "most"), [(1.0, 0.3), (20.0, 0.9), (100.0, 4.0)])
def test_what_srgb_clipped_is_put_back_and_nothing_else_changes(ratio: float, most: float) -> None:
    truth = scene()
    clipped = truth.clip(0, 1)
    restored = outside_srgb(srgb_encode(clipped), exposed(truth, ratio), ratio).restored(clipped)
    before, after = difference(clipped, truth), difference(restored, truth)
    assert (before[OUTSIDE] > 2).all()
    assert (after[OUTSIDE] < most).all()
    inside = np.isclose(truth, clipped).all(axis=-1)
    middles = np.zeros_like(inside).reshape(3, SIDE, 3, SIDE)
    middles[:, 12:-12, :, 12:-12] = True
    still = inside & middles.reshape(inside.shape) & ~OUTSIDE.repeat(SIDE, axis=0).repeat(SIDE, axis=1)
    assert still.mean() > 0.15
    assert np.abs(restored - clipped)[still].max() < 1e-6


def test_a_picture_that_is_almost_at_the_end_gets_the_same_mean() -> None:
    """Networks do not give 0 where the light is below it; their detail stays."""
    truth = np.full((96, 96, 3), (0.5, -0.05, 0.1), np.float32)
    shown = truth.clip(0, 1)
    shown[..., 1] = 0.004
    shown[::2, :, 1] = 0.006
    restored = outside_srgb(srgb_encode(shown), exposed(truth, 1.0), 1.0).restored(shown)
    assert restored[..., 1].mean() == pytest.approx(-0.05, abs=1e-3)
    assert restored[40, 40, 1] - restored[41, 40, 1] == pytest.approx(0.002, abs=1e-4)


@pytest.mark.parametrize("seed", range(4))
def test_noise_and_a_black_level_that_is_a_little_off_are_no_colours(seed: int) -> None:
    """A dark picture of deep colours inside sRGB at x300, its black level 0.3 DN too high."""
    light = np.full((192, 192, 3), 0.002, np.float32)
    light[:96, :, 0] = light[96:, :, 2] = 0.1
    frame = exposed(light, 300.0, seed)
    frame = replace(frame, mosaic_dn=frame.mosaic_dn - np.float32(0.3))
    found = outside_srgb(srgb_encode(light), frame, 300.0)
    assert (found.below < 0).any(axis=-1).mean() < 0.02
    assert not found.above.any()


def test_a_picture_of_full_size_and_of_a_white_level_gets_the_same() -> None:
    """Both gain and size are the picture's, not the blocks'."""
    truth = scene() * np.float32(0.6)
    frame = exposed(truth, 1.0)
    half = srgb_encode(truth)
    at_half = outside_srgb(half, frame, 1.0, 1.5)
    at_full = outside_srgb(half.repeat(2, axis=0).repeat(2, axis=1), frame, 1.0, 1.5)
    np.testing.assert_allclose(at_full.below, at_half.below, atol=1e-6)
    np.testing.assert_allclose(at_full.above, at_half.above, atol=1e-6)
    shown = (truth * 1.5).clip(0, 1)
    large = at_half.restored(shown.repeat(2, axis=0).repeat(2, axis=1))
    assert large.shape == (6 * SIDE, 6 * SIDE, 3)
    assert difference(large[::2, ::2], truth * 1.5)[OUTSIDE].max() < 0.5


def test_only_channels_at_an_end_are_changed() -> None:
    outside = OutsideSrgb(np.full((1, 1, 3), -0.2, np.float32), np.full((1, 1, 3), 0.3, np.float32))
    linear = np.array(
        [[[0.5, 0.0, 0.2], [0.99, 0.5, 0.5], [0.0, 0.0, 0.0], [1.0, 0.0, 0.3], [0.0, 0.008, 0.0], [1.0, 1.0, 1.0]]],
        dtype=np.float32,
    )
    expected = [
        [[0.5, -0.1, 0.2], [1.14, 0.5, 0.5], [0.0, 0.0, 0.0], [1.3, -0.2, 0.3], [0.0, 0.008, 0.0], [1.0, 1.0, 1.0]]
    ]
    np.testing.assert_allclose(outside.restored(linear), expected, atol=1e-6)
    assert np.array_equal(OutsideSrgb(outside.below * 0, outside.above * 0).restored(linear), linear)


def test_blocks_are_brought_to_the_picture_between_their_middles() -> None:
    below = np.array([[-0.1, -0.3], [-0.5, -0.7]], dtype=np.float32)[..., None].repeat(3, axis=-1)
    linear = np.zeros((600, 8, 3), dtype=np.float32)
    linear[..., 0] = 1.0
    restored = OutsideSrgb(below, below * 0).restored(linear)
    across = np.array([-0.1, -0.1, -0.125, -0.175, -0.225, -0.275, -0.3, -0.3])
    for row in (0, 149, 255, 256, 299, 511, 512, 599):
        share = np.clip((row + 0.5) / 300 - 0.5, 0, 1)
        np.testing.assert_allclose(restored[row, :, 1], across - 0.4 * share, atol=1e-5)
