"""`--doubt`: the error that is to be expected, by its values."""

from dataclasses import replace

import numpy as np
import pytest

from darkdiff_cli.cfa import Cfa
from darkdiff_cli.colour import srgb_encode
from darkdiff_cli.raw import RawFrame
from darkdiff_cli.raw.black_level import BlackLevel
from darkdiff_cli.raw.doubt import ALWAYS, DETAIL, HIDDEN, doubt, doubt_of
from darkdiff_cli.raw.noise import MeasuredNoise
from darkdiff_cli.raw.rendering import finish
from darkdiff_cli.synthesis.unprocess import QUAD_BAYER

WHITE, RATIO = 1000.0, 10.0


def frame(height: int = 80, width: int = 120) -> RawFrame:
    mosaic = np.full((height, width), 20.0, np.float32)
    return RawFrame(mosaic, Cfa.bayer("RGGB"), BlackLevel.uniform(0.0), WHITE, (1.0, 1.0, 1.0))


def striped(height: int = 40, width: int = 60, contrast: float = 0.1) -> np.ndarray:
    """Grey of sRGB 0.5, its right half with stripes."""
    picture = np.full((height, width, 3), 0.5, np.float32)
    picture[:, width // 2 :: 2] += contrast
    picture[:, width // 2 + 1 :: 2] -= contrast
    return picture


def test_what_is_smooth_is_hardly_doubted_and_detail_under_noise_most() -> None:
    loud, quiet = (doubt(striped(), frame(), RATIO, MeasuredNoise(0.0, read)) for read in (10.0, 0.1))
    assert loud[:, :20] == pytest.approx(ALWAYS, abs=1e-5)
    assert (loud[10:30, 40:50] > quiet[10:30, 40:50] + 0.02).all()
    assert quiet[10:30, 40:50] == pytest.approx(ALWAYS + DETAIL * 0.1, abs=0.012)


def test_noise_is_the_luminance_of_a_quad_under_the_srgb_curve() -> None:
    picture = srgb_encode(np.full((40, 40, 3), 0.25, np.float32))
    detail = np.tile([0.02, -0.02], 20)[None, :, None].astype(np.float32)
    gain, read = 0.5, 4.0
    found = doubt(picture + detail, frame(), RATIO, MeasuredNoise(gain, read))[20, 20]
    variance = gain * 0.25 * RATIO / WHITE + (read * RATIO / WHITE) ** 2
    luminance = np.sqrt(variance * (0.2126**2 + 0.7152**2 / 2 + 0.0722**2))
    hidden = luminance * 1.055 / 2.4 * 0.25 ** (1 / 2.4 - 1)
    assert found == pytest.approx(ALWAYS + HIDDEN * np.sqrt(hidden * 0.02) + DETAIL * 0.02, rel=0.03)


def test_a_photo_of_full_size_is_judged_at_half() -> None:
    noise, half = MeasuredNoise(0.2, 5.0), striped()
    full = half.repeat(2, axis=0).repeat(2, axis=1)
    at_half, at_full = (doubt_of(picture, frame(), RATIO, noise, 1.0) for picture in (half, full))
    assert at_half.shape == at_full.shape == (40, 60)
    np.testing.assert_allclose(at_full, at_half, rtol=1e-4)
    np.testing.assert_array_equal(at_half, doubt(half, frame(), RATIO, noise))


@pytest.mark.parametrize("strength", [1.0, 0.6])
def test_squares_of_one_colour_are_judged_as_the_photosites_that_they_make_up(strength: float) -> None:
    """Four photosites have a quarter of the gain and half of the read noise of one."""
    bayer, picture = frame(), striped()
    quad = replace(bayer, mosaic_dn=bayer.mosaic_dn.repeat(2, axis=0).repeat(2, axis=1), cfa=QUAD_BAYER)
    share = np.random.default_rng(0).uniform(0.5, 2.0, (160, 240)).astype(np.float32)
    joined = share.reshape(80, 2, 120, 2).mean(axis=(1, 3))
    noise, quarter = MeasuredNoise(0.8, 10.0), MeasuredNoise(0.2, 5.0)
    found, right = (
        doubt_of(picture, *given)
        for given in ((quad, RATIO, noise, strength, share), (bayer, RATIO, quarter, strength, joined))
    )
    np.testing.assert_allclose(found, right, rtol=1e-4)
    full = picture.repeat(4, axis=0).repeat(4, axis=1)
    at_full, at_quarter = (doubt_of(seen, quad, RATIO, noise, 1.0) for seen in (full, picture))
    np.testing.assert_allclose(at_full, at_quarter, rtol=1e-4)


def test_grain_of_quad_bayer_is_that_of_its_photosites() -> None:
    """At full size each pixel gets its own photosites' noise, and not that of a square."""
    mosaic = 20 + np.random.default_rng(0).normal(0, 20, (240, 320)).astype(np.float32)
    quad = replace(frame(), mosaic_dn=mosaic, cfa=QUAD_BAYER)
    picture = np.full((240, 320, 3), srgb_encode(np.float32(0.2)), np.float32)
    expected = doubt_of(picture, quad, RATIO, MeasuredNoise(0.0, 20.0), 0.0)
    photo = finish(picture, quad, RATIO, "file", 0.0).srgb_01
    assert expected.mean() == pytest.approx(np.abs(photo - picture)[16:-16, 16:-16].mean(), rel=0.12)


@pytest.mark.parametrize("strength", [1.0, 0.6])
def test_where_a_stack_left_the_noise_of_one_frame_is_more_doubt(strength: float) -> None:
    picture, share = striped(contrast=0.02), np.ones((80, 120), np.float32)
    share[:40] = 4.0
    found = doubt_of(picture, frame(), RATIO, MeasuredNoise(0.2, 5.0), strength, share)
    louder = doubt_of(picture, frame(), RATIO, MeasuredNoise(0.8, 10.0), strength)
    plain = doubt_of(picture, frame(), RATIO, MeasuredNoise(0.2, 5.0), strength)
    np.testing.assert_allclose(found[:20], louder[:20], rtol=1e-4)
    np.testing.assert_array_equal(found[20:], plain[20:])
    assert (found[:20, 32:] > plain[:20, 32:]).all()


def patches() -> np.ndarray:
    """(200, 300, 3) linear light: black, grey, deep red and a bright blue."""
    light = np.zeros((200, 300, 3), np.float32)
    light[:100, 150:] = 0.2
    light[100:, :150] = (0.3, 0.05, 0.02)
    light[100:, 150:] = (0.2, 0.3, 0.7)
    return light


def photographed(light: np.ndarray, noise: MeasuredNoise) -> RawFrame:
    """A Bayer raw of it in warm light, RATIO times too dark."""
    balance, matrix = np.array([1.8, 1.0, 1.4]), np.array([[1.6, -0.4, -0.2], [-0.2, 1.5, -0.3], [0.0, -0.5, 1.5]])
    sensor = (light @ np.linalg.inv(matrix).T / balance).repeat(2, axis=0).repeat(2, axis=1)
    cfa = Cfa.bayer("RGGB")
    mosaic = np.zeros(sensor.shape[:2])
    for site in cfa.sites:
        cfa.plane(mosaic, site)[:] = cfa.plane(sensor[..., site.colour], site) * WHITE / RATIO
    deviation = np.sqrt(noise.gain * mosaic.clip(0, None) + noise.read**2)
    mosaic += np.random.default_rng(0).normal(0, 1, mosaic.shape) * deviation
    black = BlackLevel.uniform(0.0)
    return RawFrame(mosaic.astype(np.float32), cfa, black, WHITE, (1.8, 1.0, 1.4), matrix)


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("strength", [0.0, 0.3, 0.7])
@pytest.mark.parametrize("noise", [MeasuredNoise(0.02, 0.3), MeasuredNoise(0.5, 4.0)])
def test_grain_is_the_error_that_it_makes(noise: MeasuredNoise, strength: float, full: bool) -> None:
    """Of networks that are right, so that the grain is all that is wrong with the photo."""
    light = patches()
    picture = srgb_encode(light.repeat(2, axis=0).repeat(2, axis=1) if full else light)
    raw = photographed(light, noise)
    grained = finish(picture, raw, RATIO, "file", strength).srgb_01
    error = np.abs(grained - picture).mean(axis=-1)
    networks = strength * doubt(srgb_encode(light), raw, RATIO, noise)
    found = np.sqrt(doubt_of(picture, raw, RATIO, noise, strength) ** 2 - networks**2)
    for down in (0, 100):
        for right in (0, 150):
            middle = found[down + 10 : down + 90, right + 10 : right + 140].mean()
            scale = 2 if full else 1
            part = error[scale * (down + 10) : scale * (down + 90), scale * (right + 10) : scale * (right + 140)]
            assert middle == pytest.approx(part.mean(), rel=0.2)


@pytest.mark.parametrize("strength", [0.0, 0.1, 0.5, 0.9, 1.0])
def test_doubt_rises_with_noise_at_every_strength(strength: float) -> None:
    half = striped()
    noises = [MeasuredNoise(0.1 * level**2, level) for level in (0.5, 1.0, 2.0, 4.0, 8.0)]
    striped_half = np.stack([doubt_of(half, frame(), RATIO, noise, strength)[:, 35:] for noise in noises])
    assert (np.diff(striped_half, axis=0) > 0).all()


def test_less_strength_leaves_more_noise_to_doubt() -> None:
    """Where there is much of it; at full strength there is none, and at none nothing else."""
    noise = MeasuredNoise(1.0, 10.0)
    found = [doubt_of(striped(), frame(), RATIO, noise, strength).mean() for strength in (1.0, 0.6, 0.3, 0.0)]
    assert found == sorted(found)
    quiet = doubt_of(striped(), frame(), RATIO, MeasuredNoise(0.0, 0.0), 0.0)
    assert quiet == pytest.approx(0.0, abs=1e-7)
