"""Red and blue brought to the middle of the pixel, with the noise as it was."""

import numpy as np
import pytest

from darkdiff_cli.cfa import Cfa
from darkdiff_cli.raw import RawFrame, develop, network_input
from darkdiff_cli.raw.black_level import BlackLevel
from darkdiff_cli.raw.colour_registration import registered
from darkdiff_cli.synthesis.unprocess import QUAD_BAYER, XTRANS

BAYER = [Cfa.bayer(order) for order in ("RGGB", "GRBG", "GBRG", "BGGR")]
RED_AND_BLUE = (0, 2)


def frame(dn: np.ndarray, cfa: Cfa | None) -> RawFrame:
    return RawFrame(dn, cfa, BlackLevel.uniform(0.0), 1.0, (1.0, 1.0, 1.0))


def waves(y: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Grey light in waves of 12 pixels of LRGB and more, by place in such pixels."""
    return 0.5 + 0.2 * np.sin(2 * np.pi * (y / 12 - x / 40)) + 0.1 * np.cos(2 * np.pi * y / 16)


def seen() -> np.ndarray:
    """The mosaic of these waves."""
    place = (np.arange(96) + 0.5) / 2  # middle of each photosite, in pixels of LRGB
    return waves(*np.meshgrid(place, place, indexing="ij")).astype(np.float32)


@pytest.mark.parametrize("cfa", BAYER, ids=str)
def test_red_and_blue_are_those_of_the_pixels_middle(cfa: Cfa) -> None:
    raw = frame(seen(), cfa)
    middle = np.arange(48) + 0.5
    right = waves(*np.meshgrid(middle, middle, indexing="ij"))[8:-8, 8:-8]
    for register_colours, bounds in ((False, (0.02, 0.1)), (True, (0.0, 0.004))):
        pixels = develop(raw, register_colours=register_colours).pixels[8:-8, 8:-8]
        for colour in RED_AND_BLUE:
            assert bounds[0] <= np.abs(pixels[..., colour] - right).max() < bounds[1]


def test_noise_stays_as_strong_and_as_white() -> None:
    noise = np.random.default_rng(0).normal(0, 0.01, (400, 400, 3)).astype(np.float32)
    out = registered(noise, Cfa.bayer("RGGB"))
    assert np.array_equal(out[..., 1], noise[..., 1])
    for colour in RED_AND_BLUE:
        plane = out[..., colour]
        assert abs(plane.mean()) < 1e-4
        assert plane.std() == pytest.approx(0.01, rel=0.12)
        assert abs(np.mean(plane[:, 1:] * plane[:, :-1]) / plane.var()) < 0.12


def test_one_colour_stays_that_colour_to_the_edges() -> None:
    colour = np.array([0.1, 0.25, 0.7], np.float32)
    pixels = np.broadcast_to(colour, (7, 5, 3))
    assert registered(pixels, Cfa.bayer("GBRG")) == pytest.approx(pixels, abs=1e-6)


@pytest.mark.parametrize("cfa", [XTRANS, Cfa(("G",)), None], ids=str)
def test_other_filters_stay_as_they_are(cfa: Cfa | None) -> None:
    pixels = np.random.default_rng(0).random((12, 12, 3), np.float32)
    before = pixels.copy()
    assert np.array_equal(registered(pixels, cfa), before)
    assert np.array_equal(pixels, before)


def test_squares_of_one_colour_are_shifted_as_the_photosites_that_they_make_up() -> None:
    pixels = np.random.default_rng(0).random((12, 12, 3), np.float32)
    shifted = registered(pixels, QUAD_BAYER.seen_from(2, 0))
    assert np.array_equal(shifted, registered(pixels, Cfa.bayer("GBRG")))


def test_nothing_passes_saturation_beside_a_lamp() -> None:
    dn = np.zeros((64, 64), np.float32)
    dn[:, 30:] = 1.0
    pixels = develop(frame(dn, Cfa.bayer("RGGB")), lrgb_space="camera", register_colours=True).pixels
    assert pixels.max() == 1.0


def test_bayer_planes_stay_as_they_are() -> None:
    raw = frame(np.random.default_rng(0).random((16, 16), np.float32), Cfa.bayer("RGGB"))
    planes = network_input(raw, 1.0, "camera", "raw-srgb", register_colours=True)
    assert np.array_equal(planes, network_input(raw, 1.0, "camera", "raw-srgb"))
    assert not np.array_equal(
        network_input(raw, 1.0, "camera", "lrgb-srgb", register_colours=True),
        network_input(raw, 1.0, "camera", "lrgb-srgb"),
    )
